using MailApi.Api;
using MailApi.Events;
using MailApi.Hosting;
using MailApi.Integration.Tests.Domains;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Mail.Bounces;
using MailApi.Statistics;
using MailApi.Storage;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Statistics;

/// <summary>Statistics are the event log, counted; on both databases.</summary>
public sealed class EventTallyTests(SharedServers servers)
{
    private static readonly CancellationToken Ct = CancellationToken.None;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly EventData Mail = new() { Recipient = "ann@Example.NET", Category = Category.Marketing, Domain = "mail.shop.example" };

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Events_are_told_apart_by_domain_category_site_day_and_class(StoreProvider provider)
    {
        using var store = await Create(provider);
        var tenant = await store.AddTenant();
        await store.Db.Execute("insert into site_domains (recipient_domain, site, seen_at) values ('example.net', 'mx.big.test', 0)", Ct);
        await Append(store.Db, tenant,
        [
            (EventType.MessageAccepted, Mail), (EventType.MessageDeferred, Mail), (EventType.MessageDeferred, Mail), (EventType.MessageDelivered, Mail),
            (EventType.MessageAccepted, Mail with { Recipient = "bob@small.example" }), (EventType.MessageBounced, Mail with { Recipient = "bob@small.example", Class = BounceClass.MailboxFull }),
            (EventType.MessageBounced, Mail with { Category = Category.Support }), (EventType.MessageComplained, Mail with { Domain = "other.shop.example" }),
            (EventType.RecipientUnsubscribed, Mail), (EventType.MessageDelivered, Mail with { Test = true }), (EventType.DomainVerified, new EventData { Domain = "mail.shop.example" }),
            (EventType.MessageDelayed, Mail), (EventType.MessageSuppressed, Mail), (EventType.MessageExpired, Mail), (EventType.MessageCanceled, Mail), (EventType.MessageFailed, Mail), (EventType.MessageUnknown, Mail),
        ]);
        await store.Db.Execute("update events set at = at - 86400000 where type = 'message.accepted'", Ct);
        // The horizon is the cluster's: transactions of other databases count as long as they are open.
        await Eventually.HoldsAsync(async () =>
        {
            await Count(store.Db);
            return (await Read(store.Db, tenant, StatisticsDimension.Category)).Count > 0;
        }, Patience, "the events are counted", Ct);

        var rows = await Read(store.Db, tenant, StatisticsDimension.Day, StatisticsDimension.Site, StatisticsDimension.Domain, StatisticsDimension.Category);

        Assert.Equal(
        [
            "-1 mx.big.test mail.shop.example marketing: accepted 1",
            "-1 small.example mail.shop.example marketing: accepted 1",
            "0 mx.big.test mail.shop.example marketing: delivered 1, deferred 2, suppressed 1, expired 1, canceled 1, failed 1, unknown 1, unsubscribed 1",
            "0 mx.big.test mail.shop.example support: bounced 1, other 1",
            "0 mx.big.test other.shop.example marketing: complained 1",
            "0 small.example mail.shop.example marketing: bounced 1, mailbox-full 1",
        ], rows);
        Assert.Equal(
        [
            "   marketing: accepted 2, delivered 1, deferred 2, bounced 1, suppressed 1, expired 1, canceled 1, failed 1, unknown 1, complained 1, unsubscribed 1, mailbox-full 1",
            "   support: bounced 1, other 1",
        ], await Read(store.Db, tenant, StatisticsDimension.Category));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task What_was_counted_before_its_site_was_known_is_shown_with_the_rest_of_the_site(StoreProvider provider)
    {
        using var store = await Create(provider);
        var tenant = await store.AddTenant();
        var elsewhere = Mail with { Recipient = "bob@small.example" };
        await Append(store.Db, tenant, [(EventType.MessageAccepted, Mail), (EventType.MessageAccepted, elsewhere)]);
        await CountUntil("accepted", 2);
        Assert.Equal(["example.net: accepted 1", "small.example: accepted 1"], await BySite());

        await store.Db.Execute("insert into site_domains (recipient_domain, site, seen_at) values ('example.net', 'mx.big.test', 0), ('other.example', 'mx.big.test', 0)", Ct);
        await Append(store.Db, tenant, [(EventType.MessageDelivered, Mail), (EventType.MessageDelivered, Mail with { Recipient = "eve@other.example" }), (EventType.MessageDelivered, elsewhere)]);
        await CountUntil("delivered", 3);

        Assert.Equal(["mx.big.test: accepted 1, delivered 2", "small.example: accepted 1, delivered 1"], await BySite());
        Assert.Equal(["mx.big.test: accepted 1, delivered 2"], await BySite("mx.big.test"));
        Assert.Empty(await BySite("example.net"));

        Task CountUntil(string kind, long events) => Eventually.HoldsAsync(async () =>
        {
            await Count(store.Db);
            return await Events(store.Db, kind) == events;
        }, Patience, "the events are counted", Ct);

        async Task<List<string>> BySite(string? site = null) => [.. (await Rows(store.Db, tenant, [StatisticsDimension.Site], site)).Select(row => $"{row.Site}: {string.Join(", ", Counts(row))}")];
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Counters_that_run_at_once_count_every_event_once(StoreProvider provider)
    {
        using var store = await Create(provider);
        var tenant = await store.AddTenant();
        const int Writers = 4, Rounds = 50, Each = 25;
        using var done = new CancellationTokenSource();
        var counters = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            var tally = new EventTally(store.Db);
            while (!done.IsCancellationRequested)
                if (!await tally.Round(Ct)) await Task.Yield();
        })).ToList();

