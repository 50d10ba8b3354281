using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Events;

namespace MailApi.Webhooks;

/// <summary>The body of <c>POST /webhooks</c>.</summary>
internal sealed record NewWebhook
{
    /// <summary>https, on port 443 or 8443, at an address of the public Internet.</summary>
    [Required]
    public string? Url { get; init; }

    /// <summary>Event types, or <c>*</c> for all, those to come included.</summary>
    [Required, TextOf(typeof(EventType), Also = WebhookRules.AllEvents)]
    public IReadOnlyList<string?>? Events { get; init; }
}

/// <summary>The body of <c>PATCH /webhooks/{id}</c>: what is absent stays as it is.</summary>
internal sealed record WebhookChange
{
    /// <summary>https, on port 443 or 8443, at an address of the public Internet.</summary>
    public string? Url { get; init; }

    /// <summary>Event types, or <c>*</c> for all, those to come included.</summary>
    [TextOf(typeof(EventType), Also = WebhookRules.AllEvents)]
    public IReadOnlyList<string?>? Events { get; init; }

    /// <summary>While disabled, no event is queued for the webhook, and what is queued waits.</summary>
    public bool? Enabled { get; init; }
}

/// <summary>A webhook as its tenant sees it.</summary>
internal sealed record WebhookView
{
    public required WebhookId Id { get; init; }
    public required string Url { get; init; }
    public required IReadOnlyList<string> Events { get; init; }
    public required bool Enabled { get; init; }

    /// <summary>Why the service disabled it: the endpoint answered 410.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DisabledReason { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Until when the secret before the last rotation signs as well.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? PreviousSecretUntil { get; init; }

    /// <summary>Only in the answer that made it: <c>whsec_…</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Secret { get; init; }
}

/// <summary>How far an event has come to a webhook.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<DeliveryState>))]
internal enum DeliveryState
{
    /// <summary>Due at <c>dueAt</c>, or under way until then.</summary>
    Pending,

    /// <summary>The endpoint answered 2xx.</summary>
    Delivered,

    /// <summary>Given up: after the last try, or on 410.</summary>
    Failed,
}

/// <summary>One event on its way to one webhook.</summary>
internal sealed record DeliveryView
{
    public required EventId Event { get; init; }
    public required string Type { get; init; }
    public required DeliveryState State { get; init; }
    public required int Tries { get; init; }
    public required int? LastStatus { get; init; }
    public required string? LastError { get; init; }

    /// <summary>Null unless pending.</summary>
    public required DateTimeOffset? DueAt { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>The answer of <c>POST /webhooks/{id}/test</c>: the event that is on its way.</summary>
internal sealed record TestAccepted(EventId Event);

/// <summary>The body of <c>POST /webhooks/{id}/replay</c>: events by id, or those of a span of time.</summary>
internal sealed record ReplayOrder
{
    public const int EventsMax = 500;

    /// <summary>By id; or name a span of time.</summary>
    [MaxLength(EventsMax)]
    public IReadOnlyList<EventId>? Events { get; init; }

    /// <summary>Inclusive; 30 days ago where absent.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Exclusive; now where absent.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Only deliveries in this state; where absent, also matching events that were never queued for the webhook.</summary>
    public DeliveryState? State { get; init; }
}

/// <summary>How many deliveries are due again.</summary>
internal sealed record Replayed(int Count);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(NewWebhook))]
[JsonSerializable(typeof(WebhookChange))]
[JsonSerializable(typeof(WebhookView))]
[JsonSerializable(typeof(Page<WebhookView>))]
[JsonSerializable(typeof(Page<DeliveryView>))]
[JsonSerializable(typeof(TestAccepted))]
[JsonSerializable(typeof(ReplayOrder))]
[JsonSerializable(typeof(Replayed))]
internal sealed partial class WebhookJson : JsonSerializerContext;
