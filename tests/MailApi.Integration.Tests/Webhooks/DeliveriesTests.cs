using MailApi.Api;
using MailApi.Events;
using MailApi.Hosting;
using MailApi.Integration.Tests.Domains;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Storage;
using MailApi.Tests.Webhooks;
using MailApi.Webhooks;

namespace MailApi.Integration.Tests.Webhooks;

/// <summary>The queue of deliveries: what is due, who holds it, and when it comes again; on both databases.</summary>
public sealed class DeliveriesTests(SharedServers servers) : IDisposable
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    private StoreUnderTest database = null!;
    private WebhooksUnderTest store = null!;
    private Deliveries deliveries = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => database.Dispose();

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task An_event_is_queued_for_the_enabled_webhooks_of_its_tenant_that_listen_to_it(StoreProvider provider)
    {
        await Open(provider);
        var (tenant, stranger) = (await store.Tenant(Ct), await store.Tenant(Ct));
        var all = await store.Webhook(tenant, "https://a.example", Ct, "*");
        var bounces = await store.Webhook(tenant, "https://b.example", Ct, "message.bounced", "message.failed");
        await store.Webhook(tenant, "https://c.example", Ct, "message.delivered");
        await store.Webhook(stranger, "https://d.example", Ct, "*");
        var off = await store.Webhook(tenant, "https://e.example", Ct, "*");
        await new WebhookStore(store.Db, store.Vault).Change(tenant, off.Id, null, null, false, Ct);

        await store.Happen(tenant, Ct, EventType.MessageBounced);
        // Ids of one millisecond have no order among each other.
        Assert.Equal(new[] { all.Id.Value, bounces.Id.Value }.Order(), (await deliveries.Waiting(Guid.Empty, 10, Ct)).Order());
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_claim_is_taken_once_comes_back_after_its_lease_and_its_old_holder_can_record_nothing(StoreProvider provider)
    {
        await Open(provider);
        var tenant = await store.Tenant(Ct);
        var webhook = await store.Webhook(tenant, "https://a.example", Ct);
        var happened = await store.Happen(tenant, Ct);

        var first = Assert.Single(await deliveries.Take([(webhook.Id.Value, 10)], Lease, Ct));
        Assert.Equal(new Claim(webhook.Id.Value, happened.Value, 1, 0), first);
        Assert.Empty(await deliveries.Take([(webhook.Id.Value, 10)], Lease, Ct));
        Assert.Empty(await deliveries.Waiting(Guid.Empty, 10, Ct));

        await database.Advance(Lease);
        var second = Assert.Single(await deliveries.Take([(webhook.Id.Value, 10)], Lease, Ct));
        Assert.Equal(2, second.Attempt);
        Assert.Null(await deliveries.Open(first, Ct));

        await deliveries.Record(first, new Answer(500, "The endpoint answered 500."), 0, Ct);
        Assert.Equal(("pending", 0), Short(await store.Delivery(webhook.Id, happened, Ct)));
        await deliveries.Record(second, new Answer(200, null), 0, Ct);
        Assert.Equal(("delivered", 1), Short(await store.Delivery(webhook.Id, happened, Ct)));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Failures_follow_the_published_schedule_and_the_tenth_is_the_last(StoreProvider provider)
    {
        await Open(provider);
        TimeSpan[] waits =
        [
            TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5),
            TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
        ];
        var tenant = await store.Tenant(Ct);
        var webhook = await store.Webhook(tenant, "https://a.example", Ct);
        var happened = await store.Happen(tenant, Ct);
        var fails = new Answer(503, "The endpoint answered 503.");
        foreach (var wait in waits)
        {
            Assert.Equal(TryOutcome.Retried, await deliveries.Record(await TakeOne(webhook.Id), fails, 0.5, Ct));
            var delivery = await store.Delivery(webhook.Id, happened, Ct);
            Assert.Equal((503, "The endpoint answered 503."), (delivery.Status, delivery.Error));
            Assert.Equal(database.Now + wait * 1.05, delivery.Due);
            await database.Advance(wait * 1.05 - TimeSpan.FromMilliseconds(1));
            Assert.Empty(await deliveries.Waiting(Guid.Empty, 10, Ct));
            await database.Advance(TimeSpan.FromMilliseconds(1));
        }
        Assert.Equal(TryOutcome.Failed, await deliveries.Record(await TakeOne(webhook.Id), fails, 0.5, Ct));
        Assert.Equal(("failed", 10), Short(await store.Delivery(webhook.Id, happened, Ct)));
        Assert.True((await new WebhookStore(store.Db, store.Vault).Find(tenant, webhook.Id, Ct))!.Enabled);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Gone_disables_the_webhook_and_what_is_queued_waits_until_it_is_enabled(StoreProvider provider)
    {
        await Open(provider);
        var tenant = await store.Tenant(Ct);
        var webhook = await store.Webhook(tenant, "https://a.example", Ct);
        var first = await store.Happen(tenant, Ct);
        await database.Advance(TimeSpan.FromMilliseconds(1)); // what is due in one millisecond has no order
        var second = await store.Happen(tenant, Ct);
        await database.Advance(TimeSpan.FromMilliseconds(1));
        var claim = await TakeOne(webhook.Id);
        Assert.Equal(first.Value, claim.Event);
        Assert.Equal(TryOutcome.Disabled, await deliveries.Record(claim, new Answer(410, "The endpoint answered 410."), 0, Ct));

        var webhooks = new WebhookStore(store.Db, store.Vault);
        var disabled = await webhooks.Find(tenant, webhook.Id, Ct);
        Assert.Equal((false, "The endpoint answered 410 Gone."), (disabled!.Enabled, disabled.DisabledReason));
        Assert.Equal(("failed", 1), Short(await store.Delivery(webhook.Id, first, Ct)));
        Assert.Empty(await deliveries.Waiting(Guid.Empty, 10, Ct));

        Assert.Null((await webhooks.Change(tenant, webhook.Id, null, null, true, Ct))!.DisabledReason);
        Assert.Equal([webhook.Id.Value], await deliveries.Waiting(Guid.Empty, 10, Ct));
        Assert.Equal(second.Value, Assert.Single(await deliveries.Take([(webhook.Id.Value, 10)], Lease, Ct)).Event);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_rotated_secret_signs_beside_its_successor_for_a_day(StoreProvider provider)
    {
        await Open(provider);
        var tenant = await store.Tenant(Ct);
        var webhook = await store.Webhook(tenant, "https://a.example", Ct);
        await store.Happen(tenant, Ct);
        var rotated = await new WebhookStore(store.Db, store.Vault).Rotate(tenant, webhook.Id, Ct);
        Assert.NotEqual(webhook.Secret, rotated!.Secret);
        Assert.Equal(database.Now.AddHours(24), rotated.PreviousSecretUntil);

        var parcel = await deliveries.Open(await TakeOne(webhook.Id), Ct);
        Assert.Equal([rotated.Secret, webhook.Secret], parcel!.Secrets.Select(secret => Signature.Show(secret)));
        await database.Advance(TimeSpan.FromHours(24));
        parcel = await deliveries.Open(await TakeOne(webhook.Id), Ct);
        Assert.Equal([rotated.Secret], parcel!.Secrets.Select(secret => Signature.Show(secret)));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task The_store_holds_no_secret_and_a_secret_moved_to_another_webhook_does_not_open(StoreProvider provider)
    {
        await Open(provider);
        var tenant = await store.Tenant(Ct);
        var (one, two) = (await store.Webhook(tenant, "https://a.example", Ct), await store.Webhook(tenant, "https://b.example", Ct));
        var secret = Convert.FromBase64String(one.Secret!["whsec_".Length..]);
        var stored = await store.Db.Query("select secret from webhooks", row => row.Bytes(0), Ct);
        Assert.All(stored, bytes => Assert.Equal(-1, bytes.AsSpan().IndexOf(secret)));

        await store.Happen(tenant, Ct);
        await store.Db.Execute("update webhooks set secret = (select secret from webhooks where id = @one) where id = @two", Ct, ("one", one.Id.Value), ("two", two.Id.Value));
        var claim = await TakeOne(two.Id);
        await Assert.ThrowsAnyAsync<System.Security.Cryptography.CryptographicException>(() => deliveries.Open(claim, Ct));
    }

    private async Task Open(StoreProvider provider)
    {
        database = await StoreUnderTest.Create(provider, servers);
        database.Migrate();
        await database.StopClock();
        store = new WebhooksUnderTest(database.Db);
        deliveries = new Deliveries(store.Db, store.Vault);
    }

    private async Task<Claim> TakeOne(WebhookId webhook)
    {
        await database.Advance(Lease);
        return Assert.Single(await deliveries.Take([(webhook.Value, 1)], Lease, Ct));
    }

    private static (string, int) Short((string State, int Tries, int? Status, string? Error, DateTimeOffset Due) delivery) => (delivery.State, delivery.Tries);
}
