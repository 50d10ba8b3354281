using System.Data.Common;
using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>Removes what is past its time, in small batches, so that no removal holds the store for long.</summary>
internal sealed partial class Retention(Db db, TimeProvider time, ILogger<Retention> log) : BackgroundService
{
    /// <summary>The octets of messages, after the end of their lifetime.</summary>
    public static readonly TimeSpan Content = TimeSpan.FromDays(30);

    /// <summary>Messages and envelopes: an unsubscribe link must work for 60 days, and it names its envelope.</summary>
    public static readonly TimeSpan Messages = TimeSpan.FromDays(90);
    public static readonly TimeSpan Events = TimeSpan.FromDays(90);
    public static readonly TimeSpan IdempotencyKeys = TimeSpan.FromDays(7);
    public static readonly TimeSpan WebhookDeliveries = TimeSpan.FromDays(30);

    public static readonly TimeSpan TlsResults = TimeSpan.FromDays(30);

    /// <summary>Of policies that no longer hold.</summary>
    public static readonly TimeSpan StsPolicies = TimeSpan.FromDays(1);

    private static readonly TimeSpan Between = TimeSpan.FromMinutes(10);
    private const int RowsPerBatch = 500;

    /// <summary>Looked at together; each may have a thousand envelopes.</summary>
    private const int MessagesPerBatch = 100;

    // Each finds what is old in an index, so that a pass costs what it removes and not what is there. Positions and the ids of events rise with time.
    private static readonly (string Sql, TimeSpan Age)[] Removals =
    [
        ("delete from idempotency where (tenant_id, key) in (select tenant_id, key from idempotency where created_at < now_ms() - @age limit @rows)", IdempotencyKeys),
        ("""
            delete from webhook_deliveries where (webhook_id, event_id) in (
                select d.webhook_id, d.event_id from webhooks w cross join webhook_deliveries d
                where d.webhook_id = w.id and d.event_id < @until and d.state <> 'pending' and d.created_at < now_ms() - @age limit @rows)
            """, WebhookDeliveries),
        ("delete from events where position in (select position from (select position, at from events order by position limit @rows) oldest where at < now_ms() - @age)", Events),
        ("delete from tls_results where (day, domain, policy_type, result_type, mx) in (select day, domain, policy_type, result_type, mx from tls_results where day < (now_ms() - @age) / 86400000 limit @rows)", TlsResults),
        ("delete from sts_policies where domain in (select domain from sts_policies where expires_at < now_ms() - @age limit @rows)", StsPolicies),
    ];

    /// <summary>By the store's clock: the messages whose lifetime ended before are empty.</summary>
    private long emptiedUntil;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Between, time);
        try
        {
            do
            {
                try
                {
                    await Remove(stoppingToken);
                }
                catch (DbException e)
                {
                    LogStoreAway(e.Message);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The next start goes on where this one ended.
        }
    }

    /// <summary>Until nothing is left that is too old.</summary>
    internal async Task Remove(CancellationToken ct)
    {
        foreach (var (sql, age) in Removals)
            while (await db.Execute(sql, ct, ("age", (long)age.TotalMilliseconds), ("rows", RowsPerBatch), ("until", PrefixedId.FirstAt(time.GetUtcNow(), -age))) > 0) { }
        await EmptyMessages(ct);
        await RemoveMessages(ct);
    }

    private async Task EmptyMessages(CancellationToken ct)
    {
        while (true)
        {
            var ended = await db.Query(
                "select id, expires_at from messages where expires_at >= @from and expires_at < now_ms() - @age and content <> @nothing order by expires_at, id limit @rows",
                row => (Id: row.GetGuid(0), ExpiresAt: row.GetInt64(1)), ct,
                ("from", emptiedUntil), ("age", (long)Content.TotalMilliseconds), ("nothing", Array.Empty<byte>()), ("rows", RowsPerBatch));
            if (ended.Count == 0) return;
            await Write([.. ended.Select(message => new Statement("update messages set content = @nothing where id = @id", ("nothing", Array.Empty<byte>()), ("id", message.Id)))], ct);
            emptiedUntil = ended[^1].ExpiresAt;
        }
    }

    /// <summary>What the operator holds back until after its time is still to end, and stays as long.</summary>
    private async Task RemoveMessages(CancellationToken ct)
    {
        while (true)
        {
            var ended = await db.Query(
                """
                select id, tenant_id, tags, (select count(*) from envelopes where message_id = messages.id)
                from messages
                where expires_at < now_ms() - @age and not exists (select 1 from envelopes where message_id = messages.id and state in ('queued', 'rung', 'sending', 'deferred'))
                order by expires_at, id limit @rows
                """,
                row => (Id: row.GetGuid(0), Tenant: row.GetGuid(1), Tags: row.Texts(2), Envelopes: row.GetInt32(3)), ct, ("age", (long)Messages.TotalMilliseconds), ("rows", MessagesPerBatch));
            if (ended.Count == 0) return;
            var rows = 0;
            var batch = ended.TakeWhile((message, index) => (rows += message.Envelopes) <= RowsPerBatch || index == 0);
            await Write([.. batch.SelectMany(message => Removal(message.Id, message.Tenant, message.Tags))], ct);
        }
    }

    private static IEnumerable<Statement> Removal(Guid id, Guid tenant, IReadOnlyList<string> tags) =>
    [
        .. tags.Distinct(StringComparer.Ordinal).Select(tag => new Statement(
            "delete from message_tags where tenant_id = @tenant and tag = @tag and message_id = @id", ("tenant", tenant), ("tag", tag), ("id", id))),
        new Statement("delete from envelopes where message_id = @id", ("id", id)),
        new Statement("delete from messages where id = @id", ("id", id)),
    ];

    private Task<bool> Write(IReadOnlyList<Statement> statements, CancellationToken ct) => db.Write(async transaction =>
    {
        await transaction.Run(statements, onRow: null, ct);
        return true;
    }, ct);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, retention waits: {Error}")]
    private partial void LogStoreAway(string error);
}
