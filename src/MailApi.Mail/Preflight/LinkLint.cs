using System.Collections.Frozen;
using MailApi.Mail.Composition;
using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>Where the links lead.</summary>
internal static class LinkLint
{
    private const int HostsMax = 10;

    /// <summary>Hosts that mail of shops usually links to (November 2026): carriers, payment, networks, application stores.</summary>
    private static readonly string[] Familiar =
    [
        "facebook.com", "instagram.com", "x.com", "twitter.com", "linkedin.com", "youtube.com", "tiktok.com", "pinterest.com", "whatsapp.com", "weixin.qq.com", "weibo.com",
        "apple.com", "google.com", "paypal.com", "klarna.com", "alipay.com", "dhl.com", "dhl.de", "ups.com", "fedex.com", "usps.com", "dpd.com", "gls-group.eu", "hermesworld.com",
        "royalmail.com", "laposte.fr", "sf-express.com", "kuaidi100.com", "trustpilot.com", "w3.org",
    ];

    /// <summary>Services that hide where a link leads (November 2026); blocklists name them as abused.</summary>
    private static readonly FrozenSet<string> Shorteners = new[]
    {
        "bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "v.gd", "buff.ly", "cutt.ly", "rebrand.ly", "rb.gy", "shorturl.at", "t.ly", "tiny.cc", "lnkd.in",
        "t.cn", "url.cn", "dwz.cn", "suo.im", "u.nu", "s.id", "qr.ae",
    }.ToFrozenSet();

    private static readonly string[] HarmlessSchemes = ["mailto:", "tel:", "sms:", "#", "cid:"];

    public static Check LinkHosts(IReadOnlyList<Link> links, PreflightFacts facts)
    {
        var hosts = links.Where(link => link.Page is not null).Select(link => link.Host).Distinct().ToList();
        if (hosts.Count == 0) return Pass("linkHosts", Links, "The message links to no page.");
        if (hosts.Count > HostsMax)
            return Warn("linkHosts", Links, $"The message links to {hosts.Count} different hosts; each one lends its reputation to the message.",
                "Link to your own pages.");
        var foreign = hosts.Where(host => !Domains.IsWithin(host, facts.OrganizationalDomain) && host != facts.TrackingHost
            && !Familiar.Any(known => Domains.IsWithin(host, known))).ToList();
        return foreign.Count == 0
            ? Pass("linkHosts", Links, $"The links lead to {Shown.List(hosts)}.")
            : Warn("linkHosts", Links, $"Links lead to {Shown.List(foreign)}, outside {facts.OrganizationalDomain}; filters weigh the reputation of those hosts too.",
                $"Link to pages at {facts.OrganizationalDomain} where you can.");
    }

    public static Check LinkSchemes(IReadOnlyList<Link> links)
    {
        var broken = links.FirstOrDefault(link => link.Page is null && !IsHarmless(link.Target));
        if (broken is not null)
            return Fail("linkSchemes", Links, $"The link '{Shown.Text(broken.Target)}' leads nowhere from a mail: it is no full https address.",
                "Write links in full, beginning with https://.");
        var plain = links.Where(link => link.Page is { Scheme: "http" }).Select(link => link.Host).Distinct().ToList();
        return plain.Count == 0
            ? Pass("linkSchemes", Links, "Every link to a page uses https.")
            : Warn("linkSchemes", Links, $"Links to {Shown.List(plain)} use http without TLS; browsers warn of such pages.", "Use https.");
    }

    public static Check LinkAddresses(IReadOnlyList<Link> links, string organizationalDomain)
    {
        if (links.FirstOrDefault(link => link.IsAddressLiteral) is { } literal)
            return Fail("linkAddresses", Links, $"A link leads to the bare address {Shown.Text(literal.Host)}; that is what malware and phishing do.",
                "Link to a host by its name.");
        if (links.FirstOrDefault(link => link.Page is { UserInfo.Length: > 0 }) is { } disguised)
            return Fail("linkAddresses", Links, $"The link '{Shown.Text(disguised.Target)}' has a name before an '@', which disguises the host {Shown.Text(disguised.Host)}.",
                "Take out what stands before the '@'.");
        if (links.FirstOrDefault(link => Confusables.MixedWord(DecodedHost(link)) is not null
            || Confusables.LooksLike(Tail(link.Host, organizationalDomain), organizationalDomain)) is { } alike)
            return Fail("linkAddresses", Links, $"The host {Shown.Text(alike.Host)} is written in letters that look like others, as forged pages are.",
                "Check the link.");
        return links.FirstOrDefault(link => link.Host.Contains("xn--", StringComparison.Ordinal) && !Domains.IsWithin(link.Host, organizationalDomain)) is { } international
            ? Warn("linkAddresses", Links, $"A link leads to {Shown.Text(international.Host)}, a name in other letters than a to z; some filters take those for forgeries.",
                "Link to a name in plain letters if the page has one.")
            : Pass("linkAddresses", Links, "Every link names its host plainly.");
    }

