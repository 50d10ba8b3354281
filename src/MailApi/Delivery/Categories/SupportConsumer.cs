using System.Collections.Frozen;
using MailApi.Api;
using MailApi.Spool;
using MailApi.Suppressions;
using MassTransit;

namespace MailApi.Delivery.Categories;

/// <summary>Conversations with a customer: patient retries, withheld from dead addresses alone.</summary>
internal sealed class SupportConsumer(Deliverer deliverer) : IConsumer<Doorbell>
{
    public static readonly CategoryRules Defaults = new()
    {
        Category = Category.Support,
        RetryDelays = [TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15), TimeSpan.FromHours(1), TimeSpan.FromHours(2), TimeSpan.FromHours(4)],
        Lifetime = TimeSpan.FromDays(5),
        ConcurrentDeliveries = 24,
        RequiresUnsubscribe = false,
        DelayedAfter = TimeSpan.FromHours(1),
        SuppressedBy = new[] { SuppressionReason.HardBounce }.ToFrozenSet(),
    };

    public Task Consume(ConsumeContext<Doorbell> context) => deliverer.Deliver(Category.Support, context.Message);
}
