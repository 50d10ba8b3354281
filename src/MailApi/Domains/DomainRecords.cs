using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Mail.Reports;

namespace MailApi.Domains;

/// <summary>What a record is for.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<RecordPurpose>))]
internal enum RecordPurpose
{
    /// <summary>Proves that the tenant controls the zone.</summary>
    Ownership,

    /// <summary>Brings bounces to the service, and authorises the envelope sender (SPF looks at this name, not at the domain's).</summary>
    ReturnPath,

    /// <summary>SPF of the domain itself, for receivers and tools that look there.</summary>
    Spf,

    /// <summary>A signing key.</summary>
    Dkim,

    /// <summary>The domain's DMARC policy; one on the organizational domain does as well.</summary>
    Dmarc,

    /// <summary>The host of unsubscribe and tracking links.</summary>
    Tracking,

    /// <summary>Tells those who send bounces to insist on TLS (RFC 8461).</summary>
    MtaSts,

    /// <summary>Asks them to report failures of TLS (RFC 8460).</summary>
    TlsRpt,

    /// <summary>The logo that mail clients may show.</summary>
    Bimi,
}

/// <summary>What a lookup found.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<RecordState>))]
internal enum RecordState
{
    /// <summary>Not looked up.</summary>
    Unchecked,
    Missing,
    Mismatch,
    Ok,
}

/// <summary>A record to publish.</summary>
internal sealed record DomainRecord
{
    public required RecordPurpose Purpose { get; init; }

    /// <summary><c>TXT</c>, <c>MX</c> or <c>CNAME</c>.</summary>
    public required string Type { get; init; }
    public required string Name { get; init; }

    /// <summary>Whole, as the forms of most DNS providers take it.</summary>
    public required string Value { get; init; }

    /// <summary>Preference of an MX; null for other types.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int? Priority { get; init; }

    /// <summary>Without it the domain is not verified.</summary>
    public required bool Required { get; init; }
    public RecordState State { get; init; } = RecordState.Unchecked;

    /// <summary>What was found in its place; null for nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Observed { get; init; }

    /// <summary>What is wrong with it and what to change.</summary>
    public string? Note { get; init; }

    /// <summary>The state of the key that a DKIM record publishes.</summary>
    public KeyState? Key { get; init; }

    /// <summary>A name to point to with a CNAME instead of publishing the value: the service keeps what stands there up to date.</summary>
    public string? Alias { get; init; }

    /// <summary>As a line of a zone file (RFC 1035 §5), a TXT value over 255 octets in several strings (§3.3.14).</summary>
    public string Zone => ZoneFile.Line(this);
}

/// <summary>The records of a sending domain, in the order in which they build on each other.</summary>
internal static class DomainRecords
{
    private const int MxPreference = 10;
    private const string ReturnPathLabel = "bounces.";

    /// <summary>Where the token of a domain's tenant stands.</summary>
    public static string OwnershipName(string domain) => "_mailapi." + domain;

    /// <summary>The domain of the envelope sender.</summary>
    public static string ReturnPathHost(string domain) => ReturnPathLabel + domain;

    /// <summary>The domain whose return path a host is; null for any other host.</summary>
    public static string? DomainOf(string returnPathHost) => returnPathHost.StartsWith(ReturnPathLabel, StringComparison.Ordinal) ? returnPathHost[ReturnPathLabel.Length..] : null;

    /// <summary>The host of the links in its mail.</summary>
    public static string TrackingHost(string domain) => "track." + domain;

    /// <summary>The host that serves the MTA-STS policy of the return path (RFC 8461 §3.3).</summary>
    public static string PolicyHost(string domain) => "mta-sts." + ReturnPathHost(domain);

    public static IReadOnlyList<DomainRecord> For(Domain domain, DomainOptions options) =>
        [.. ToPublish(domain, options).Select(record => domain.Observed?.Of(record) is { } seen ? Seen(record, seen) : record)];

