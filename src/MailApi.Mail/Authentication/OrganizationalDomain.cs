using MailApi.Mail.Routing;

namespace MailApi.Mail.Authentication;

/// <summary>A DMARC record and the domain that it stands for (the name below <c>_dmarc.</c>).</summary>
public sealed record PublishedPolicy(string Domain, DmarcRecord Record);

/// <summary>What the DNS tree walk from a domain towards the root brought (RFC 9989 §4.10).</summary>
public sealed record TreeWalk
{
    /// <summary>Where it began.</summary>
    public required string Domain { get; init; }

    /// <summary>The organizational domain (§4.10.2); where nothing says more, the domain itself.</summary>
    public required string OrganizationalDomain { get; init; }

    /// <summary>The records found, from the longest name to the shortest.</summary>
    public required IReadOnlyList<PublishedPolicy> Records { get; init; }

    /// <summary>Names with several DMARC records, which all are ignored for that.</summary>
    public required IReadOnlyList<string> Ambiguous { get; init; }

    /// <summary>The name that the DNS gave no answer for, which ended the walk; the organizational domain is not known then.</summary>
    public required string? FailedAt { get; init; }

    /// <summary>
    /// The record that applies to mail from <see cref="Domain"/> (§4.10.1): its own, else that of its organizational domain, else that of the
    /// public suffix above it. Null for none, or none that can be known (<see cref="FailedAt"/>).
    /// </summary>
    public PublishedPolicy? Policy =>
        Records.FirstOrDefault(found => found.Domain == Domain)
        ?? (FailedAt is not null ? null : Records.FirstOrDefault(found => found.Domain == OrganizationalDomain)
            ?? Records.FirstOrDefault(found => found.Record.IsPublicSuffix == true));
}

/// <summary>
/// Finds the domain that stands for a whole organization, under which names are "aligned", and the DMARC record that applies to a name: by a walk
/// through the DNS (RFC 9989 §4.10) in place of a list of public suffixes.
/// </summary>
public sealed class OrganizationalDomain(DnsResolver dns)
{
    /// <summary>A longer name is cut to seven labels after the first query (§4.10), so that nobody's name costs more.</summary>
    public const int QueriesMax = 8;

    /// <param name="domain">In A-labels.</param>
    /// <param name="ct">Ends the look-ups.</param>
    public async Task<TreeWalk> Of(string domain, CancellationToken ct)
    {
        domain = domain.TrimEnd('.').ToLowerInvariant();
        var found = new List<PublishedPolicy>();
        var ambiguous = new List<string>();
        foreach (var name in Targets(domain))
        {
            var answer = await dns.Txt($"_dmarc.{name}", ct);
            // A top-level domain that does not answer is a private network's; what lies below it has been heard by then.
            if (answer is DnsAnswer<string>.Failed && name.Contains('.', StringComparison.Ordinal)) return Walk(domain, found, ambiguous, failedAt: name);
            var records = answer is DnsAnswer<string>.Found texts ? texts.Values.Select(Parsed).OfType<DmarcRecord>().ToList() : [];
            if (records.Count > 1) ambiguous.Add(name);
            if (records.Count != 1) continue;
            found.Add(new PublishedPolicy(name, records[0]));
            if (records[0].IsPublicSuffix is not null) break;
        }
        return Walk(domain, found, ambiguous, failedAt: null);
    }

    /// <summary>The domain, then its ancestors down to the top label.</summary>
    internal static IEnumerable<string> Targets(string domain)
    {
        var labels = domain.Split('.');
        yield return domain;
        for (var left = Math.Min(labels.Length - 1, QueriesMax - 1); left > 0; left--) yield return string.Join('.', labels[^left..]);
    }

    private static DmarcRecord? Parsed(string text) => DmarcRecord.TryParse(text, out var record) ? record : null;

    private static TreeWalk Walk(string domain, List<PublishedPolicy> found, List<string> ambiguous, string? failedAt) => new()
    {
        Domain = domain,
        OrganizationalDomain = Select(domain, found),
        Records = found,
        Ambiguous = ambiguous,
        FailedAt = failedAt,
    };

    /// <summary>§4.10.2, from the longest name to the shortest.</summary>
    private static string Select(string domain, List<PublishedPolicy> found)
    {
        foreach (var (name, record) in found)
        {
            if (record.IsPublicSuffix == false) return name;
            if (record.IsPublicSuffix == true && name != domain) return OneLabelMore(domain, name);
        }
        return found.Count > 0 ? found[^1].Domain : domain;
    }

    private static string OneLabelMore(string domain, string suffix)
    {
        var labels = domain.Split('.');
        return string.Join('.', labels[^(suffix.Split('.').Length + 1)..]);
    }
}
