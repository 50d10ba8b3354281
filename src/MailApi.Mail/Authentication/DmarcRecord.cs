using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json.Serialization;

namespace MailApi.Mail.Authentication;

/// <summary>What a domain's owner wants done with mail that fails DMARC (RFC 9989 §4.7, <c>p=</c>), the mildest first.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DmarcPolicy>))]
public enum DmarcPolicy
{
    [JsonStringEnumMemberName("none")] None,
    [JsonStringEnumMemberName("quarantine")] Quarantine,
    [JsonStringEnumMemberName("reject")] Reject,
}

/// <summary>
/// A DMARC policy record (RFC 9989 §4.7), which is any text that begins with <c>v=DMARC1</c>: unknown tags and those that RFC 7489 had (<c>pct, rf,
/// ri</c>) are passed over, and values that break the syntax give way to the defaults.
/// </summary>
public sealed record DmarcRecord
{
    private const string Blanks = " \t";
    private const string Version = "DMARC1";
    private const int UrisMax = 20;
    private static readonly string[] Obsolete = ["pct", "rf", "ri"];

    private DmarcRecord(string text) => Text = text;

    /// <summary>As published.</summary>
    public string Text { get; }

    /// <summary><c>p=</c>; null where it is absent or no policy.</summary>
    public DmarcPolicy? Policy { get; private init; }

    /// <summary><c>sp=</c>: for subdomains that exist.</summary>
    public DmarcPolicy? SubdomainPolicy { get; private init; }

    /// <summary><c>np=</c>: for subdomains that do not exist.</summary>
    public DmarcPolicy? NonexistentPolicy { get; private init; }

    /// <summary><c>psd=</c>: true for a public suffix, false where its owner says that it is an organization of its own; null where it says neither.</summary>
    public bool? IsPublicSuffix { get; private init; }

    /// <summary><c>t=y</c>: the owner is testing, and wants one level less than its policy says.</summary>
    public bool IsTesting { get; private init; }

    /// <summary><c>adkim=s</c>.</summary>
    public bool StrictDkim { get; private init; }

    /// <summary><c>aspf=s</c>.</summary>
    public bool StrictSpf { get; private init; }

    /// <summary><c>rua=</c>: where aggregate reports go; only what is a URI, without the size limit of RFC 7489.</summary>
    public IReadOnlyList<string> AggregateReports { get; private init; } = [];

    /// <summary><c>ruf=</c>: where failure reports go.</summary>
    public IReadOnlyList<string> FailureReports { get; private init; } = [];

    /// <summary><c>fo=</c>: when failure reports are wanted.</summary>
    public string FailureOptions { get; private init; } = "0";

    /// <summary>What its owner should mend, in words that stand behind "the record": <c>has a p= that is no policy</c>.</summary>
    public IReadOnlyList<string> Problems { get; private init; } = [];

    private bool HasBadPolicy { get; init; }

    /// <summary>
    /// What applies to a domain that the record stands for; null where the record is too broken for DMARC to be applied at all (RFC 9989 §4.10.1).
    /// </summary>
    /// <param name="isSubdomain">The record stands above the domain.</param>
    /// <param name="exists">The domain has A, AAAA or MX records.</param>
    public DmarcPolicy? For(bool isSubdomain, bool exists)
    {
        if (HasBadPolicy) return AggregateReports.Count > 0 ? DmarcPolicy.None : null;
        if (!isSubdomain) return Policy;
        return (exists ? null : NonexistentPolicy) ?? SubdomainPolicy ?? Policy;
    }

    /// <summary>False where the text is no DMARC record of this version, and is to be ignored.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out DmarcRecord? record)
    {
        record = null;
        var elements = text.Split(';').Select(Split).ToList();
        if (elements[0] is not { Name: "v", Value: Version } || !text.StartsWith('v') && !text.StartsWith('V')) return false;

        var problems = new List<string>();
        var tags = Collect(elements.Skip(1), problems);
        record = new DmarcRecord(text)
        {
            Policy = Read(tags, "p", problems, AsPolicy),
            SubdomainPolicy = Read(tags, "sp", problems, AsPolicy),
            NonexistentPolicy = Read(tags, "np", problems, AsPolicy),
            IsPublicSuffix = Read(tags, "psd", problems, value => value switch { "y" => "y", "n" => "n", "u" => "u", _ => null }) switch { "y" => true, "n" => false, _ => null },
            IsTesting = Read(tags, "t", problems, value => value is "y" or "n" ? value : null) == "y",
            StrictDkim = Read(tags, "adkim", problems, value => value is "r" or "s" ? value : null) == "s",
            StrictSpf = Read(tags, "aspf", problems, value => value is "r" or "s" ? value : null) == "s",
            AggregateReports = Uris(tags, "rua", problems),
            FailureReports = Uris(tags, "ruf", problems),
            FailureOptions = Read(tags, "fo", problems, value => value.Split(':').All(option => option.Trim(' ', '\t') is "0" or "1" or "d" or "s") ? value : null) ?? "0",
        };
        if (!tags.ContainsKey("p")) problems.Insert(0, "has no p=");
        problems.AddRange(Obsolete.Where(tags.ContainsKey).Select(tag => $"has {tag}=, which no longer means anything (RFC 9989)"));
        var isBad = record.Policy is null || tags.ContainsKey("sp") && record.SubdomainPolicy is null || tags.ContainsKey("np") && record.NonexistentPolicy is null;
        record = record with { HasBadPolicy = isBad, Problems = problems };
        return true;
    }

