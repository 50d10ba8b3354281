using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;

namespace MailApi.Events;

/// <summary>An event as the log and the webhooks show it.</summary>
public sealed record Event(EventId Id, EventType Type, DateTimeOffset Timestamp, TenantId Tenant, EventData Data);

/// <summary>What an event tells; members that do not concern its type are absent.</summary>
public sealed record EventData
{
    public MessageId? Message { get; init; }
    public EnvelopeId? Envelope { get; init; }
    public string? Recipient { get; init; }
    public Category? Category { get; init; }

    /// <summary>The sending domain.</summary>
    public string? Domain { get; init; }

    /// <summary>How often the envelope has been claimed, this time included.</summary>
    public int? Attempt { get; init; }

    /// <summary>Numbers the events of an envelope from 1 without gaps.</summary>
    public int? Seq { get; init; }
    public EventReply? Reply { get; init; }

    /// <summary>What happened where no receiver spoke, in words.</summary>
    public string? Reason { get; init; }

    /// <summary>When the next attempt is due.</summary>
    public DateTimeOffset? NextAttemptAt { get; init; }

    /// <summary>An attempt ended without an answer after its final dot: the receiver may hold a copy.</summary>
    public bool? DuplicatePossible { get; init; }

    /// <summary>The key was a test key: the mail went to the sandbox.</summary>
    public bool? Test { get; init; }
    public IReadOnlyList<string>? Tags { get; init; }
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

/// <summary>The receiver's words; <paramref name="Mx"/> is the host that spoke them.</summary>
public sealed record EventReply(int Code, string? Enhanced, string Text, string? Mx);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Event))]
[JsonSerializable(typeof(Page<Event>))]
public sealed partial class EventJson : JsonSerializerContext;
