using MailApi.Events;

namespace MailApi.Statistics;

/// <summary>What is counted of mail: the events of an envelope, and what its recipient said to it later.</summary>
internal enum StatisticsKind
{
    Accepted,
    Delivered,
    Deferred,
    Bounced,
    Suppressed,
    Expired,
    Canceled,
    Failed,
    Unknown,
    Complained,
    Unsubscribed,
}

internal static class StatisticsKinds
{
    /// <summary>Null for events that are not counted.</summary>
    public static StatisticsKind? Of(EventType type) => type switch
    {
        EventType.MessageAccepted => StatisticsKind.Accepted,
        EventType.MessageDelivered => StatisticsKind.Delivered,
        EventType.MessageDeferred => StatisticsKind.Deferred,
        EventType.MessageBounced => StatisticsKind.Bounced,
        EventType.MessageSuppressed => StatisticsKind.Suppressed,
        EventType.MessageExpired => StatisticsKind.Expired,
        EventType.MessageCanceled => StatisticsKind.Canceled,
        EventType.MessageFailed => StatisticsKind.Failed,
        EventType.MessageUnknown => StatisticsKind.Unknown,
        EventType.MessageComplained => StatisticsKind.Complained,
        EventType.RecipientUnsubscribed => StatisticsKind.Unsubscribed,
        _ => null,
    };
}
