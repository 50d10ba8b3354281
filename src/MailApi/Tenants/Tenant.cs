using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;

namespace MailApi.Tenants;

/// <summary>How fast a tenant may post messages; each Api process counts for itself.</summary>
/// <param name="PerSecond">Messages a second, on average.</param>
/// <param name="Burst">Messages at once.</param>
public sealed record IngressRate(int PerSecond, int Burst)
{
    public const int PerSecondMax = 100_000;
    public const int BurstMax = 1_000_000;
    public static readonly IngressRate Default = new(PerSecond: 200, Burst: 1000);
}

/// <summary>A tenant.</summary>
public sealed record Tenant
{
    public required TenantId Id { get; init; }
    public required string Name { get; init; }
    public required IngressRate IngressRate { get; init; }

    /// <summary>
    /// The age at which <c>message.delayed</c> is told, once: as soon as it is known that the next attempt comes no sooner. Absent: the category's.
    /// </summary>
    public int? DelayedAfterSeconds { get; init; }

    /// <summary>Its share of the delivery slots beside tenants of weight 1, while several have due work.</summary>
    public required int Weight { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The first live and test key; in the answer of <c>POST /tenants</c> only.</summary>
    public IReadOnlyList<Key>? Keys { get; init; }
}

/// <summary>An API key as its owner sees it.</summary>
public sealed record Key
{
    public required KeyId Id { get; init; }
    public required string Name { get; init; }
    public required KeyMode Mode { get; init; }
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>The sending domains it is bound to; absent: all of the tenant's.</summary>
    public IReadOnlyList<string>? Domains { get; init; }

    /// <summary>The networks (CIDR) it may be used from; absent: all.</summary>
    public IReadOnlyList<string>? Networks { get; init; }
    public Category? DefaultCategory { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>To the minute.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>The key itself; in the answer that made it only.</summary>
    [JsonPropertyName("key")]
    public string? Secret { get; init; }
}

/// <summary>The settings of a tenant; what is absent stays as it is.</summary>
/// <param name="Name">Required of a new tenant.</param>
/// <param name="IngressRate">By default 200 a second, 1,000 at once.</param>
/// <param name="DelayedAfterSeconds">The age at which <c>message.delayed</c> is told, once; absent: the category's.</param>
/// <param name="Weight">Its share of the delivery slots beside tenants of weight 1, while several have due work; by default 1.</param>
public sealed record TenantRequest(
    [property: MaxLength(TenantRequestValidator.NameCharsMax)] string? Name,
    IngressRateRequest? IngressRate,
    [property: Range(1, TenantRequestValidator.DelayedAfterSecondsMax)] int? DelayedAfterSeconds,
    [property: Range(1, TenantRequestValidator.WeightMax)] int? Weight);

/// <summary>How fast a tenant may post messages; what is absent stays as it is.</summary>
/// <param name="PerSecond">Messages a second, on average.</param>
/// <param name="Burst">Messages at once.</param>
public sealed record IngressRateRequest(
    [property: Range(1, IngressRate.PerSecondMax)] int? PerSecond, [property: Range(1, IngressRate.BurstMax)] int? Burst);

/// <summary>A key to make.</summary>
public sealed record KeyRequest
{
    /// <summary>For people.</summary>
    [MaxLength(TenantRequestValidator.NameCharsMax)]
    public string? Name { get; init; }

    /// <summary>Where its mail goes: to its recipients, or to the sandbox.</summary>
    [Required, TextOf(typeof(KeyMode))]
    public string? Mode { get; init; }

    /// <summary>
    /// Of <c>send</c>, <c>send:{category}</c>, <c>read</c>, <c>domains</c>, <c>webhooks</c>, <c>suppressions</c>, <c>templates</c>, <c>receive</c>, <c>admin</c>, those that
    /// the calling key has itself; absent: all that it has.
    /// </summary>
    [MaxLength(KeyRequestValidator.ListMax)]
    public IReadOnlyList<string?>? Scopes { get; init; }

    /// <summary>The sending domains to bind it to; absent: all of the tenant's. It sends from these, and manages these, alone; what the scope <c>read</c> shows is the tenant's.</summary>
    [MaxLength(KeyRequestValidator.ListMax)]
    public IReadOnlyList<string?>? Domains { get; init; }

    /// <summary>The networks (CIDR) to bind it to, such as <c>192.0.2.0/24</c>; absent: all.</summary>
    [MaxLength(KeyRequestValidator.ListMax)]
    public IReadOnlyList<string?>? Networks { get; init; }

    /// <summary>The category of mail submitted by SMTP that names none.</summary>
    [TextOf(typeof(Category))]
    public string? DefaultCategory { get; init; }

    /// <summary>Absent: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>A tenant's keys.</summary>
public sealed record KeyList(IReadOnlyList<Key> Items);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Tenant))]
[JsonSerializable(typeof(Key))]
[JsonSerializable(typeof(KeyList))]
[JsonSerializable(typeof(TenantRequest))]
[JsonSerializable(typeof(KeyRequest))]
internal sealed partial class TenantJson : JsonSerializerContext;
