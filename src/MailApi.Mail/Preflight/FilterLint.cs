using System.Globalization;
using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>What others think of the message and its sender, as checks.</summary>
internal static class FilterLint
{
    private const double NearThreshold = 2;

    /// <summary>No filter asks about more of a message's links.</summary>
    private const int LinkHostsMax = 10;

    public static async Task<Check> Blocklisted(Blocklists blocklists, RenderedMessage message, IReadOnlyList<Link> links, PreflightFacts facts, CancellationToken ct)
    {
        if (blocklists.AsksNobody) return Pass("blocklists", CheckGroup.Blocklists, "No blocklists are configured, so none was asked.");
        var hosts = links.Where(link => link.Page is not null && !link.IsAddressLiteral).Select(link => link.Host).Distinct().Take(LinkHostsMax);
        string[] domains = [facts.OrganizationalDomain, message.From?.Domain ?? facts.OrganizationalDomain, .. hosts];
        return Judge(await blocklists.Ask(facts.EgressAddress is { } address ? [address] : [], domains, ct));
    }

    /// <summary>All answers as one check.</summary>
    public static Check Judge(IReadOnlyList<BlocklistAnswer> answers)
    {
        var listed = answers.Where(answer => answer.State == BlocklistState.Listed)
            .Select(answer => $"{answer.Subject} is listed by {answer.List}{(answer.Text is null ? "" : $" ({answer.Text})")}").ToList();
        if (listed.Count > 0)
            return Fail("blocklists", CheckGroup.Blocklists, $"{string.Join("; ", listed.Take(3))}. Receivers that use the list refuse the message.",
                "Look the entry up on the list's site, mend its cause, and ask for removal there; leave out links to listed hosts.");
        var silent = answers.Where(answer => answer.State is BlocklistState.Refused or BlocklistState.Unknown).DistinctBy(answer => answer.List)
            .Select(answer => $"{answer.List} {(answer.State == BlocklistState.Refused ? "refuses to answer us" : "gave no answer")}").ToList();
        return silent.Count > 0
            ? Warn("blocklists", CheckGroup.Blocklists, $"Not listed where that could be learned; {Shown.List(silent)}.",
                "Ask the list for access (most want registration or a resolver of your own), or take it out of the configuration.")
            : Pass("blocklists", CheckGroup.Blocklists, $"Neither the sending address nor the domains are listed ({answers.Count} questions).");
    }

    public static async Task<Check> SpamAssassin(Spamd spamd, RenderedMessage message, CancellationToken ct) => !spamd.IsConfigured
        ? Pass("spamAssassin", SpamFilter, "SpamAssassin is not configured, so it was not asked.")
        : await spamd.Check(message.Raw, ct) switch
        {
            SpamdAnswer.Scored scored => Judge(scored),
            SpamdAnswer.TooLarge(var max) => Pass("spamAssassin", SpamFilter, $"The message is larger than the {Sizes.Text(max)} that SpamAssassin is asked about."),
            SpamdAnswer.Unavailable(var reason) => Warn("spamAssassin", SpamFilter, $"SpamAssassin could not be asked: {reason}.",
                "See to it that spamd runs and that its address is configured here."),
            var other => throw new System.Diagnostics.UnreachableException(other.GetType().Name),
        };

    private static Check Judge(SpamdAnswer.Scored scored)
    {
        var worst = scored.Rules.Where(rule => rule.Points > 0).OrderByDescending(rule => rule.Points).Take(4).ToList();
        var points = string.Create(CultureInfo.InvariantCulture, $"SpamAssassin gives {scored.Score:0.0} points of the {scored.Threshold:0.0} that make spam");
        var rules = worst.Select(rule => string.Create(CultureInfo.InvariantCulture, $"{Shown.Text(rule.Description)} ({rule.Name}, {rule.Points:0.0})"));
        var reason = worst.Count == 0 ? $"{points}." : $"{points}: {string.Join("; ", rules)}.";
        if (scored.Score < scored.Threshold - NearThreshold) return Pass("spamAssassin", SpamFilter, reason);
        const string cure = "Mend what the named rules object to, the heaviest first.";
        return scored.Score >= scored.Threshold ? Fail("spamAssassin", SpamFilter, reason, cure) : Warn("spamAssassin", SpamFilter, reason, cure);
    }
}
