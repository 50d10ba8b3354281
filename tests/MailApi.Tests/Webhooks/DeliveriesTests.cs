using System.Text;
using System.Text.Json;
using MailApi.Api;
using MailApi.Events;
using MailApi.Storage;
using MailApi.Webhooks;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MailApi.Tests.Webhooks;

public sealed class DeliveriesTests : IDisposable
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    private readonly FakeTimeProvider clock = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private readonly Store store;
    private readonly Deliveries deliveries;

    public DeliveriesTests()
    {
        store = new Store(clock);
        deliveries = new Deliveries(store.Db, store.Vault);
    }

    public void Dispose() => store.Dispose();

    [Fact]
    public async Task An_event_is_queued_for_the_enabled_webhooks_of_its_tenant_that_listen_to_it()
    {
        var (tenant, stranger) = (await store.Tenant(Ct), await store.Tenant(Ct));
        var all = await store.Webhook(tenant, "https://a.example", Ct, "*");
        var bounces = await store.Webhook(tenant, "https://b.example", Ct, "message.bounced", "message.failed");
        await store.Webhook(tenant, "https://c.example", Ct, "message.delivered");
        await store.Webhook(stranger, "https://d.example", Ct, "*");
        var off = await store.Webhook(tenant, "https://e.example", Ct, "*");
        await new WebhookStore(store.Db, store.Vault).Change(tenant, off.Id, null, null, false, Ct);

        await store.Happen(tenant, Ct, EventType.MessageBounced);
        Assert.Equal([all.Id.Value, bounces.Id.Value], await deliveries.Waiting(Guid.Empty, 10, Ct));
    }

    [Fact]
    public async Task A_claim_is_taken_once_comes_back_after_its_lease_and_its_old_holder_can_record_nothing()
    {
        var tenant = await store.Tenant(Ct);
        var webhook = await store.Webhook(tenant, "https://a.example", Ct);
        var happened = await store.Happen(tenant, Ct);

        var first = Assert.Single(await deliveries.Take([(webhook.Id.Value, 10)], Lease, Ct));
        Assert.Equal(new Claim(webhook.Id.Value, happened.Value, 1, 0), first);
        Assert.Empty(await deliveries.Take([(webhook.Id.Value, 10)], Lease, Ct));
        Assert.Empty(await deliveries.Waiting(Guid.Empty, 10, Ct));

        clock.Advance(Lease);
        var second = Assert.Single(await deliveries.Take([(webhook.Id.Value, 10)], Lease, Ct));
        Assert.Equal(2, second.Attempt);
        Assert.Null(await deliveries.Open(first, Ct));

        await deliveries.Record(first, new Answer(500, "The endpoint answered 500."), 0, Ct);
        Assert.Equal(("pending", 0), Short(await store.Delivery(webhook.Id, happened, Ct)));
        await deliveries.Record(second, new Answer(200, null), 0, Ct);
        Assert.Equal(("delivered", 1), Short(await store.Delivery(webhook.Id, happened, Ct)));
    }

    [Fact]
    public async Task Failures_follow_the_published_schedule_and_the_tenth_is_the_last()
    {
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
            Assert.Equal(clock.GetUtcNow() + wait * 1.05, delivery.Due);
            clock.Advance(wait * 1.05 - TimeSpan.FromMilliseconds(1));
            Assert.Empty(await deliveries.Waiting(Guid.Empty, 10, Ct));
            clock.Advance(TimeSpan.FromMilliseconds(1));
        }
        Assert.Equal(TryOutcome.Failed, await deliveries.Record(await TakeOne(webhook.Id), fails, 0.5, Ct));
        Assert.Equal(("failed", 10), Short(await store.Delivery(webhook.Id, happened, Ct)));
        Assert.True((await new WebhookStore(store.Db, store.Vault).Find(tenant, webhook.Id, Ct))!.Enabled);
    }

    [Fact]
    public async Task Gone_disables_the_webhook_and_what_is_queued_waits_until_it_is_enabled()
    {
        var tenant = await store.Tenant(Ct);
        var webhook = await store.Webhook(tenant, "https://a.example", Ct);
        var first = await store.Happen(tenant, Ct);
        clock.Advance(TimeSpan.FromMilliseconds(1)); // what is due in one millisecond has no order
        var second = await store.Happen(tenant, Ct);
        clock.Advance(TimeSpan.FromMilliseconds(1));
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

    [Fact]
    public async Task A_rotated_secret_signs_beside_its_successor_for_a_day()
    {
        var tenant = await store.Tenant(Ct);
        var webhook = await store.Webhook(tenant, "https://a.example", Ct);
        await store.Happen(tenant, Ct);
        var rotated = await new WebhookStore(store.Db, store.Vault).Rotate(tenant, webhook.Id, Ct);
        Assert.NotEqual(webhook.Secret, rotated!.Secret);
        Assert.Equal(clock.GetUtcNow().AddHours(24), rotated.PreviousSecretUntil);

        var parcel = await deliveries.Open(await TakeOne(webhook.Id), Ct);
        Assert.Equal([rotated.Secret, webhook.Secret], parcel!.Secrets.Select(secret => Signature.Show(secret)));
        clock.Advance(TimeSpan.FromHours(24));
        parcel = await deliveries.Open(await TakeOne(webhook.Id), Ct);
        Assert.Equal([rotated.Secret], parcel!.Secrets.Select(secret => Signature.Show(secret)));
    }

    [Fact]
    public async Task The_store_holds_no_secret_and_a_secret_moved_to_another_webhook_does_not_open()
    {
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

    [Fact]
    public void An_oversized_event_loses_its_metadata_then_its_tags_then_most_of_the_reply()
    {
        var big = new Dictionary<string, string> { ["order"] = new('x', 20_000) };
        var data = new EventData { Recipient = "ann@example.net", Tags = ["shipping"], Metadata = big };
        Assert.Equal("shipping,", Kept(data));
        Assert.Equal(",", Kept(data with { Tags = [new string('y', 20_000)] }));
        Assert.Equal(",", Kept(data with { Tags = [new string('y', 20_000)], Reply = new EventReply(550, null, new string('é', 20_000), null) }));
        Assert.Equal("shipping,order", Kept(data with { Metadata = new Dictionary<string, string> { ["order"] = "1001" } }));
    }

    private static string Kept(EventData data)
    {
        var body = Payload.Write(new Event(PrefixedId.New<EventId>(), EventType.MessageBounced, DateTimeOffset.UnixEpoch, PrefixedId.New<TenantId>(), data));
        Assert.True(body.Length < Payload.BytesMax, Encoding.UTF8.GetString(body));
        var kept = JsonSerializer.Deserialize(body, EventJson.Default.Event)!.Data;
        Assert.Equal("ann@example.net", kept.Recipient);
        return string.Join(' ', kept.Tags ?? []) + "," + string.Join(' ', kept.Metadata?.Keys ?? []);
    }

    private async Task<Claim> TakeOne(WebhookId webhook)
    {
        clock.Advance(Lease);
        return Assert.Single(await deliveries.Take([(webhook.Value, 1)], Lease, Ct));
    }

    private static (string, int) Short((string State, int Tries, int? Status, string? Error, DateTimeOffset Due) delivery) => (delivery.State, delivery.Tries);
}