        await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            for (var round = 0; round < Rounds; round++) await Append(store.Db, tenant, Enumerable.Repeat((EventType.MessageAccepted, Mail), Each));
        })));

        await Eventually.HoldsAsync(async () => await Accepted(store.Db) >= Writers * Rounds * Each, Patience, "every event is counted", Ct);
        await done.CancelAsync();
        await Task.WhenAll(counters);
        await Count(store.Db);
        Assert.Equal(Writers * Rounds * Each, await Accepted(store.Db));
    }

    [Fact]
    public async Task Events_of_a_transaction_that_ends_late_are_counted_when_it_ends()
    {
        using var store = await Create(StoreProvider.PostgreSql);
        var tenant = await store.AddTenant();
        var (open, appended) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = store.Db.Write(async transaction =>
        {
            await transaction.Run([.. EventLog.Append(tenant, EventType.MessageAccepted, Mail)], null, Ct);
            appended.SetResult();
            await open.Task;
            return 0;
        }, Ct);
        await appended.Task;
        await Append(store.Db, tenant, [(EventType.MessageAccepted, Mail)]);
        await Count(store.Db);
        Assert.Equal(0, await Accepted(store.Db));

        open.SetResult();
        await slow;
        await Eventually.HoldsAsync(async () =>
        {
            await Count(store.Db);
            return await Accepted(store.Db) == 2;
        }, Patience, "both events are counted", Ct);
        await Count(store.Db);
        Assert.Equal(2, await Accepted(store.Db));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_log_of_several_rounds_is_counted_to_its_end_and_tenants_are_told_apart(StoreProvider provider)
    {
        using var store = await Create(provider);
        var (one, two) = (await store.AddTenant(), await store.AddTenant());
        await Append(store.Db, one, Enumerable.Repeat((EventType.MessageDelivered, Mail), EventTally.RowsMax + 1));
        await Append(store.Db, two, [(EventType.MessageDelivered, Mail)]);
        await Eventually.HoldsAsync(async () =>
        {
            await Count(store.Db);
            return (await Read(store.Db, two, StatisticsDimension.Category)).Count == 1;
        }, Patience, "all is counted", Ct);

        Assert.Equal([$"   marketing: delivered {EventTally.RowsMax + 1}"], await Read(store.Db, one, StatisticsDimension.Category));
        Assert.Equal(["   marketing: delivered 1"], await Read(store.Db, two, StatisticsDimension.Category));
        if (provider == StoreProvider.PostgreSql) Assert.Equal([two.Value], await store.Db.QueryAs(two, "select tenant_id from statistics", row => row.GetGuid(0), Ct));
    }

    private async Task<StoreUnderTest> Create(StoreProvider provider)
    {
        var store = await StoreUnderTest.Create(provider, servers);
        store.Migrate();
        return store;
    }

    private static Task<int> Append(Db db, TenantId tenant, IEnumerable<(EventType Type, EventData Data)> events) => db.Write(async transaction =>
    {
        await transaction.Run([.. events.SelectMany(it => EventLog.Append(tenant, it.Type, it.Data))], null, Ct);
        return 0;
    }, Ct);

    /// <summary>The horizon is the cluster's: transactions of other databases hold it back as long as they are open.</summary>
    private static async Task Count(Db db)
    {
        var tally = new EventTally(db);
        while (await tally.Round(Ct)) { }
    }

    private static Task<long> Accepted(Db db) => Events(db, "accepted");

    private static async Task<long> Events(Db db, string kind) =>
        (await db.Query("select cast(coalesce(sum(events), 0) as bigint) from statistics where kind = @kind", row => row.GetInt64(0), Ct, ("kind", kind)))[0];

    /// <summary>Each row as <c>day site domain category: kind count, …</c>, days from today.</summary>
    private static async Task<List<string>> Read(Db db, TenantId tenant, params StatisticsDimension[] by)
    {
        var today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);
        return [.. (await Rows(db, tenant, by)).Select(row => $"{(row.Day is { } day ? day.DayNumber - today.DayNumber : "")} {row.Site} {row.Domain} {row.Category?.ToText()}: {string.Join(", ", Counts(row))}")];
    }

    private static Task<List<StatisticsRow>> Rows(Db db, TenantId tenant, StatisticsDimension[] by, string? site = null)
    {
        var today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);
        return new StatisticsTable(db).Read(tenant, test: false, new StatisticsWanted
        {
            From = today.AddDays(-9),
            To = today,
            GroupBy = by,
            Domain = null,
            Category = null,
            Site = site,
            Limit = 100,
            Offset = 0,
        }, Ct);
    }

    private static IEnumerable<string> Counts(StatisticsRow row) => new (string, long)[]
    {
        ("accepted", row.Accepted), ("delivered", row.Delivered), ("deferred", row.Deferred), ("bounced", row.Bounced), ("suppressed", row.Suppressed), ("expired", row.Expired),
        ("canceled", row.Canceled), ("failed", row.Failed), ("unknown", row.Unknown), ("complained", row.Complained), ("unsubscribed", row.Unsubscribed),
    }.Concat(row.BouncedByClass.Select(pair => (pair.Key, pair.Value))).Where(it => it.Item2 > 0).Select(it => $"{it.Item1} {it.Item2}");
}
