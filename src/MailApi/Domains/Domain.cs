using System.Text.Json.Serialization;
using MailApi.Api;

namespace MailApi.Domains;

/// <summary>How far a sending domain has come.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<DomainState>))]
internal enum DomainState
{
    /// <summary>Registered; nothing leaves from it yet.</summary>
    Pending,

    /// <summary>Its tenant has proved to own it, or the operator vouches for it: it may send.</summary>
    Verified,

    /// <summary>Was verified, but its required records are gone.</summary>
    Failing,
}

/// <summary>Who says that a domain is its tenant's.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<Verification>))]
internal enum Verification
{
    /// <summary>The records in its zone.</summary>
    Dns,

    /// <summary>The operator, for networks whose DNS the service cannot see.</summary>
    Manual,
}

/// <summary>How fast a domain sends.</summary>
/// <param name="PerSecond">Messages a second, on average.</param>
/// <param name="Burst">Messages at once.</param>
internal sealed record SendingRate(double PerSecond, int Burst)
{
    public const double PerSecondMin = 0.001;
    public const double PerSecondMax = 10_000;
    public const int BurstMax = 100_000;
    public static readonly SendingRate Default = new(PerSecond: 20, Burst: 100);
}

/// <summary>A registered sending domain with the public halves of its DKIM keys.</summary>
internal sealed record Domain
{
    public required DomainId Id { get; init; }
    public required TenantId Tenant { get; init; }

    /// <summary>In lower-case A-labels.</summary>
    public required string Name { get; init; }
    public required DomainState State { get; init; }
    public required Verification Verification { get; init; }
    public required IReadOnlyList<Category> Categories { get; init; }
    public required SendingRate Rate { get; init; }
    public required string OwnershipToken { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its records were last looked up.</summary>
    public required DateTimeOffset? CheckedAt { get; init; }

    /// <summary>What the last look-ups found; null when there were none.</summary>
    public Observations? Observed { get; init; }

    /// <summary>Checks in a row that found a required record gone.</summary>
    public int Failures { get; init; }
    public DomainExtras Extras { get; init; } = new();

    /// <summary>A new key is made when the active one is so many days old; null: keys stay until they are rotated by hand.</summary>
    public int? RotateAfterDays { get; init; }

    /// <summary>All of them, oldest first.</summary>
    public IReadOnlyList<DkimKey> Keys { get; init; } = [];
}

/// <summary>Records that are issued on request.</summary>
internal sealed record DomainExtras
{
    /// <summary>Receivers' servers are to insist on TLS when they send bounces (RFC 8461).</summary>
    public bool? MtaSts { get; init; }

    /// <summary>Receivers' servers are to report failures of TLS (RFC 8460).</summary>
    public bool? TlsRpt { get; init; }

    /// <summary>The address of the logo that mail clients may show beside the mail (BIMI): https, an SVG Tiny PS.</summary>
    public string? BimiLogo { get; init; }
}

/// <summary>Where a signing key stands in its life. The set of states is closed, and their order is the order of a life.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<KeyState>))]
internal enum KeyState
{
    /// <summary>Made; its record has not been seen yet, so it signs nothing.</summary>
    Pending,

    /// <summary>It signs.</summary>
    Active,

    /// <summary>It signs no longer, but its record stays for the mail that is under way.</summary>
    Retiring,

    /// <summary>Its record says that it is revoked (an empty <c>p=</c>, RFC 6376 §3.6.1); the private key is destroyed.</summary>
    Revoked,
}

/// <summary>How a key signs.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<KeyAlgorithm>))]
internal enum KeyAlgorithm
{
    /// <summary>RFC 6376: every receiver verifies it.</summary>
    Rsa,

    /// <summary>RFC 8463: a second signature for receivers that know it.</summary>
    Ed25519,
}

/// <summary>The public half of a selector's key.</summary>
internal sealed record DkimKey
{
    public required string Selector { get; init; }
    public required KeyAlgorithm Algorithm { get; init; }
    public required KeyState State { get; init; }

    /// <summary>SubjectPublicKeyInfo, DER.</summary>
    public required byte[] Public { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? ActivatedAt { get; init; }
    public DateTimeOffset? RetiredAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>Since when the record of an active key is gone: it does not sign until the record is back.</summary>
    public DateTimeOffset? LostAt { get; init; }
}
