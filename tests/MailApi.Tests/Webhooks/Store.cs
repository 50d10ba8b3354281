using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using MailApi.Api;
using MailApi.Events;
using MailApi.Storage;
using MailApi.Webhooks;
using Microsoft.Data.Sqlite;
using Xunit;

namespace MailApi.Tests.Webhooks;

/// <summary>A SQLite store in a file of its own, whose <c>now_ms()</c> is the test's clock.</summary>
internal sealed class Store : IDisposable
{
    private readonly Source source;

    public Store(TimeProvider clock)
    {
        source = new Source(clock);
        Db = new Db(source, SqlDialect.Sqlite);
        using var schema = typeof(Db).Assembly.GetManifestResourceStream("MailApi.Storage.Migrations.001-schema.sql")!;
        using var reader = new StreamReader(schema);
        using var connection = source.OpenConnection();
        using var command = connection.CreateCommand();
        command.CommandText = "pragma journal_mode = wal;" + Schema(reader.ReadToEnd());
        command.ExecuteNonQuery();
    }

    public Db Db { get; }

    public Vault Vault { get; } = new(new byte[Vault.KeyBytes]);

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
        Db.Dispose();
        source.Dispose();
    }

    private static string Schema(string text) => text
        .Replace("$identity$", "integer primary key autoincrement", StringComparison.Ordinal)
        .Replace("$transaction$", "0", StringComparison.Ordinal);

    private sealed class Source(TimeProvider clock) : DbDataSource
    {
        private readonly string file = Path.Combine(Path.GetTempPath(), $"mailapi-webhooks-{Guid.NewGuid():N}.db");

        public override string ConnectionString => $"Data Source={file}";

        protected override DbConnection CreateDbConnection() => new Connection(ConnectionString, clock);

        protected override void Dispose(bool disposing)
        {
            SqliteConnection.ClearAllPools();
            foreach (var suffix in new[] { "", "-wal", "-shm" }) File.Delete(file + suffix);
            base.Dispose(disposing);
        }
    }

    [SuppressMessage("Design", "CA2213", Justification = "The clock is the test's.")]
    private sealed class Connection(string text, TimeProvider clock) : SqliteConnection(text)
    {
        public override void Open()
        {
            base.Open();
            CreateFunction("now_ms", () => clock.GetUtcNow().ToUnixTimeMilliseconds());
            CreateFunction("events_horizon", () => long.MaxValue);
        }
    }
}