    public static Check LinkShorteners(IReadOnlyList<Link> links)
    {
        var found = links.Select(link => link.Host).Where(host => Shorteners.Contains(host.StartsWith("www.", StringComparison.Ordinal) ? host[4..] : host)).Distinct().ToList();
        return found.Count == 0
            ? Pass("linkShorteners", Links, "No link goes through a shortener.")
            : Fail("linkShorteners", Links, $"Links go through {Shown.List(found)}. Shorteners hide where a link leads, and many filters refuse them.",
                "Link to the page itself.");
    }

    public static Check LinkText(IReadOnlyList<Link> links, PreflightFacts facts)
    {
        foreach (var link in links.Where(link => link.Page is not null && link.Host != facts.TrackingHost))
        {
            if (HostIn(link.Shown) is not { } shown || AreRelated(shown, link.Host)) continue;
            if (Domains.IsWithin(shown, facts.OrganizationalDomain) && Domains.IsWithin(link.Host, facts.OrganizationalDomain)) continue;
            return Fail("linkText", Links, $"A link shows {Shown.Text(shown)} but leads to {Shown.Text(link.Host)}: that is what phishing does, and filters look for it.",
                "Show where the link leads, or plain words such as 'Track your parcel'.");
        }
        return Pass("linkText", Links, "No link shows another address than it leads to.");
    }

    public static Check TrackingHost(PreflightFacts facts) => facts.TrackingHost is not { } host
        ? Pass("trackingHost", Links, "Links are not rewritten.")
        : Domains.IsWithin(host, facts.OrganizationalDomain)
            ? Pass("trackingHost", Links, $"Links are counted through {host}, your own domain.")
            : Warn("trackingHost", Links, $"Links are counted through {Shown.Text(host)}, outside {facts.OrganizationalDomain}, and share the reputation of all who use it.",
                $"Set up a tracking host such as links.{facts.OrganizationalDomain}.");

    private static bool IsHarmless(string target) => target.Length > 0
        && HarmlessSchemes.Any(scheme => target.StartsWith(scheme, StringComparison.OrdinalIgnoreCase));

    /// <summary>As many labels of a host, from its end, as a domain has.</summary>
    private static string Tail(string host, string domain) => string.Join('.', host.Split('.').TakeLast(domain.Count(c => c == '.') + 1));

    private static string DecodedHost(Link link)
    {
        try
        {
            return link.Host.Contains("xn--", StringComparison.Ordinal) ? new System.Globalization.IdnMapping { AllowUnassigned = true }.GetUnicode(link.Host) : "";
        }
        catch (ArgumentException)
        {
            return "";
        }
    }

    /// <summary>The host that a text names, if it is an address of a page and nothing else.</summary>
    private static string? HostIn(string shown)
    {
        var text = shown.Trim();
        var hasScheme = text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("http://", StringComparison.OrdinalIgnoreCase);
        if (hasScheme) text = text[(text.IndexOf("://", StringComparison.Ordinal) + 3)..];
        if (text.Contains('@') || text.Any(char.IsWhiteSpace)) return null;
        var end = text.IndexOfAny(['/', '?', '#', ':']);
        if (!DomainName.TryParse(end < 0 ? text : text[..end], out var host)) return null;
        return hasScheme || host.StartsWith("www.", StringComparison.Ordinal) || AddressLint.HasKnownEnding(host) ? host : null;
    }

    /// <summary>Both below the same name, as far as that can be told without a list of public suffixes: two labels, three below <c>co.uk</c> and its like.</summary>
    private static bool AreRelated(string one, string other) => Base(one) == Base(other);

    private static string Base(string host)
    {
        var labels = host.Split('.');
        var count = labels.Length > 2 && labels[^1].Length == 2 && labels[^2] is "co" or "com" or "net" or "org" or "ac" or "gov" or "edu" ? 3 : 2;
        return string.Join('.', labels[Math.Max(0, labels.Length - count)..]);
    }
}
