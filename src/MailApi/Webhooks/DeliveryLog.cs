using MailApi.Api;
using MailApi.Events;
using MailApi.Storage;

namespace MailApi.Webhooks;

/// <summary>What a tenant sees and steers of the deliveries to its webhooks.</summary>
internal sealed class DeliveryLog(Db db)
{
    /// <summary>Deliveries that one order by time may make due; more are refused, so that one request cannot fill the store.</summary>
    public const int ReplayMax = 100_000;

    private const string Reset = """
        update webhook_deliveries set state = 'pending', due_at = now_ms(), tries = 0, attempt = attempt + 1, updated_at = now_ms()
        where webhook_id = @webhook and tenant_id = @tenant and (cast(@state as text) is null or state = @state)
        """;

    // Test events belong to the webhook they were asked for. A webhook that listens has a row already; a deleted one has none.
    private const string Queue = """
        insert into webhook_deliveries (webhook_id, event_id, tenant_id, state, due_at, created_at, updated_at)
        select w.id, e.id, w.tenant_id, 'pending', now_ms(), now_ms(), now_ms()
        from webhooks w join events e on e.tenant_id = w.tenant_id
        where w.id = @webhook and w.tenant_id = @tenant and e.type <> 'webhook.test' and (w.events = '["*"]' or w.events like '%"' || e.type || '"%')
        """;

    private const string InSpan = "tenant_id = @tenant and at >= @from and at < @to and at >= now_ms() - @window";

    /// <summary>Newest event first, before <paramref name="before"/>.</summary>
    public Task<List<DeliveryView>> List(TenantId tenant, WebhookId webhook, DeliveryState? state, EventId before, int limit, CancellationToken ct)
    {
        // Event ids are UUIDs version 7: their order is that of the events, and the primary key serves it.
        const string sql = """
            select d.event_id, e.type, d.state, d.tries, d.last_status, d.last_error, d.due_at, d.created_at
            from webhook_deliveries d join events e on e.id = d.event_id
            where d.webhook_id = @webhook and d.tenant_id = @tenant and d.event_id < @before and (cast(@state as text) is null or d.state = @state)
            order by d.event_id desc limit @limit
            """;
        return db.QueryAs(tenant, sql, row =>
        {
            var now = EnumText.Parse<DeliveryState>(row.GetString(2));
            return new DeliveryView
            {
                Event = new EventId(row.GetGuid(0)),
                Type = row.GetString(1),
                State = now,
                Tries = row.GetInt32(3),
                LastStatus = row.IntOrNull(4),
                LastError = row.TextOrNull(5),
                DueAt = now == DeliveryState.Pending ? row.Instant(6) : null,
                CreatedAt = row.Instant(7),
            };
        }, ct, ("webhook", webhook.Value), ("tenant", tenant.Value), ("before", before.Value), ("state", state?.ToText()), ("limit", limit));
    }

    /// <summary>
    /// Makes deliveries due again from their first try, and queues events that the webhook listens to and never got. Ids that name
    /// nothing, and events older than <see cref="WebhookOptions.ReplayWindow"/>, are passed over.
    /// </summary>
    /// <returns>How many are due, or null when the span holds more than <see cref="ReplayMax"/> events: nothing was done.</returns>
    public Task<int?> Replay(TenantId tenant, WebhookId webhook, ReplayOrder order, CancellationToken ct)
    {
        (string, object?)[] args =
        [
            ("webhook", webhook.Value), ("tenant", tenant.Value), ("state", order.State?.ToText()),
            ("from", (order.From ?? DateTimeOffset.UnixEpoch).ToUnixTimeMilliseconds()),
            ("to", (order.To ?? DateTimeOffset.MaxValue).ToUnixTimeMilliseconds()),
            ("window", (long)WebhookOptions.ReplayWindow.TotalMilliseconds),
        ];
        return order.Events is { } events ? ReplayEvents(tenant, events, order.State is null, args, ct) : ReplaySpan(tenant, order.State is null, args, ct);
    }

    private async Task<int?> ReplayEvents(TenantId tenant, IReadOnlyList<EventId> events, bool queue, (string, object?)[] args, CancellationToken ct)
    {
        const string reset = $"{Reset} and event_id in (select id from events where id = @event and {InSpan}) returning event_id";
        const string insert = $"""
            {Queue} and e.id in (select id from events where id = @event and {InSpan})
            on conflict (webhook_id, event_id) do nothing returning event_id
            """;
        var statements = new List<Statement>();
        foreach (var happened in events.Distinct())
        {
            statements.Add(new Statement(reset, [.. args, ("event", happened.Value)]));
            if (queue) statements.Add(new Statement(insert, [.. args, ("event", happened.Value)]));
        }
        return await db.WriteAs(tenant, async transaction =>
        {
            var count = 0;
            await transaction.Run(statements, (_, _) => count++, ct);
            return count;
        }, ct);
    }

    private async Task<int?> ReplaySpan(TenantId tenant, bool queue, (string, object?)[] args, CancellationToken ct)
    {
        const string count = $"select count(*) from (select 1 from events where {InSpan} limit @max) counted";
        const string reset = $"{Reset} and event_id in (select id from events where {InSpan})";
        const string insert = $"{Queue} and e.id in (select id from events where {InSpan}) on conflict (webhook_id, event_id) do nothing";
        var found = await db.QueryAs(tenant, count, row => row.GetInt64(0), ct, [.. args, ("max", ReplayMax + 1)]);
        if (found[0] > ReplayMax) return null;
        return await db.WriteAs(tenant, async transaction =>
        {
            var touched = await transaction.Execute(reset, ct, args);
            return queue ? touched + await transaction.Execute(insert, ct, args) : touched;
        }, ct);
    }
}
