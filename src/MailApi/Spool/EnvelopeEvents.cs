using System.Data.Common;
using MailApi.Api;
using MailApi.Events;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>The event data of an envelope as it stands, for events that no worker's claim is at hand for.</summary>
internal static class EnvelopeEvents
{
    public const string Select = """
        select e.tenant_id, e.message_id, e.id, e.recipient, e.category, m.domain, e.tries, e.seq, e.duplicate_possible, e.test
        from envelopes e join messages m on m.id = e.message_id
        """;

    /// <summary>The same columns, at the end of an update of <c>envelopes</c>.</summary>
    public const string Returning = """
        returning tenant_id, message_id, id, recipient, category, (select m.domain from messages m where m.id = envelopes.message_id), tries, seq, duplicate_possible, test
        """;

    public static (TenantId Tenant, EventData Data) Read(DbDataReader row) => (new TenantId(row.GetGuid(0)), new EventData
    {
        Message = new MessageId(row.GetGuid(1)),
        Envelope = new EnvelopeId(row.GetGuid(2)),
        Recipient = row.GetString(3),
        Category = EnumText.Parse<Category>(row.GetString(4)),
        Domain = row.GetString(5),
        Attempt = row.GetInt32(6),
        Seq = row.GetInt32(7),
        DuplicatePossible = row.GetBoolean(8) ? true : null,
        Test = row.GetBoolean(9) ? true : null,
    });
}
