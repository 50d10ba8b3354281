namespace MailApi.Domains;

/// <summary>What the look-ups of one check found; kept with the domain as JSON.</summary>
internal sealed record Observations
{
    public IReadOnlyList<Observation> Records { get; init; } = [];

    /// <summary><c>secure, insecure, bogus, indeterminate</c> (RFC 4035 §4.3), and why.</summary>
    public DnssecObservation? Dnssec { get; init; }

    /// <summary>What it costs receivers to check SPF, of the return path and of the domain.</summary>
    public IReadOnlyList<SpfObservation> Spf { get; init; } = [];

    /// <summary>The DMARC record that applies; null for none.</summary>
    public DmarcObservation? Dmarc { get; init; }

    /// <summary>The domain that stands for the whole organization (RFC 9989 §4.10.2).</summary>
    public string? OrganizationalDomain { get; init; }

    public Observation? Of(DomainRecord record) => Records.FirstOrDefault(seen => seen.Type == record.Type && seen.Name == record.Name);
}

/// <summary>What stands in the place of one record.</summary>
internal sealed record Observation
{
    public required string Type { get; init; }
    public required string Name { get; init; }
    public required RecordState State { get; init; }

    /// <summary>As found; null for nothing.</summary>
    public string? Observed { get; init; }

    /// <summary>What is wrong and what to change: sentences.</summary>
    public string? Note { get; init; }

    /// <summary>What to publish instead of the usual value, so that what stands there keeps its sense.</summary>
    public string? Proposed { get; init; }

    /// <summary>The answer could not be had: <see cref="State"/> is that of the last one.</summary>
    public bool IsUncertain { get; init; }
}

/// <summary>Whether the zone is signed, found by validation.</summary>
/// <param name="State"><c>secure, insecure, bogus, indeterminate</c>.</param>
/// <param name="Reason">A sentence or two.</param>
internal sealed record DnssecObservation(string State, string Reason);

/// <summary>What an SPF record costs those who check it.</summary>
/// <param name="Domain">Whose record it is.</param>
/// <param name="Lookups">At worst; receivers stop at ten (RFC 7208 §4.6.4).</param>
/// <param name="Problems">Sentences.</param>
internal sealed record SpfObservation(string Domain, int Lookups, IReadOnlyList<string> Problems);

/// <summary>A DMARC record and what it asks for.</summary>
/// <param name="Domain">Where the record stands.</param>
/// <param name="Policy"><c>none, quarantine, reject</c>: what it asks for mail of this sending domain.</param>
/// <param name="Record">As published.</param>
internal sealed record DmarcObservation(string Domain, string Policy, string Record);
