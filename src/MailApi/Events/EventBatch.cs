using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Events;

/// <summary>The events of one transaction, which are queued together for the webhooks that listen to them.</summary>
internal sealed class EventBatch
{
    // A transaction's events follow each other: on SQLite it is the only one that writes, on PostgreSQL they carry its id. Each tenant's few webhooks are looked up by event, hence
    // the order of the join. Not "like": SQLite would plan the statement anew for each pattern.
    private const string InsertDeliveries = """
        insert into webhook_deliveries (webhook_id, event_id, tenant_id, state, due_at, created_at, updated_at)
        select w.id, e.id, e.tenant_id, 'pending', now_ms(), now_ms(), now_ms()
        from events e cross join webhooks w
        where e.transaction_id = (select transaction_id from events where id = @first) and e.position >= (select position from events where id = @first)
          and w.tenant_id = e.tenant_id and w.enabled and (w.events = '["*"]' or replace(w.events, '"' || e.type || '"', '') <> w.events)
        returning webhook_id
        """;

    private EventId? first;

    /// <summary>The statement that appends an event.</summary>
    public Statement Append(TenantId tenant, EventType type, EventData data)
    {
        var (id, insert) = EventLog.AppendAlone(tenant, type, data);
        first ??= id;
        return insert;
    }

    /// <summary>Behind the others: the statement that queues the events, and returns a row for each webhook that is to be told of one.</summary>
    public IEnumerable<Statement> Deliveries() => first is { } id ? [new Statement(InsertDeliveries, ("first", id.Value))] : [];
}
