using MailApi.Api;
using MailApi.Events;
using MailApi.Hosting;
using MailApi.Storage;
using MailApi.Testing;
using MailApi.Webhooks;
using Xunit;

namespace MailApi.Tests.Webhooks;

/// <summary>A migrated store of either kind, and what tests of webhooks do with it.</summary>
internal sealed class WebhooksUnderTest(Db db) : IDisposable
{
    private TempDirectory? directory;

    public Db Db => db;

    public Vault Vault { get; } = new(new byte[Vault.KeyBytes]);

    /// <summary>In a SQLite file of its own, whose <c>now_ms()</c> is the test's clock.</summary>
    public static WebhooksUnderTest InSqlite(TimeProvider clock)
    {
        var directory = new TempDirectory();
        Store.Migrate(new StoreOptions(), directory.Path);
        return new WebhooksUnderTest(Store.Open(new StoreOptions(), directory.Path, clock)) { directory = directory };
    }

    public async Task<TenantId> Tenant(CancellationToken ct)
    {
        var tenant = PrefixedId.New<TenantId>();
        await Db.Execute("insert into tenants (id, name, ingress_per_second, ingress_burst, created_at) values (@id, 'Shop', 1, 1, now_ms())", ct, ("id", tenant.Value));
        return tenant;
    }

    /// <summary>A webhook with its shown secret.</summary>
    public async Task<WebhookView> Webhook(TenantId tenant, string url, CancellationToken ct, params string[] events) =>
        (await new WebhookStore(Db, Vault).Create(tenant, url, events is [] ? ["*"] : events, ct))!;

    public async Task<EventId> Happen(TenantId tenant, CancellationToken ct, EventType type = EventType.MessageDelivered, EventData? data = null)
    {
        await Db.Write(async transaction =>
        {
            await transaction.Run([.. EventLog.Append(tenant, type, data ?? new EventData { Recipient = "ann@example.net" })], null, ct);
            return 0;
        }, ct);
        var ids = await Db.Query("select id from events order by position desc limit 1", row => row.GetGuid(0), ct);
        return new EventId(ids[0]);
    }

    /// <summary>State, tries, status, error and due time of one delivery.</summary>
    public async Task<(string State, int Tries, int? Status, string? Error, DateTimeOffset Due)> Delivery(WebhookId webhook, EventId happened, CancellationToken ct)
    {
        var rows = await Db.Query(
            "select state, tries, last_status, last_error, due_at from webhook_deliveries where webhook_id = @webhook and event_id = @event",
            row => (row.GetString(0), row.GetInt32(1), row.IntOrNull(2), row.TextOrNull(3), row.Instant(4)), ct, ("webhook", webhook.Value), ("event", happened.Value));
        return Assert.Single(rows);
    }

    public void Dispose()
    {
        // Only what was opened here.
        if (directory is null) return;
        Db.Dispose();
        directory.Dispose();
    }
}
