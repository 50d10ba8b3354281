using System.Data.Common;
using MailApi.Api;
using MailApi.Events;
using MailApi.Storage;

namespace MailApi.Webhooks;

/// <summary>A tenant's webhooks. Secrets are sealed before they reach the database and shown once.</summary>
internal sealed class WebhookStore(Db db, Vault vault)
{
    private const string Columns =
        "id, url, events, enabled, disabled_reason, created_at, case when previous_secret_until > now_ms() then previous_secret_until end";

    /// <summary>Null when the tenant has <see cref="WebhookOptions.PerTenantMax"/>; two requests at the same instant may exceed it by one.</summary>
    public async Task<WebhookView?> Create(TenantId tenant, string url, IReadOnlyList<string> events, CancellationToken ct)
    {
        const string sql = $"""
            insert into webhooks (id, tenant_id, url, events, enabled, secret, created_at)
            select @id, @tenant, @url, @events, true, @secret, now_ms()
            where (select count(*) from webhooks where tenant_id = @tenant) < @max
            returning {Columns}
            """;
        var id = PrefixedId.New<WebhookId>();
        Act.Concerns(tenant, id.ToString());
        var secret = Signature.NewSecret();
        var rows = await db.WriteAs(tenant, transaction => transaction.Query(sql, Read, ct,
            ("id", id.Value), ("tenant", tenant.Value), ("url", url), ("events", JsonText.From(events)),
            ("secret", vault.Seal(secret, "webhooks", id.Value, "secret")), ("max", WebhookOptions.PerTenantMax)), ct);
        return rows.SingleOrDefault() is { } webhook ? webhook with { Secret = Signature.Show(secret) } : null;
    }

    public Task<List<WebhookView>> List(TenantId tenant, CancellationToken ct) =>
        db.QueryAs(tenant, $"select {Columns} from webhooks where tenant_id = @tenant order by id", Read, ct, ("tenant", tenant.Value));

    public async Task<WebhookView?> Find(TenantId tenant, WebhookId id, CancellationToken ct)
    {
        const string sql = $"select {Columns} from webhooks where tenant_id = @tenant and id = @id";
        var rows = await db.QueryAs(tenant, sql, Read, ct, ("tenant", tenant.Value), ("id", id.Value));
        return rows.SingleOrDefault();
    }

    /// <summary>Changes what is not null. Enabling forgets why it was disabled.</summary>
    public async Task<WebhookView?> Change(TenantId tenant, WebhookId id, string? url, IReadOnlyList<string>? events, bool? enabled, CancellationToken ct)
    {
        const string sql = $"""
            update webhooks set
                url = coalesce(cast(@url as text), url),
                events = coalesce(cast(@events as text), events),
                enabled = coalesce(cast(@enabled as boolean), enabled),
                disabled_reason = case when coalesce(cast(@enabled as boolean), false) then null else disabled_reason end
            where tenant_id = @tenant and id = @id
            returning {Columns}
            """;
        var rows = await db.WriteAs(tenant, transaction => transaction.Query(sql, Read, ct,
            ("tenant", tenant.Value), ("id", id.Value), ("url", url), ("events", events is null ? null : JsonText.From(events)), ("enabled", enabled)), ct);
        return rows.SingleOrDefault();
    }

    /// <summary>Its deliveries go with it.</summary>
    public async Task<bool> Delete(TenantId tenant, WebhookId id, CancellationToken ct) =>
        await db.ExecuteAs(tenant, "delete from webhooks where tenant_id = @tenant and id = @id", ct, ("tenant", tenant.Value), ("id", id.Value)) == 1;

    /// <summary>
    /// A new secret; the present one goes on signing beside it for <see cref="WebhookOptions.RotationOverlap"/>, the one before it no more.
    /// </summary>
    public Task<WebhookView?> Rotate(TenantId tenant, WebhookId id, CancellationToken ct)
    {
        // Fenced by the sealed present secret: of two rotations at once, one finds it changed and touches nothing.
        const string sql = $"""
            update webhooks set secret = @secret, previous_secret = @previous, previous_secret_until = now_ms() + @overlap
            where tenant_id = @tenant and id = @id and secret = @present
            returning {Columns}
            """;
        return db.WriteAs(tenant, async transaction =>
        {
            var present = await transaction.Query("select secret from webhooks where tenant_id = @tenant and id = @id", row => row.Bytes(0), ct,
                ("tenant", tenant.Value), ("id", id.Value));
            if (present.Count == 0) return null;

            var previous = vault.Open(present[0], "webhooks", id.Value, "secret");
            var secret = Signature.NewSecret();
            var rows = await transaction.Query(sql, Read, ct,
                ("tenant", tenant.Value), ("id", id.Value), ("present", present[0]),
                ("secret", vault.Seal(secret, "webhooks", id.Value, "secret")),
                ("previous", vault.Seal(previous, "webhooks", id.Value, "previous_secret")),
                ("overlap", (long)WebhookOptions.RotationOverlap.TotalMilliseconds));
            return rows.SingleOrDefault() is { } webhook ? webhook with { Secret = Signature.Show(secret) } : null;
        }, ct);
    }

    /// <summary>Appends a <c>webhook.test</c> event that goes to this webhook alone. Null when there is none, or it is disabled.</summary>
    public async Task<EventId?> Test(Caller caller, WebhookId id, CancellationToken ct)
    {
        const string sql = """
            insert into webhook_deliveries (webhook_id, event_id, tenant_id, state, due_at, created_at, updated_at)
            select id, @event, tenant_id, 'pending', now_ms(), now_ms(), now_ms() from webhooks where tenant_id = @tenant and id = @id and enabled
            """;
        var data = new EventData { Reason = "Asked for with POST /webhooks/{id}/test.", Test = caller.IsTest ? true : null };
        var (happened, insert) = EventLog.AppendAlone(caller.Tenant, EventType.WebhookTest, data);
        return await db.WriteAs<EventId?>(caller.Tenant, async transaction =>
        {
            if (await transaction.Execute(sql, ct, ("event", happened.Value), ("tenant", caller.Tenant.Value), ("id", id.Value)) == 0) return null;
            await transaction.Run([insert], null, ct);
            return happened;
        }, ct);
    }

    private static WebhookView Read(DbDataReader row) => new()
    {
        Id = new WebhookId(row.GetGuid(0)),
        Url = row.GetString(1),
        Events = row.Texts(2),
        Enabled = row.GetBoolean(3),
        DisabledReason = row.TextOrNull(4),
        CreatedAt = row.Instant(5),
        PreviousSecretUntil = row.InstantOrNull(6),
    };
}
