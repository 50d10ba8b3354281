using System.Diagnostics.Metrics;
using MailApi.Api;

namespace MailApi.Webhooks;

/// <summary>How a try ended.</summary>
internal enum TryOutcome
{
    /// <summary>A 2xx.</summary>
    Delivered,

    /// <summary>A failure; another try is due later.</summary>
    Retried,

    /// <summary>The last try failed.</summary>
    Failed,

    /// <summary>410: the webhook was disabled.</summary>
    Disabled,
}

internal static class WebhookMetrics
{
    private static readonly Meter Meter = new("MailApi");

    private static readonly Counter<long> Deliveries =
        Meter.CreateCounter<long>("mailapi.webhook.deliveries", "{try}", "Tries to deliver an event to a webhook, by outcome.");

    public static void Count(TryOutcome outcome) => Deliveries.Add(1, new KeyValuePair<string, object?>("outcome", outcome.ToText()));
}
