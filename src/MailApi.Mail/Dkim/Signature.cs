using System.Diagnostics.CodeAnalysis;
using System.Text;
using MailApi.Mail.Composition;

namespace MailApi.Mail.Dkim;

/// <summary>A <c>DKIM-Signature</c> field (RFC 6376 §3.5) that is well formed and may be verified.</summary>
internal sealed record Signature
{
    private static readonly string[] TagsRequired = ["v", "a", "b", "bh", "d", "h", "s"];
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

    /// <summary><c>x=</c>, in Unix seconds.</summary>
    public required long? Expires { get; init; }

    /// <summary><c>i=</c> names a subdomain of <c>d=</c>, which a key with the flag <c>s</c> forbids.</summary>
    public required bool IdentityIsSubdomain { get; init; }

    /// <summary>Where it returns false, <paramref name="error"/> says why, and the tags may tell whose signature it was.</summary>
    public static bool TryParse(RawField field, out TagList? tags, [NotNullWhen(true)] out Signature? signature, out string error)
    {
        signature = null;
        if (!TagList.TryParse(Encoding.UTF8.GetString(field.Value.Span), out tags))
        {
            error = "the signature is not a list of tags";
            return false;
        }
        if (FirstError(tags) is { } found)
        {
            error = found;
            return false;
        }
        error = "";
        var canonicalization = (tags.Compact("c") ?? "simple/simple").Split('/');
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
            Expires = tags.TryNumber("x", out var expires) ? expires : null,
            IdentityIsSubdomain = tags.Compact("i") is { } identity && !DomainOf(identity).Equals(domain, StringComparison.OrdinalIgnoreCase),
        };
        return true;
    }

    private static string? FirstError(TagList tags)
    {
        if (TagsRequired.FirstOrDefault(tag => tags[tag] is null) is { } missing) return $"the tag {missing}= is missing";
        if (tags["v"] != "1") return "the version is unknown";
        if (AlgorithmError(tags.Compact("a")!) is { } algorithm) return algorithm;
        if (!DomainName.TryParse(tags.Compact("d"), out var domain)) return "d= is no domain name";
        if (!IsSelector(tags.Compact("s")!)) return "s= is no selector";
        if (tags.Compact("i") is { } identity && !IsWithin(DomainOf(identity), domain)) return "i= is not within d=";
        if (tags.Compact("c") is { } c
            && c is not ("simple" or "relaxed" or "simple/simple" or "simple/relaxed" or "relaxed/simple" or "relaxed/relaxed")) return "c= is unknown";
        if (tags.List("q") is { } query && !query.Contains("dns/txt")) return "q= knows no dns/txt";
        if (!tags.List("h")!.Contains("from", StringComparer.OrdinalIgnoreCase)) return "From is not signed";
        if (!IsBase64(tags.Compact("bh")!) || !IsBase64(tags.Compact("b")!)) return "b= or bh= is no base64";
        var bad = TagsNumeric.FirstOrDefault(tag => tags[tag] is not null && !tags.TryNumber(tag, out _));
        return bad is null ? null : $"{bad}= is no number";
    }

    private static string? AlgorithmError(string algorithm) => algorithm switch
    {
        "rsa-sha256" or "ed25519-sha256" => null,
        "rsa-sha1" => "rsa-sha1 is refused (RFC 8301)",
        _ => "the algorithm is unknown",
    };

    private static string DomainOf(string identity) => identity[(identity.LastIndexOf('@') + 1)..];

    private static bool IsWithin(string name, string domain) =>
        DomainName.TryParse(name, out var parsed) && (parsed == domain || parsed.EndsWith($".{domain}", StringComparison.Ordinal));

    /// <summary>Labels as of a host name, with underscores, since it goes into a DNS question (RFC 6376 §3.1).</summary>
    private static bool IsSelector(string selector) => selector.Length <= DomainName.OctetsMax && selector.Split('.')
        .All(label => label.Length is > 0 and <= DomainName.LabelOctetsMax && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));

    private static bool IsBase64(string text) => System.Buffers.Text.Base64.IsValid(text);
}
