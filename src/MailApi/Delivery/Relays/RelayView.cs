using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Routing;
using MailApi.OAuth;

namespace MailApi.Delivery.Relays;

/// <summary>A relay as the API shows it: without its secrets.</summary>
internal sealed record RelayView
{
    public required RelayId Id { get; init; }

    /// <summary>Absent: it takes every tenant's mail.</summary>
    public required TenantId? Tenant { get; init; }
    public required string? Domain { get; init; }
    public required Category? Category { get; init; }
    public required string Name { get; init; }
    public required string Host { get; init; }
    public required int Port { get; init; }
    public required RelayTls Tls { get; init; }

    [TextOf(typeof(RelayAuth))]
    public required string? Auth { get; init; }
    public required string? Username { get; init; }

    /// <summary>There is a password.</summary>
    public required bool HasPassword { get; init; }
    [JsonPropertyName("oauth")]
    public required OAuthView? OAuth { get; init; }
    public required int Priority { get; init; }
    public required int Weight { get; init; }
    public required RelayLimits Limits { get; init; }
    public required bool Enabled { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset ChangedAt { get; init; }

    public static RelayView Of(Relay relay) => new()
    {
        Id = relay.Id,
        Tenant = relay.Tenant,
        Domain = relay.Domain,
        Category = relay.Category,
        Name = relay.Name,
        Host = relay.Host,
        Port = relay.Port,
        Tls = relay.Tls,
        Auth = relay.Auth is { } auth ? RelayAuthText.ToText(auth) : null,
        Username = relay.Username,
        HasPassword = relay.Password is not null,
        OAuth = OAuthView.Of(relay.OAuth),
        Priority = relay.Priority,
        Weight = relay.Weight,
        Limits = relay.Limits,
        Enabled = relay.Enabled,
        CreatedAt = relay.CreatedAt,
        ChangedAt = relay.ChangedAt,
    };
}

/// <summary>What a step of a relay's test is about, in the order of a conversation.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<RelayStep>))]
internal enum RelayStep
{
    /// <summary>An access token is asked for.</summary>
    Token,

    /// <summary>The host's addresses are looked up.</summary>
    Address,
    Connect,
    Greeting,
    Hello,
    Tls,
    Login,
    Quit,
}

/// <summary>One step of a relay's test.</summary>
/// <param name="Step">Which.</param>
/// <param name="Ok">It went well.</param>
/// <param name="Reply">The relay's, as it was said: <c>235 2.7.0 Authentication successful</c>.</param>
/// <param name="Reason">What went wrong, where the relay has not said so.</param>
/// <param name="Cure">What to do about it.</param>
internal sealed record RelayTestStep(RelayStep Step, bool Ok, string? Reply, string? Reason, string? Cure);

/// <summary>The answer of <c>POST /relays/{id}/test</c>.</summary>
/// <param name="Ok">Mail would be taken as far as the login.</param>
/// <param name="Steps">As far as it came.</param>
internal sealed record RelayTestResult(bool Ok, IReadOnlyList<RelayTestStep> Steps);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(RelayRequest))]
[JsonSerializable(typeof(RelayChange))]
[JsonSerializable(typeof(RelayView))]
[JsonSerializable(typeof(Page<RelayView>))]
[JsonSerializable(typeof(RelayTestResult))]
internal sealed partial class RelayJson : JsonSerializerContext;
