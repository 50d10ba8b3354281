using System.Collections.Frozen;
using MailApi.Api;
using MailApi.Events;
using MailApi.Mail.Bounces;
using MailApi.Mail.Smtp;

namespace MailApi.Tests.Webhooks;

/// <summary>What a type of event means, what it tells, and what it always tells.</summary>
internal sealed record EventSample(string Means, EventData Data, IReadOnlyList<string> Required, IReadOnlyList<string> Members);

internal static class EventSamples
{
    private static readonly string[] OfMail = ["message", "envelope", "recipient", "category", "domain", "seq"];
    private static readonly string[] MayCome = ["attempt", "reply", "reason", "nextAttemptAt", "duplicatePossible", "test", "tags", "metadata"];
    private static readonly string[] OfRefusal = ["class", "explanation"];
    private static readonly string[] OfBounce = ["hard"];
    private static readonly DateTimeOffset Next = new(2026, 12, 1, 9, 5, 0, TimeSpan.Zero);

    private static readonly EventData Accepted = new()
    {
        Message = new MessageId(Guid.Parse("0198c0de000070008000000000000003")),
        Envelope = new EnvelopeId(Guid.Parse("0198c0de000070008000000000000004")),
        Recipient = "ann@example.net",
        Category = Category.Notification,
        Domain = "mail.shop.example",
        Seq = 1,
        Tags = ["shipping"],
        Metadata = new Dictionary<string, string> { ["order"] = "1001" },
    };

    private static readonly EventData Tried = Accepted with { Attempt = 1, Seq = 2 };

    private static readonly FrozenDictionary<EventType, EventSample> Samples = new Dictionary<EventType, EventSample>
    {
        [EventType.MessageAccepted] = OfMessage("The message is committed; one event for each recipient.", Accepted),
        [EventType.MessageDelivered] = OfMessage("The receiver took the message.",
            Tried with { Reply = new EventReply(250, "2.0.0", "Ok: queued as 4XyZ12", "mx1.example.net") }, "attempt", "reply"),
        [EventType.MessageDeferred] = OfMessage("An attempt failed for now; another follows.",
            Refused(451, "4.7.1", "Greylisted, try again later") with { NextAttemptAt = Next }, "attempt", "nextAttemptAt"),
        [EventType.MessageDelayed] = OfMessage("The message is still on its way after the tenant's age for a notice; told once.",
            Refused(451, "4.3.2", "System busy") with { Attempt = 4, Seq = 5, NextAttemptAt = Next }),
        [EventType.MessageBounced] = OfMessage("The receiver refused the message for good, at once or by a later report.",
            Refused(550, "5.1.1", "No such user here") with { Hard = true }, "class", "explanation"),
        [EventType.MessageComplained] = OfMessage("The recipient marked the message as unwanted.",
            Tried with { Seq = 3, Reason = "A feedback report of the type abuse came in." }),
        [EventType.MessageSuppressed] = OfMessage("Nothing was sent: the recipient is on the tenant's suppression list.",
            Accepted with { Seq = 2, Reason = "Suppressed since a hard bounce." }, "reason"),
        [EventType.MessageExpired] = OfMessage("The message's lifetime ended before the receiver took it.",
            Tried with { Attempt = 9, Seq = 10, Reply = new EventReply(451, "4.3.2", "System busy", "mx1.example.net") }),
        [EventType.MessageCanceled] = OfMessage("The tenant canceled what had not left.", Accepted with { Seq = 2 }),
        [EventType.MessageFailed] = OfMessage("The service could not send the message, through no fault of the receiver.",
            Tried with { Reason = "The message could not be rendered." }, "reason"),
        [EventType.MessageUnknown] = OfMessage("The receiver may or may not have the message, and the sender asked not to risk a second copy.",
            Tried with { DuplicatePossible = true }, "duplicatePossible"),
        [EventType.MessageOpened] = OfMessage("The recipient, or a scanner on the way, loaded the message's pixel.", Tried with { Seq = 3 }),
        [EventType.MessageClicked] = OfMessage("The recipient, or a scanner on the way, followed a link of the message.", Tried with { Seq = 3 }),
        [EventType.RecipientUnsubscribed] = new("The recipient unsubscribed.", Accepted with { Seq = null, Topic = "newsletter" }, ["recipient", "category"], [.. OfMail, "topic", .. MayCome]),
        [EventType.DomainVerified] = new("All records of a sending domain are as they must be.", new EventData { Domain = "mail.shop.example" }, ["domain"], ["domain", "reason"]),
        [EventType.DomainFailing] = new("A verified sending domain has lost a record that it needs.",
            new EventData { Domain = "mail.shop.example", Reason = "The DKIM record of selector s1 is missing." }, ["domain", "reason"], ["domain", "reason"]),
        [EventType.WebhookTest] = new("Asked for with POST /webhooks/{id}/test; goes to that webhook alone.",
            new EventData { Reason = "Asked for with POST /webhooks/{id}/test." }, [], ["reason", "test"]),
    }.ToFrozenDictionary();

    public static EventSample Of(EventType type) => Samples[type];

    /// <summary>With the words that the service finds for it.</summary>
    private static EventData Refused(int code, string enhanced, string text)
    {
        var verdict = BounceTable.Classify(new Reply(code, enhanced, text), atRecipient: true);
        return Tried with { Reply = new EventReply(code, enhanced, text, "mx1.example.net"), Class = verdict.Class, Explanation = verdict.Explanation };
    }

    private static EventSample OfMessage(string means, EventData data, params string[] alsoRequired) =>
        new(means, data, [.. OfMail, .. alsoRequired], [.. OfMail, .. MayCome, .. data.Class is null ? [] : OfRefusal, .. data.Hard is null ? [] : OfBounce]);
}
