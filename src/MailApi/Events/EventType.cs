using System.Collections.Frozen;
using System.Text.Json.Serialization;
using MailApi.Api;

namespace MailApi.Events;

/// <summary>Everything that can happen to mail, recipients, domains and webhooks.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EventType>))]
public enum EventType
{
    [JsonStringEnumMemberName("message.accepted")] MessageAccepted,
    [JsonStringEnumMemberName("message.delivered")] MessageDelivered,
    [JsonStringEnumMemberName("message.deferred")] MessageDeferred,
    [JsonStringEnumMemberName("message.delayed")] MessageDelayed,
    [JsonStringEnumMemberName("message.bounced")] MessageBounced,
    [JsonStringEnumMemberName("message.complained")] MessageComplained,
    [JsonStringEnumMemberName("message.suppressed")] MessageSuppressed,
    [JsonStringEnumMemberName("message.expired")] MessageExpired,
    [JsonStringEnumMemberName("message.canceled")] MessageCanceled,
    [JsonStringEnumMemberName("message.failed")] MessageFailed,

    /// <summary>The receiver may or may not have the message, and the sender asked not to risk a second copy.</summary>
    [JsonStringEnumMemberName("message.unknown")] MessageUnknown,
    [JsonStringEnumMemberName("message.opened")] MessageOpened,
    [JsonStringEnumMemberName("message.clicked")] MessageClicked,
    [JsonStringEnumMemberName("recipient.unsubscribed")] RecipientUnsubscribed,
    [JsonStringEnumMemberName("domain.verified")] DomainVerified,
    [JsonStringEnumMemberName("domain.failing")] DomainFailing,
    [JsonStringEnumMemberName("webhook.test")] WebhookTest,
}

public static class EventTypes
{
    private static readonly FrozenDictionary<EventType, string> Names = Enum.GetValues<EventType>().ToFrozenDictionary(type => type, Dotted);
    private static readonly FrozenDictionary<string, EventType> Types = Names.ToFrozenDictionary(pair => pair.Value, pair => pair.Key);

    /// <summary>All names, in the order of <see cref="EventType"/>.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Enum.GetValues<EventType>().Select(Name)];

    /// <summary><c>message.delivered</c>.</summary>
    public static string Name(this EventType type) => Names[type];

    public static bool TryParse(string name, out EventType type) => Types.TryGetValue(name, out type);

    /// <summary>Reads a name that this program wrote.</summary>
    public static EventType Parse(string name) => Types[name];

    private static string Dotted(EventType type)
    {
        var name = type.ToText();
        var second = name.AsSpan().IndexOfAnyInRange('A', 'Z');
        return $"{name[..second]}.{name[second..].ToLowerInvariant()}";
    }
}
