using MailApi.Mail.Routing;

namespace MailApi.Mail.Authentication;

/// <summary>What <c>check_host()</c> returns, and why.</summary>
/// <param name="Result">The result.</param>
/// <param name="Why">A clause, without its final stop.</param>
internal sealed record SpfOutcome(AuthenticationResult Result, string Why)
{
    /// <summary>Where the words about a fail are, and the domain whose record says so; both of the record that decided (RFC 7208 §6.2).</summary>
    public (SpfMacroString Name, string Domain)? Explanation { get; init; }
}

/// <summary>Whether a mechanism matches. The set of cases is closed.</summary>
internal abstract record SpfMatch
{
    private SpfMatch() { }

    /// <param name="How">A clause behind "since".</param>
    public sealed record Yes(string How) : SpfMatch;

    /// <param name="Seen">The term, and what it stands for.</param>
    public sealed record No(string Seen) : SpfMatch;

    /// <summary>The whole evaluation ends.</summary>
    public sealed record Error(SpfOutcome Outcome) : SpfMatch;
}

/// <summary>The SPF record that a name publishes (RFC 7208 §4.4, §4.5). The set of cases is closed.</summary>
internal abstract record PublishedSpf
{
    private PublishedSpf() { }

    public sealed record One(SpfRecord Record) : PublishedSpf;

    /// <summary>No record; the clause says why.</summary>
    public sealed record None(string Why) : PublishedSpf;

    /// <summary>Several records, or one that cannot be read.</summary>
    public sealed record Broken(string Why) : PublishedSpf;

    /// <summary>The DNS does not answer.</summary>
    public sealed record Away(string Why) : PublishedSpf;

    public static async Task<PublishedSpf> Find(DnsResolver dns, string domain, CancellationToken ct)
    {
        // RFC 7208 §4.3: malformed, or of one label.
        if (!HostName.CanBeAsked(domain) || !domain.Contains('.', StringComparison.Ordinal)) return new None($"\"{SpfWording.Clip(domain)}\" is not a full domain name");
        switch (await dns.Txt(domain, ct))
        {
            case DnsAnswer<string>.NoSuchDomain: return new None($"the domain {domain} does not exist");
            case DnsAnswer<string>.Failed failed: return new Away($"the SPF record of {domain} cannot be looked up: {failed.Reason}");
            case DnsAnswer<string>.Found found:
                var records = found.Values.Where(SpfRecord.IsSpf).ToList();
                if (records.Count > 1) return new Broken($"{domain} publishes {records.Count} SPF records, where there must be one ({SpfWording.List([.. records.Select(text => $"\"{SpfWording.Clip(text)}\"")])}). Merge them");
                if (records.Count == 0) break;
                return SpfRecord.TryParse(records[0], out var record, out var error) ? new One(record) : new Broken($"the SPF record of {domain} cannot be read, since {error}");
        }
        return new None($"{domain} publishes no SPF record");
    }
}
