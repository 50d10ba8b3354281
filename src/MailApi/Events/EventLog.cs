using System.Data.Common;
using System.Text.Json;
using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Events;

/// <summary>Told after events were committed, so that webhooks need not wait for the next poll.</summary>
public delegate void EventsAppended();

/// <summary>Appends to the tenant's log. An event and its webhook deliveries are rows of the transaction that made it happen.</summary>
public static class EventLog
{
    private const string InsertEvent = """
        insert into events (id, tenant_id, message_id, envelope_id, seq, type, at, data)
        values (@id, @tenant, @message, @envelope, @seq, @type, now_ms(), @data)
        """;

    /// <summary>The columns that <see cref="Read"/> expects, of <c>events e</c> left joined with <c>messages m</c>.</summary>
    public const string Columns = "e.id, e.type, e.at, e.tenant_id, e.data, m.tags, m.metadata";

    /// <summary>The statements that append one event and queue it for every enabled webhook that listens to its type.</summary>
    public static IEnumerable<Statement> Append(TenantId tenant, EventType type, EventData data)
    {
        var alone = new EventBatch();
        return [alone.Append(tenant, type, data), .. alone.Deliveries()];
    }

    /// <summary>The statement that appends one event and queues it for no webhook.</summary>
    public static (EventId Id, Statement Insert) AppendAlone(TenantId tenant, EventType type, EventData data)
    {
        var id = PrefixedId.New<EventId>();
        return (id, new Statement(InsertEvent,
            ("id", id.Value), ("tenant", tenant.Value), ("message", data.Message?.Value), ("envelope", data.Envelope?.Value),
            ("seq", data.Seq ?? 0), ("type", type.Name()), ("data", JsonSerializer.Serialize(data, EventJson.Default.EventData))));
    }

    /// <summary>Reads a row of <see cref="Columns"/>.</summary>
    public static Event Read(DbDataReader row)
    {
        var data = JsonSerializer.Deserialize(row.GetString(4), EventJson.Default.EventData)!;
        if (!row.IsDBNull(5)) data = data with { Tags = JsonText.List(row.GetString(5)), Metadata = JsonText.Map(row.GetString(6)) };
        return new Event(new EventId(row.GetGuid(0)), EventTypes.Parse(row.GetString(1)), row.Instant(2), new TenantId(row.GetGuid(3)), data);
    }
}
