using MailApi.Api;
using MailApi.Suppressions;

namespace MailApi.Delivery;

/// <summary>What differs between categories: data, not code. Section <c>Categories:{category}</c>; what is not set keeps its default.</summary>
public sealed class CategoryOptions
{
    /// <summary>Waits before the second, third … try; the last one repeats.</summary>
    public TimeSpan[]? RetryDelays { get; set; }

    /// <summary>How long mail is tried before it expires.</summary>
    public TimeSpan? Lifetime { get; set; }

    /// <summary>Deliveries at the same time in one process.</summary>
    public int? ConcurrentDeliveries { get; set; }

    /// <summary>Every message gets one-click unsubscribe headers (RFC 8058) unless it brings its own; a List-Unsubscribe that is less than that gives way. Of marketing it cannot be taken away.</summary>
    public bool? RequiresUnsubscribe { get; set; }

    /// <summary>Age at which <c>message.delayed</c> is told, once.</summary>
    public TimeSpan? DelayedAfter { get; set; }
}

/// <summary>A category's rules with nothing left open.</summary>
internal sealed record CategoryRules
{
    public required Category Category { get; init; }
    public required IReadOnlyList<TimeSpan> RetryDelays { get; init; }
    public required TimeSpan Lifetime { get; init; }
    public required int ConcurrentDeliveries { get; init; }
    public required bool RequiresUnsubscribe { get; init; }
    public required TimeSpan DelayedAfter { get; init; }
    public required IReadOnlySet<SuppressionReason> SuppressedBy { get; init; }

    /// <summary>The wait after so many tries, give or take a tenth so that what failed together does not return together.</summary>
    public TimeSpan RetryAfter(int tries) => RetryDelays[Math.Min(tries, RetryDelays.Count - 1)] * (0.9 + 0.2 * Random.Shared.NextDouble());

    public CategoryRules With(CategoryOptions options) => this with
    {
        RetryDelays = options.RetryDelays is { Length: > 0 } ? options.RetryDelays : RetryDelays,
        Lifetime = options.Lifetime ?? Lifetime,
        ConcurrentDeliveries = options.ConcurrentDeliveries ?? ConcurrentDeliveries,
        RequiresUnsubscribe = options.RequiresUnsubscribe ?? RequiresUnsubscribe,
        DelayedAfter = options.DelayedAfter ?? DelayedAfter,
    };
}
