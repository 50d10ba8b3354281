using System.Collections.Frozen;
using MailApi.Api;
using MailApi.Spool;
using MailApi.Suppressions;
using MassTransit;

namespace MailApi.Delivery.Categories;

/// <summary>Order mail, receipts and codes: highest share of slots, quick retries, worthless after a day.</summary>
internal sealed class NotificationConsumer(Deliverer deliverer) : IConsumer<Doorbell>
{
    public static readonly CategoryRules Defaults = new()
    {
        Category = Category.Notification,
        RetryDelays = [TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(30), TimeSpan.FromHours(1), TimeSpan.FromHours(2)],
        Lifetime = TimeSpan.FromHours(24),
        ConcurrentDeliveries = 48,
        RequiresUnsubscribe = false,
        DelayedAfter = TimeSpan.FromMinutes(15),
        SuppressedBy = new[] { SuppressionReason.HardBounce, SuppressionReason.Complaint, SuppressionReason.SoftBounce }.ToFrozenSet(),
    };

    public Task Consume(ConsumeContext<Doorbell> context) => deliverer.Deliver(Category.Notification, context.Message);
}
