using System.Net;
using MailApi.Api;
using MailApi.Events;
using MailApi.Webhooks;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MailApi.Tests.Webhooks;

public sealed class WebhookPumpTests : IAsyncDisposable
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private readonly FakeTimeProvider clock = new(TimeProvider.System.GetUtcNow());
    private readonly WebhookOptions options = new() { AllowPrivateNetworks = true };
    private readonly WebhookSignal signal = new();
    private readonly WebhooksUnderTest store;
    private readonly WebhookClient client;
    private readonly WebhookPump pump;

    public WebhookPumpTests()
    {
        store = WebhooksUnderTest.InSqlite(clock);
        var guard = new EgressGuard((_, _) => Task.FromResult<IReadOnlyList<IPAddress>>([IPAddress.Loopback]), options);
        client = new WebhookClient(guard, options, clock);
        pump = new WebhookPump(new Deliveries(store.Db, store.Vault), client, signal, options, clock, NullLogger<WebhookPump>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await pump.StopAsync(CancellationToken.None);
        pump.Dispose();
        client.Dispose();
        store.Dispose();
    }

    [Fact]
    public async Task An_event_reaches_the_webhook_signed_as_soon_as_the_signal_rings()
    {
        await using var endpoint = Endpoint.Answering(200);
        var tenant = await store.Tenant(Ct);
        var webhook = await store.Webhook(tenant, endpoint.Url, Ct);
        await pump.StartAsync(Ct);
        var happened = await Happen(tenant);

        var request = await endpoint.Next(Ct);
        Assert.Equal(happened.ToString(), request.Headers["webhook-id"]);
        Assert.True(request.Verifies(webhook.Secret!, clock.GetUtcNow()));
        var body = System.Text.Json.JsonSerializer.Deserialize(request.Body, EventJson.Default.Event)!;
        Assert.Equal((happened, EventType.MessageDelivered, tenant, "ann@example.net"), (body.Id, body.Type, body.Tenant, body.Data.Recipient));
        await Until(webhook, happened, "delivered", 1);
    }

    [Fact]
    public async Task Without_a_ring_the_clock_finds_what_is_due()
    {
        await using var endpoint = Endpoint.Answering(200);
        var tenant = await store.Tenant(Ct);
        var webhook = await store.Webhook(tenant, endpoint.Url, Ct);
        var happened = await store.Happen(tenant, Ct);
        await pump.StartAsync(Ct);
        clock.Advance(options.PollInterval);
        await Until(webhook, happened, "delivered", 1);
    }

    [Fact]
    public async Task A_failed_delivery_comes_again_under_the_same_id_with_a_fresh_timestamp()
    {
        await using var endpoint = Endpoint.Answering(500, 200);
        var tenant = await store.Tenant(Ct);
        var webhook = await store.Webhook(tenant, endpoint.Url, Ct);
        await pump.StartAsync(Ct);
        var happened = await Happen(tenant);
        var first = await endpoint.Next(Ct);
        await Until(webhook, happened, "pending", 1);
        Assert.Equal(0, endpoint.Waiting);

        clock.Advance(TimeSpan.FromSeconds(6));
        // The lane begins its pause, by this clock too, when the failure is recorded already; should that be only now, time has to go on.
        var asked = 0;
        await Wait.Until(() =>
        {
            if (++asked % 100 == 0) clock.Advance(options.PollInterval);
            return Task.FromResult(endpoint.Waiting > 0);
        }, Ct);
        var second = await endpoint.Next(Ct);
        await Until(webhook, happened, "delivered", 2);
        Assert.Equal(first.Headers["webhook-id"], second.Headers["webhook-id"]);
        Assert.NotEqual(first.Headers["webhook-timestamp"], second.Headers["webhook-timestamp"]);
        Assert.True(second.Verifies(webhook.Secret!, clock.GetUtcNow()));
    }

    [Fact]
    public async Task An_endpoint_that_hangs_holds_its_own_lane_only()
    {
        await using var hanging = new Endpoint((_, _, ct) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct));
        await using var healthy = Endpoint.Answering(200);
        var (slow, quick) = (await store.Tenant(Ct), await store.Tenant(Ct));
        var stuck = await store.Webhook(slow, hanging.Url, Ct);
        var webhook = await store.Webhook(quick, healthy.Url, Ct);
        var first = await store.Happen(slow, Ct);
        for (var more = 0; more < 50; more++) await store.Happen(slow, Ct);
        await pump.StartAsync(Ct);
        for (var held = 0; held < options.PerWebhookConcurrency; held++) await hanging.Next(Ct);

        for (var more = 0; more < 20; more++) await Until(webhook, await Happen(quick), "delivered", 1);
        Assert.Equal(0, hanging.Waiting);
        clock.Advance(options.Timeout);
        await Until(stuck, first, "pending", 1);
        Assert.Equal("The endpoint did not answer within 15 s.", (await store.Delivery(stuck.Id, first, Ct)).Error);
    }

    [Fact]
    public async Task A_burst_over_many_webhooks_is_delivered_whole_and_once()
    {
        await using var endpoint = Endpoint.Answering(200);
        var tenant = await store.Tenant(Ct);
        for (var webhook = 0; webhook < WebhookOptions.PerTenantMax; webhook++) await store.Webhook(tenant, endpoint.Url, Ct);
        for (var happened = 0; happened < 10; happened++) await store.Happen(tenant, Ct);
        await pump.StartAsync(Ct);
        signal.Signal();
        await Wait.Until(async () => (await store.Db.Query("select count(*) from webhook_deliveries where state = 'delivered'", row => row.GetInt32(0), Ct))[0] == 200, Ct);
        Assert.Equal(200, endpoint.Waiting);
    }

    [Fact]
    public async Task A_row_that_cannot_be_prepared_ages_like_a_failure_and_stops_no_other()
    {
        await using var endpoint = Endpoint.Answering(200);
        var tenant = await store.Tenant(Ct);
        var broken = await store.Webhook(tenant, endpoint.Url, Ct);
        var webhook = await store.Webhook(tenant, endpoint.Url, Ct);
        await store.Db.Execute("update webhooks set secret = @rubbish where id = @id", Ct, ("rubbish", new byte[64]), ("id", broken.Id.Value));
        await pump.StartAsync(Ct);
        var happened = await Happen(tenant);
        await Until(broken, happened, "pending", 1);
        await Until(webhook, happened, "delivered", 1);
    }

    [Fact]
    public async Task On_shutdown_the_pump_ends_what_it_began()
    {
        var release = new TaskCompletionSource();
        await using var endpoint = new Endpoint(async (_, stream, ct) =>
        {
            await release.Task;
            await Endpoint.Send(stream, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ct);
        });
        var tenant = await store.Tenant(Ct);
        var webhook = await store.Webhook(tenant, endpoint.Url, Ct);
        await pump.StartAsync(Ct);
        var happened = await Happen(tenant);
        await endpoint.Next(Ct);

        var stopping = pump.StopAsync(CancellationToken.None);
        Assert.False(stopping.IsCompleted);
        release.SetResult();
        await stopping;
        Assert.Equal("delivered", (await store.Delivery(webhook.Id, happened, Ct)).State);
    }

    private async Task<EventId> Happen(TenantId tenant)
    {
        var happened = await store.Happen(tenant, Ct);
        signal.Signal();
        return happened;
    }

    private Task Until(WebhookView webhook, EventId happened, string state, int tries) => Wait.Until(async () =>
    {
        var delivery = await store.Delivery(webhook.Id, happened, Ct);
        return (delivery.State, delivery.Tries) == (state, tries);
    }, Ct);
}
