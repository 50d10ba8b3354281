using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Dkim;

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

    /// <summary>Whole: a TXT value over 255 octets is published as several strings (RFC 1035 §3.3.14).</summary>
    public required string Value { get; init; }

    /// <summary>Preference of an MX.</summary>
    public int? Priority { get; init; }

    /// <summary>Without it the domain is not verified.</summary>
    public required bool Required { get; init; }
    public RecordState State { get; init; } = RecordState.Unchecked;

    /// <summary>What was found in its place.</summary>
    public string? Observed { get; init; }
}

/// <summary>The records of a sending domain, in the order in which they build on each other.</summary>
internal static class DomainRecords
{
    private const int MxPreference = 10;

    /// <summary>The domain of the envelope sender.</summary>
    public static string ReturnPathHost(string domain) => "bounces." + domain;

    /// <summary>The host of the links in its mail.</summary>
    public static string TrackingHost(string domain) => "track." + domain;

    public static IReadOnlyList<DomainRecord> For(Domain domain, DomainOptions options)
    {
        var returnPath = ReturnPathHost(domain.Name);
        // RFC 7208 §5.2. Softfail: DKIM and DMARC decide, and mail that is forwarded keeps its chance.
        var spf = $"v=spf1 include:{options.SpfIncludeOrDefault} ~all";
        return
        [
            Txt(RecordPurpose.Ownership, "_mailapi." + domain.Name, "mailapi-verification=" + domain.OwnershipToken, required: true),
            new() { Purpose = RecordPurpose.ReturnPath, Type = "MX", Name = returnPath, Value = options.ServiceHost, Priority = MxPreference, Required = true },
            Txt(RecordPurpose.ReturnPath, returnPath, spf, required: true),
            Txt(RecordPurpose.Spf, domain.Name, spf, required: false),
            .. domain.Keys.Select(key => Txt(RecordPurpose.Dkim, $"{key.Selector}._domainkey.{domain.Name}", SigningKey.Record(key.Value), required: true)),
            Txt(RecordPurpose.Dmarc, "_dmarc." + domain.Name, "v=DMARC1; p=none; rua=mailto:dmarc@" + returnPath, required: false),
            new() { Purpose = RecordPurpose.Tracking, Type = "CNAME", Name = TrackingHost(domain.Name), Value = options.ServiceHost, Required = false },
        ];
    }

    private static DomainRecord Txt(RecordPurpose purpose, string name, string value, bool required) =>
        new() { Purpose = purpose, Type = "TXT", Name = name, Value = value, Required = required };
}
