using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Bounces;

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

    /// <summary>Which conversation with a receiver this was or will be, from 1.</summary>
    public int? Attempt { get; init; }

    /// <summary>Numbers the events of an envelope from 1 without gaps.</summary>
    public int? Seq { get; init; }
    public EventReply? Reply { get; init; }

    /// <summary>What kind of refusal the reply is.</summary>
    public BounceClass? Class { get; init; }

    /// <summary>Of a bounce: whether trying again is of no use; else it was the hour or a limit, and the same mail may be taken later. Absent of a bounce from before this was recorded.</summary>
    public bool? Hard { get; init; }

    /// <summary>What the refusal means and what to do about it, in words for people.</summary>
    public string? Explanation { get; init; }

    /// <summary>What the recipient wants to hear no more of, by its tenant's name; absent: nothing of the category.</summary>
    public string? Topic { get; init; }

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

/// <summary>The receiver's words.</summary>
/// <param name="Code">RFC 5321 §4.2; 0 where no receiver spoke.</param>
/// <param name="Enhanced">RFC 3463, such as <c>5.1.1</c>; null where the receiver gave none.</param>
/// <param name="Text">Without the codes.</param>
/// <param name="Mx">The host that spoke; null where none did.</param>
public sealed record EventReply(
    int Code, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Enhanced, string Text, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Mx);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Event))]
[JsonSerializable(typeof(Page<Event>))]
public sealed partial class EventJson : JsonSerializerContext;
