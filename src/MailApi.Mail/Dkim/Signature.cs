using System.Diagnostics.CodeAnalysis;
using System.Text;
using MailApi.Mail.Composition;

namespace MailApi.Mail.Dkim;

/// <summary>
/// A <c>DKIM-Signature</c> field (RFC 6376 §3.5) that is well formed and may be verified; or an <c>ARC-Message-Signature</c> field, which differs in
/// that <c>i=</c> is the number of its set and there is no <c>v=</c> (RFC 8617 §4.1.2).
/// </summary>
internal sealed record Signature
{
    private static readonly string[] TagsRequired = ["a", "b", "bh", "d", "h", "s"];
    private static readonly string[] TagsNumeric = ["l", "x", "t"];

    public required RawField Field { get; init; }

    /// <summary><c>d=</c>, in A-labels.</summary>
    public required string Domain { get; init; }
    public required string Selector { get; init; }

    /// <summary><c>rsa-sha256</c> or <c>ed25519-sha256</c>.</summary>
    public required string Algorithm { get; init; }
    public required bool RelaxedHeader { get; init; }
    public required bool RelaxedBody { get; init; }
    public required IReadOnlyList<string> SignedNames { get; init; }
    public required byte[] BodyHash { get; init; }
    public required byte[] Octets { get; init; }

    /// <summary><c>l=</c>: how much of the canonical body is signed; null for all.</summary>
    public required long? BodyLength { get; init; }

    /// <summary><c>t=</c>, in Unix seconds.</summary>
    public required long? Made { get; init; }

    /// <summary><c>x=</c>, in Unix seconds.</summary>
    public required long? Expires { get; init; }

    /// <summary><c>i=</c> names a subdomain of <c>d=</c>, which a key with the flag <c>s</c> forbids.</summary>
    public required bool IdentityIsSubdomain { get; init; }

    /// <summary>Where it returns false, <paramref name="error"/> says why, and the tags may tell whose signature it was.</summary>
    public static bool TryParse(RawField field, out TagList? tags, [NotNullWhen(true)] out Signature? signature, [NotNullWhen(false)] out KeyError? error)
    {
        signature = null;
        var isArc = field.Name == "arc-message-signature";
        error = TagList.TryParse(Encoding.UTF8.GetString(field.Value.Span), out tags) ? FirstError(tags, isArc)
            : Malformed("the signature is not a list of tags");
        if (error is not null) return false;
        var canonicalization = (tags!.Compact("c") ?? "simple/simple").Split('/');
        _ = DomainName.TryParse(tags.Compact("d"), out var domain);
        signature = new Signature
        {
            Field = field,
            Domain = domain!,
            Selector = tags.Compact("s")!,
            Algorithm = tags.Compact("a")!,
            RelaxedHeader = canonicalization[0] == "relaxed",
            RelaxedBody = canonicalization.Length > 1 && canonicalization[1] == "relaxed",
            SignedNames = tags.List("h")!,
            BodyHash = Convert.FromBase64String(tags.Compact("bh")!),
            Octets = Convert.FromBase64String(tags.Compact("b")!),
            BodyLength = tags.TryNumber("l", out var length) ? length : null,
            Made = tags.TryNumber("t", out var made) ? made : null,
            Expires = tags.TryNumber("x", out var expires) ? expires : null,
            IdentityIsSubdomain = !isArc && tags.Compact("i") is { } identity && IdentityDomain(identity) != domain,
        };
        return true;
    }

    /// <summary>Null for one that may be used; a signature and a seal (RFC 8617 §4.1.3) have the same.</summary>
    public static KeyError? AlgorithmError(string algorithm) => algorithm switch
    {
        "rsa-sha256" or "ed25519-sha256" => null,
        "rsa-sha1" => new KeyError(SignatureFault.TooWeak, "rsa-sha1 is refused (RFC 8301)"),
        _ => Malformed("the algorithm is unknown"),
    };

    /// <summary>Labels as of a host name, with underscores, since it goes into a DNS question (RFC 6376 §3.1).</summary>
    public static bool IsSelector(string selector) => selector.Length <= DomainName.OctetsMax && selector.Split('.')
        .All(label => label.Length is > 0 and <= DomainName.LabelOctetsMax && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));

    private static KeyError? FirstError(TagList tags, bool isArc)
    {
        if (!isArc && tags["v"] is null) return Malformed("the tag v= is missing");
        if (TagsRequired.FirstOrDefault(tag => tags[tag] is null) is { } missing) return Malformed($"the tag {missing}= is missing");
        if (!isArc && tags["v"] != "1") return Malformed("the version is unknown");
        if (AlgorithmError(tags.Compact("a")!) is { } algorithm) return algorithm;
        if (!DomainName.TryParse(tags.Compact("d"), out var domain)) return Malformed("d= is no domain name");
        if (!IsSelector(tags.Compact("s")!)) return Malformed("s= is no selector");
        if (!isArc && tags.Compact("i") is { } identity && !IsWithin(IdentityDomain(identity), domain)) return Malformed("i= is not within d=");
        if (tags.Compact("c") is { } c
            && c is not ("simple" or "relaxed" or "simple/simple" or "simple/relaxed" or "relaxed/simple" or "relaxed/relaxed")) return Malformed("c= is unknown");
        if (tags.List("q") is { } query && !query.Contains("dns/txt")) return Malformed("q= knows no dns/txt");
        if (!System.Buffers.Text.Base64.IsValid(tags.Compact("bh")!) || !System.Buffers.Text.Base64.IsValid(tags.Compact("b")!)) return Malformed("b= or bh= is no base64");
        var bad = TagsNumeric.FirstOrDefault(tag => tags[tag] is not null && !tags.TryNumber(tag, out _));
        if (bad is not null) return Malformed($"{bad}= is no number");
        if (tags.TryNumber("t", out var made) && tags.TryNumber("x", out var expires) && expires <= made) return Malformed("x= is not later than t=");
        return tags.List("h")!.Contains("from", StringComparer.OrdinalIgnoreCase) ? null : new KeyError(SignatureFault.FromNotSigned, "From is not signed");
    }

    private static KeyError Malformed(string reason) => new(SignatureFault.Malformed, reason);

    /// <summary>What follows the last at sign, in A-labels; null where that is none or no domain.</summary>
    private static string? IdentityDomain(string identity)
    {
        var at = identity.LastIndexOf('@');
        return at >= 0 && DomainName.TryParse(identity[(at + 1)..], out var domain) ? domain : null;
    }

    private static bool IsWithin(string? name, string domain) =>
        name is not null && (name == domain || name.EndsWith($".{domain}", StringComparison.Ordinal));
}
