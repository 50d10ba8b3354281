using System.Data.Common;
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

    private static readonly (string Sql, TimeSpan Age)[] Removals =
    [
        ("update messages set content = @nothing where id in (select id from messages where expires_at < now_ms() - @age and content <> @nothing order by id limit @rows)", Content),
        ("delete from idempotency where (tenant_id, key) in (select tenant_id, key from idempotency where created_at < now_ms() - @age limit @rows)", IdempotencyKeys),
        ("delete from webhook_deliveries where (webhook_id, event_id) in (select webhook_id, event_id from webhook_deliveries where state <> 'pending' and created_at < now_ms() - @age limit @rows)", WebhookDeliveries),
        ("delete from events where position in (select position from events where at < now_ms() - @age order by position limit @rows)", Events),
        ("delete from tls_results where (day, domain, policy_type, result_type, mx) in (select day, domain, policy_type, result_type, mx from tls_results where day < (now_ms() - @age) / 86400000 limit @rows)", TlsResults),
        ("delete from sts_policies where domain in (select domain from sts_policies where expires_at < now_ms() - @age limit @rows)", StsPolicies),
    ];

    private static readonly string[] MessageRemovals =
    [
        "delete from message_tags where message_id in (select id from messages where expires_at < now_ms() - @age order by id limit @rows)",
        "delete from envelopes where message_id in (select id from messages where expires_at < now_ms() - @age order by id limit @rows)",
        "delete from messages where id in (select id from messages where expires_at < now_ms() - @age order by id limit @rows)",
    ];

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
        foreach (var (sql, age) in Removals) await Remove([sql], age, ct);
        await Remove(MessageRemovals, Messages, ct);
    }

    /// <summary>Runs the statements, each batch in one transaction, until the last of them finds nothing.</summary>
    private async Task Remove(string[] statements, TimeSpan age, CancellationToken ct)
    {
        int removed;
        do
        {
            removed = await db.Write(async transaction =>
            {
                var last = 0;
                foreach (var sql in statements) last = await transaction.Execute(sql, ct, ("age", (long)age.TotalMilliseconds), ("rows", RowsPerBatch), ("nothing", Array.Empty<byte>()));
                return last;
            }, ct);
        }
        while (removed > 0);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, retention waits: {Error}")]
    private partial void LogStoreAway(string error);
}
