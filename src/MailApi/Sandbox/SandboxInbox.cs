using System.Data.Common;
using MailApi.Api;
using MailApi.Mail.Dkim;
using MailApi.Mail.Smtp.Listener;
using MailApi.Storage;

namespace MailApi.Sandbox;

/// <summary>A row of the inbox: <paramref name="Octets"/> are the first, or all, of the <paramref name="Size"/> received.</summary>
internal sealed record SandboxRow(
    SandboxMessageId Id, MessageId Message, EnvelopeId Envelope, string MailFrom, string Recipient, DateTimeOffset ReceivedAt, int Size, byte[] Octets);

/// <summary>Where the mail of test keys is kept, newest first.</summary>
internal static class SandboxInbox
{
    /// <summary>Messages kept for a tenant; the oldest make room.</summary>
    public const int MessagesPerTenantMax = 2000;

    private const string Columns = "id, message_id, envelope_id, mail_from, recipient, received_at, length(raw)";

    /// <summary>Keeps a copy for each recipient. False, and nothing is kept, when <paramref name="envelope"/> is none of a test key.</summary>
    public static Task<bool> Keep(Db db, Guid envelope, ReceivedMessage message, CancellationToken ct)
    {
        var raw = message.Content.ToArray();
        return db.Write(async transaction =>
        {
            foreach (var recipient in message.Recipients)
            {
                var tenants = await transaction.Query(
                    """
                    insert into sandbox_messages (id, tenant_id, message_id, envelope_id, mail_from, recipient, received_at, raw)
                    select @id, tenant_id, message_id, id, @from, @recipient, now_ms(), @raw from envelopes where id = @envelope and test = true
                    returning tenant_id
                    """, row => row.GetGuid(0), ct,
                    ("id", PrefixedId.New<SandboxMessageId>().Value), ("envelope", envelope), ("from", $"{message.Sender.MailFrom}"), ("recipient", recipient.ToString()), ("raw", raw));
                if (tenants is not [var tenant]) return false;
                await Trim(transaction, tenant, ct);
            }
            return true;
        }, ct);
    }

    /// <summary>The newest before <paramref name="before"/>, each with as many octets as a summary needs (SQLite's <c>substr</c> makes null of none).</summary>
    public static Task<List<SandboxRow>> List(Db db, TenantId tenant, SandboxMessageId before, MessageId? message, string? recipient, int limit, CancellationToken ct) => db.QueryAs(
        tenant,
        $"""
        select {Columns}, coalesce(substr(raw, 1, @octets), raw) from sandbox_messages
        where tenant_id = @tenant and id < @before
          and (cast(@message as uuid) is null or message_id = @message) and (cast(@recipient as text) is null or lower(recipient) = @recipient)
        order by id desc limit @limit
        """, Read, ct,
        ("tenant", tenant.Value), ("before", before.Value), ("message", message?.Value), ("recipient", recipient?.ToLowerInvariant()), ("octets", SandboxReader.SummaryBytes), ("limit", limit));

    /// <summary>In octets; null where there is no such message.</summary>
    public static async Task<int?> SizeOf(Db db, TenantId tenant, SandboxMessageId id, CancellationToken ct) =>
        await db.QueryAs(tenant, "select length(raw) from sandbox_messages where tenant_id = @tenant and id = @id", row => row.GetInt32(0), ct, ("tenant", tenant.Value), ("id", id.Value)) is [var size] ? size : null;

    public static async Task<SandboxRow?> Find(Db db, TenantId tenant, SandboxMessageId id, CancellationToken ct) => (await db.QueryAs(
        tenant, $"select {Columns}, raw from sandbox_messages where tenant_id = @tenant and id = @id", Read, ct,
        ("tenant", tenant.Value), ("id", id.Value))).SingleOrDefault();

    /// <summary>What DNS answers for a selector once the tenant has published its records; null where it has no such domain or selector.</summary>
    public static async Task<string?> KeyRecord(Db db, TenantId tenant, string selector, string domain, CancellationToken ct) => (await db.QueryAs(
        tenant,
        """
        select k.public_key from dkim_keys k join domains d on d.id = k.domain_id
        where d.tenant_id = @tenant and d.name = @domain and k.selector = @selector
        """, row => SigningKey.Record(row.Bytes(0)), ct,
        ("tenant", tenant.Value), ("domain", domain), ("selector", selector))).SingleOrDefault();

    private static Task<int> Trim(DbTransaction transaction, Guid tenant, CancellationToken ct) => transaction.Execute(
        """
        delete from sandbox_messages where tenant_id = @tenant and id < (
            select id from sandbox_messages where tenant_id = @tenant order by id desc limit 1 offset @kept)
        """, ct, ("tenant", tenant), ("kept", MessagesPerTenantMax - 1));

    private static SandboxRow Read(DbDataReader row) => new(
        new SandboxMessageId(row.GetGuid(0)), new MessageId(row.GetGuid(1)), new EnvelopeId(row.GetGuid(2)), row.GetString(3), row.GetString(4), row.Instant(5), row.GetInt32(6), row.Bytes(7));
}
