using System.ComponentModel.DataAnnotations;

namespace MailApi.Webhooks;

/// <summary>The section <c>Webhooks</c>.</summary>
public sealed class WebhookOptions
{
    /// <summary>Webhooks a tenant may have; each event is a row per webhook, so this bounds what one message can write.</summary>
    public const int PerTenantMax = 20;

    /// <summary>How far back a replay reaches.</summary>
    public static readonly TimeSpan ReplayWindow = TimeSpan.FromDays(30);

    /// <summary>How long a rotated secret goes on signing beside its successor.</summary>
    public static readonly TimeSpan RotationOverlap = TimeSpan.FromHours(24);

    /// <summary>Admits http, every port and every address. For tests and closed networks.</summary>
    public bool AllowPrivateNetworks { get; set; }

    /// <summary>From the look-up of the name to the last octet read of the answer.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Requests open at once in this process.</summary>
    [Range(1, 1024)]
    public int ConcurrentDeliveries { get; set; } = 32;

    /// <summary>Requests open at once to one webhook from this process.</summary>
    [Range(1, 64)]
    public int PerWebhookConcurrency { get; set; } = 4;

    /// <summary>How often the store is asked for due deliveries when nothing rings.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a claimed delivery stays with its process: the request's whole time and as much again to record it.</summary>
    internal TimeSpan Lease => Timeout + TimeSpan.FromSeconds(15);
}