    private static IEnumerable<DomainRecord> ToPublish(Domain domain, DomainOptions options)
    {
        var returnPath = ReturnPathHost(domain.Name);
        // RFC 7208 §5.2. Softfail: DKIM and DMARC decide, and mail that is forwarded keeps its chance.
        var spf = $"v=spf1 include:{options.SpfIncludeOrDefault} ~all";
        var returnAlias = options.DelegationZone is { } zone ? "bounces." + zone : null;
        return
        [
            Txt(RecordPurpose.Ownership, OwnershipName(domain.Name), "mailapi-verification=" + domain.OwnershipToken, required: true),
            new() { Purpose = RecordPurpose.ReturnPath, Type = "MX", Name = returnPath, Value = options.ServiceHost, Priority = MxPreference, Required = true, Alias = returnAlias },
            Txt(RecordPurpose.ReturnPath, returnPath, spf, required: true) with { Alias = returnAlias },
            Txt(RecordPurpose.Spf, domain.Name, spf, required: false),
            .. domain.Keys.Select(key => KeyRecord(domain, key, options)),
            // The mailbox lies within the same organizational domain, so receivers ask for no record that permits it (RFC 9990 §4: <domain>._report._dmarc.<elsewhere>).
            Txt(RecordPurpose.Dmarc, "_dmarc." + domain.Name, DmarcRecord.Proposed(existing: null, options.Reports.DmarcMailbox(domain.Name)), required: false),
            new() { Purpose = RecordPurpose.Tracking, Type = "CNAME", Name = TrackingHost(domain.Name), Value = options.ServiceHost, Required = false },
            .. OnRequest(domain, options),
        ];
    }

    private static DomainRecord KeyRecord(Domain domain, DkimKey key, DomainOptions options)
    {
        var value = key.State == KeyState.Revoked ? SigningKey.RevokedRecord : SigningKey.Record(key.Public);
        // Not every receiver knows Ed25519: the domain stands on its RSA key.
        return Txt(RecordPurpose.Dkim, KeyName(key.Selector, domain.Name), value, required: key is { State: KeyState.Active, Algorithm: KeyAlgorithm.Rsa }) with
        {
            Key = key.State,
            Alias = options.DelegationZone is { } zone ? DelegatedName(domain, key, zone) : null,
        };
    }

    public static string KeyName(string selector, string domain) => $"{selector}._domainkey.{domain}";

    /// <summary>Where the service itself publishes a key, for those who point to it.</summary>
    public static string DelegatedName(Domain domain, DkimKey key, string zone) => $"{key.Selector}.{domain.Id.Value:N}.{zone}";

    private static IEnumerable<DomainRecord> OnRequest(Domain domain, DomainOptions options)
    {
        var returnPath = ReturnPathHost(domain.Name);
        if (domain.Extras.MtaSts == true)
        {
            yield return Txt(RecordPurpose.MtaSts, "_mta-sts." + returnPath, $"v=STSv1; id={MtaStsPolicy.Id(options)}", required: false);
            yield return new() { Purpose = RecordPurpose.MtaSts, Type = "CNAME", Name = PolicyHost(domain.Name), Value = options.ServiceHost, Required = false };
        }
        if (domain.Extras.TlsRpt == true && options.Reports.Tls(domain.Id, domain.Name) is { Count: > 0 } addresses)
            yield return Txt(RecordPurpose.TlsRpt, "_smtp._tls." + returnPath, TlsReportRecord.Proposed(existing: null, addresses), required: false);
        if (domain.Extras.BimiLogo is { } logo) yield return Txt(RecordPurpose.Bimi, "default._bimi." + domain.Name, $"v=BIMI1; l={logo}", required: false);
    }

    private static DomainRecord Seen(DomainRecord record, Observation seen) =>
        record with { State = seen.State, Observed = seen.Observed, Note = seen.Note, Value = seen.Proposed ?? record.Value };

    private static DomainRecord Txt(RecordPurpose purpose, string name, string value, bool required) =>
        new() { Purpose = purpose, Type = "TXT", Name = name, Value = value, Required = required };
}