    private static (string Name, string? Value) Split(string element)
    {
        var equals = element.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0) return (element.Trim(Blanks.ToCharArray()), null);
        return (element[..equals].Trim(Blanks.ToCharArray()).ToLowerInvariant(), element[(equals + 1)..].Trim(Blanks.ToCharArray()));
    }

    private static Dictionary<string, string> Collect(IEnumerable<(string Name, string? Value)> elements, List<string> problems)
    {
        var tags = new Dictionary<string, string>();
        foreach (var (name, value) in elements)
        {
            if (value is null && name.Length > 0) problems.Add("has a part without an equals sign");
            // Which of two would count, nobody says: the first does here.
            if (value is not null && !tags.TryAdd(name, value)) problems.Add("names a tag twice");
        }
        return tags;
    }

    private static T? Read<T>(Dictionary<string, string> tags, string tag, List<string> problems, Func<string, T?> read)
    {
        if (!tags.TryGetValue(tag, out var text)) return default;
        var value = read(text.ToLowerInvariant());
        if (value is null) problems.Add($"has an unknown value in {tag}=");
        return value;
    }

    private static DmarcPolicy? AsPolicy(string value) => value switch
    {
        "none" => DmarcPolicy.None,
        "quarantine" => DmarcPolicy.Quarantine,
        "reject" => DmarcPolicy.Reject,
        _ => null,
    };

    private static List<string> Uris(Dictionary<string, string> tags, string tag, List<string> problems)
    {
        if (!tags.TryGetValue(tag, out var text)) return [];
        var all = text.Split(',').Select(uri => uri.Trim(Blanks.ToCharArray())).ToList();
        var uris = all.Select(WithoutSize).Where(IsUri).Take(UrisMax).ToList();
        if (uris.Count < all.Count) problems.Add($"has something in {tag}= that is no mailto: or other address of a report");
        return uris;
    }

    private static string WithoutSize(string uri) => uri.IndexOf('!', StringComparison.Ordinal) is >= 0 and var at ? uri[..at] : uri;

    private static bool IsUri(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || colon == text.Length - 1 || !char.IsAsciiLetter(text[0])) return false;
        if (!text[..colon].All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '-' or '.') || text.Any(c => c is <= ' ' or > '~')) return false;
        if (!text.StartsWith("mailto:", StringComparison.OrdinalIgnoreCase)) return true;
        var at = text.LastIndexOf('@');
        return at > colon + 1 && at < text.Length - 1;
    }

    /// <summary>
    /// The value to publish so that aggregate reports come to <paramref name="address"/> too: everything that stands there is kept, and only a
    /// policy that is missing or no policy becomes <c>p=none</c>.
    /// </summary>
    /// <param name="existing">The record that is published; null, or anything that is no DMARC record, for none.</param>
    /// <param name="address">A mailbox for reports, <c>local@domain</c>; null for none.</param>
    public static string Proposed(string? existing, string? address)
    {
        var uri = address is null ? null : "mailto:" + Escaped(address);
        if (existing is null || !TryParse(existing, out var record)) return $"v={Version}; p=none{(uri is null ? "" : $"; rua={uri}")}";
        if (uri is null && record.Policy is not null) return existing;

        var parts = existing.Split(';').Select(part => part.Trim(Blanks.ToCharArray())).Where(part => part.Length > 0).ToList();
        if (record.Policy is null)
        {
            parts.RemoveAll(part => Split(part).Name == "p");
            parts.Insert(1, "p=none");
        }
        if (uri is null) return string.Join("; ", parts);
        var rua = parts.FindIndex(part => Split(part) is { Name: "rua", Value: not null });
        if (rua < 0) parts.Add($"rua={uri}");
        else if (record.AggregateReports.Count == 0) parts[rua] = $"rua={uri}";
        else if (!record.AggregateReports.Contains(uri, StringComparer.OrdinalIgnoreCase))
            // Behind so many that nobody would read as far, it stands in front.
            parts[rua] = record.AggregateReports.Count < UrisMax ? $"{parts[rua]},{uri}" : $"rua={uri},{Split(parts[rua]).Value}";
        return string.Join("; ", parts);
    }

    /// <summary>RFC 6068 §2, and what a DMARC record itself takes for its own (RFC 9989 §4.8).</summary>
    private static string Escaped(string address) =>
        address.Aggregate(new StringBuilder(), (text, c) => char.IsAsciiLetterOrDigit(c) || "@.-_+=*~'$".Contains(c) ? text.Append(c) : text.Append(Uri.EscapeDataString($"{c}"))).ToString();
}
