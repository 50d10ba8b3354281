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

/// <summary>A registered sending domain with the public halves of its active DKIM keys.</summary>
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
    public IReadOnlyList<PublicKey> Keys { get; init; } = [];
}

/// <summary>A selector and its public key (SubjectPublicKeyInfo, DER).</summary>
internal sealed record PublicKey(string Selector, byte[] Value);
