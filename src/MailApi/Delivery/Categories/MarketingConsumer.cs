using System.Collections.Frozen;
using MailApi.Api;
using MailApi.Spool;
using MailApi.Suppressions;
using MassTransit;

namespace MailApi.Delivery.Categories;

/// <summary>Newsletters and offers: lowest share of slots, patient, and always with an unsubscribe way.</summary>
internal sealed class MarketingConsumer(Deliverer deliverer) : IConsumer<Doorbell>
{
    public static readonly CategoryRules Defaults = new()
    {
        Category = Category.Marketing,
        RetryDelays = [TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(4)],
        Lifetime = TimeSpan.FromHours(48),
        ConcurrentDeliveries = 16,
        RequiresUnsubscribe = true,
        DelayedAfter = TimeSpan.FromHours(4),
        SuppressedBy = new[] { SuppressionReason.HardBounce, SuppressionReason.Complaint, SuppressionReason.SoftBounce, SuppressionReason.Unsubscribe, SuppressionReason.TopicPreference }.ToFrozenSet(),
    };

    public Task Consume(ConsumeContext<Doorbell> context) => deliverer.Deliver(Category.Marketing, context.Message);
}
