using MailApi.Api;
using MailApi.Events;
using MailApi.Hosting;
using MailApi.Integration.Tests.Domains;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Storage;
using MailApi.Tests.Webhooks;
using MailApi.Webhooks;

namespace MailApi.Integration.Tests.Webhooks;

/// <summary>What a tenant sees of its deliveries and has sent again; on both databases.</summary>
public sealed class DeliveryLogTests(SharedServers servers) : IDisposable
{
    private static readonly EventId Newest = new(Guid.AllBitsSet);
    private StoreUnderTest database = null!;
    private WebhooksUnderTest store = null!;
    private DeliveryLog log = null!;
    private TenantId tenant;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => database.Dispose();

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_replay_takes_what_it_names_by_id_by_time_or_by_state_up_to_thirty_days_back(StoreProvider provider)
    {
        await Open(provider);
        var ancient = await store.Happen(tenant, Ct);
        await database.Advance(TimeSpan.FromDays(30) + TimeSpan.FromMinutes(1));
        var missed = await store.Happen(tenant, Ct);
        await store.Happen(tenant, Ct, EventType.MessageAccepted);
        await store.Happen(await store.Tenant(Ct), Ct);
        var webhook = (await store.Webhook(tenant, "https://a.example", Ct, "message.delivered")).Id;
        await database.Advance(TimeSpan.FromMinutes(1));
        var from = database.Now;
        await new WebhookStore(store.Db, store.Vault).Change(tenant, webhook, null, null, false, Ct);
        var later = await store.Happen(tenant, Ct);

        Assert.Equal(0, await Replay(webhook, new ReplayOrder { From = from, To = from }));
        Assert.Equal(1, await Replay(webhook, new ReplayOrder { From = from }));
        Assert.Equal(1, await Replay(webhook, new ReplayOrder { Events = [missed, ancient, PrefixedId.New<EventId>(), missed] }));
        Assert.Equal(2, await Replay(webhook, new ReplayOrder()));
        Assert.Equal(0, await log.Replay(await store.Tenant(Ct), webhook, new ReplayOrder(), Ct));
        Assert.Equal(0, await Replay(webhook, new ReplayOrder { State = DeliveryState.Failed }));
        await Fail(later);
        Assert.Equal(0, await Replay(webhook, new ReplayOrder { State = DeliveryState.Failed, Events = [missed] }));
        Assert.Equal(1, await Replay(webhook, new ReplayOrder { State = DeliveryState.Failed }));
        foreach (var happened in new[] { missed, later })
        {
            var delivery = await store.Delivery(webhook, happened, Ct);
            Assert.Equal(("pending", 0, database.Now), (delivery.State, delivery.Tries, delivery.Due));
        }
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Who_holds_a_delivery_that_is_replayed_records_nothing(StoreProvider provider)
    {
        await Open(provider);
        var webhook = (await store.Webhook(tenant, "https://a.example", Ct)).Id;
        var happened = await store.Happen(tenant, Ct);
        var deliveries = new Deliveries(store.Db, store.Vault);
        var held = Assert.Single(await deliveries.Take([(webhook.Value, 1)], TimeSpan.FromSeconds(30), Ct));

        Assert.Equal(1, await Replay(webhook, new ReplayOrder()));
        await deliveries.Record(held, new Answer(200, null), 0, Ct);

        Assert.Equal("pending", (await store.Delivery(webhook, happened, Ct)).State);
        Assert.Single(await deliveries.Take([(webhook.Value, 1)], TimeSpan.FromSeconds(30), Ct));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_span_of_more_than_a_hundred_thousand_events_is_refused_and_nothing_is_done(StoreProvider provider)
    {
        await Open(provider);
        var id = provider == StoreProvider.PostgreSql ? "gen_random_uuid()" : "lower(hex(randomblob(16)))";
        await store.Db.Execute($"""
            insert into events (id, tenant_id, seq, type, at, data)
            with recursive numbers (number) as (select 1 union all select number + 1 from numbers where number < 100001)
            select {id}, @tenant, 1, 'message.delivered', now_ms() - number % 2, '' from numbers
            """, Ct, ("tenant", tenant.Value));
        var webhook = (await store.Webhook(tenant, "https://a.example", Ct)).Id;

        Assert.Null(await log.Replay(tenant, webhook, new ReplayOrder(), Ct));

        Assert.Empty(await List(webhook));
        Assert.Equal(50_000, await Replay(webhook, new ReplayOrder { From = database.Now }));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Events_of_one_transaction_are_queued_for_who_listens_to_them_and_earlier_ones_for_nobody(StoreProvider provider)
    {
        await Open(provider);
        var other = await store.Tenant(Ct);
        await store.Happen(tenant, Ct);
        var (all, bounces) = ((await store.Webhook(tenant, "https://a.example", Ct)).Id, (await store.Webhook(tenant, "https://b.example", Ct, "message.bounced")).Id);
        var (others, off) = ((await store.Webhook(other, "https://c.example", Ct)).Id, (await store.Webhook(tenant, "https://d.example", Ct)).Id);
        await new WebhookStore(store.Db, store.Vault).Change(tenant, off, null, null, false, Ct);

        var (events, told) = (new EventBatch(), 0);
        await store.Db.Write(async transaction =>
        {
            List<Statement> statements =
            [
                events.Append(tenant, EventType.MessageDelivered, new EventData()), events.Append(other, EventType.MessageBounced, new EventData()),
                events.Append(tenant, EventType.MessageBounced, new EventData()), .. events.Deliveries(),
            ];
            await transaction.Run(statements, (_, _) => told++, Ct);
            return 0;
        }, Ct);

        Assert.Equal(4, told);
        Assert.Equal(["message.bounced", "message.delivered"], (await List(all)).Select(delivery => delivery.Type).Order());
        Assert.Equal("message.bounced", Assert.Single(await List(bounces)).Type);
        Assert.Equal("message.bounced", Assert.Single(await log.List(other, others, null, Newest, 10, Ct)).Type);
        Assert.Empty(await List(off));
        Assert.Empty(new EventBatch().Deliveries());
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Deliveries_are_listed_newest_first_by_state_and_of_that_tenant_alone(StoreProvider provider)
    {
        await Open(provider);
        var webhook = (await store.Webhook(tenant, "https://a.example", Ct)).Id;
        var happened = new List<EventId>();
        for (var count = 0; count < 4; count++) happened.Add(await store.Happen(tenant, Ct));
        // Ids of one millisecond have no order among each other.
        happened = [.. happened.OrderByDescending(it => it.Value)];
        await Fail(happened[1]);

        Assert.Equal(happened, (await List(webhook)).Select(delivery => delivery.Event));
        Assert.Equal(happened[2..3], (await log.List(tenant, webhook, null, happened[1], 1, Ct)).Select(delivery => delivery.Event));
        Assert.Empty(await log.List(await store.Tenant(Ct), webhook, null, Newest, 10, Ct));
        var failed = Assert.Single(await List(webhook, DeliveryState.Failed));
        Assert.Equal((happened[1], "message.delivered", 10, 500, "x", null), (failed.Event, failed.Type, failed.Tries, failed.LastStatus, failed.LastError, failed.DueAt));
        Assert.All(await List(webhook, DeliveryState.Pending), delivery => Assert.Equal(database.Now, delivery.DueAt));
    }

    private async Task Open(StoreProvider provider)
    {
        database = await StoreUnderTest.Create(provider, servers);
        database.Migrate();
        await database.StopClock();
        store = new WebhooksUnderTest(database.Db);
        log = new DeliveryLog(store.Db);
        tenant = await store.Tenant(Ct);
    }

    private Task<int?> Replay(WebhookId webhook, ReplayOrder order) => log.Replay(tenant, webhook, order, Ct);

    private Task<List<DeliveryView>> List(WebhookId webhook, DeliveryState? state = null) => log.List(tenant, webhook, state, Newest, 10, Ct);

    private Task<int> Fail(EventId happened) =>
        store.Db.Execute("update webhook_deliveries set state = 'failed', tries = 10, last_status = 500, last_error = 'x' where event_id = @id", Ct, ("id", happened.Value));
}
