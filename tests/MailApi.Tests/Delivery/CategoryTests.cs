using System.Collections.Frozen;
using MailApi.Api;
using MailApi.Delivery;
using MailApi.Delivery.Categories;

namespace MailApi.Tests.Delivery;

/// <summary>The numbers by which callers plan, written out.</summary>
public sealed class CategoryTests
{
    private static readonly FrozenDictionary<Category, CategoryRules> Rules =
        new[] { MarketingConsumer.Defaults, NotificationConsumer.Defaults, SupportConsumer.Defaults }.ToFrozenDictionary(rules => rules.Category);

    [Theory]
    [InlineData(Category.Marketing, 48, 240, 16, true, new[] { 5, 30, 120, 240 }, "complaint hardBounce softBounce topicPreference unsubscribe")]
    [InlineData(Category.Notification, 24, 15, 48, false, new[] { 1, 5, 15, 30, 60, 120 }, "complaint hardBounce softBounce")]
    [InlineData(Category.Support, 120, 60, 24, false, new[] { 5, 15, 60, 120, 240 }, "hardBounce")]
    public void Each_category_has_its_lifetime_schedule_and_share(
        Category category, int lifetimeHours, int delayedAfterMinutes, int slots, bool unsubscribe, int[] retriesAfterMinutes, string suppressedBy)
    {
        var rules = Rules[category];

        Assert.Equal(TimeSpan.FromHours(lifetimeHours), rules.Lifetime);
        Assert.Equal(TimeSpan.FromMinutes(delayedAfterMinutes), rules.DelayedAfter);
        Assert.Equal((slots, unsubscribe), (rules.ConcurrentDeliveries, rules.RequiresUnsubscribe));
        Assert.Equal(retriesAfterMinutes.Select(minutes => TimeSpan.FromMinutes(minutes)), rules.RetryDelays);
        Assert.Equal(suppressedBy.Split(' '), rules.SuppressedBy.Select(reason => reason.ToText()).Order(StringComparer.Ordinal));
        // The last wait repeats; a tenth more or less keeps apart what failed together.
        int[] waits = [.. retriesAfterMinutes, retriesAfterMinutes[^1], retriesAfterMinutes[^1]];
        for (var tries = 0; tries < waits.Length; tries++) Assert.InRange(rules.RetryAfter(tries).TotalMinutes, waits[tries] * 0.9, waits[tries] * 1.1);
    }
}
