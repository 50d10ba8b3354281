using System.Data.Common;
using MailApi.Storage;

namespace MailApi.Suppressions;

/// <summary>Removes entries whose time is over and refusals that no longer count, in small batches, so that no removal holds the store for long.</summary>
internal sealed partial class LapsedEntries(Db db, TimeProvider time, ILogger<LapsedEntries> log) : BackgroundService
{
    /// <summary>In one transaction.</summary>
    public const int RowsMax = 500;

    private static readonly TimeSpan Between = TimeSpan.FromMinutes(10);

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

    /// <summary>Until there are none; several processes may do it at once.</summary>
    internal async Task Remove(CancellationToken ct)
    {
        while (await db.Execute("delete from suppressions where expires_at <= now_ms() and id in (select id from suppressions where expires_at <= now_ms() limit @rows)", ct, ("rows", RowsMax)) > 0) { }
        while (await db.Execute(
            """
            delete from soft_bounces where (tenant_id, address, envelope_id) in
                (select tenant_id, address, envelope_id from soft_bounces where at < now_ms() - @age order by at limit @rows)
            """, ct, ("age", (long)Bounces.SoftWithin.TotalMilliseconds), ("rows", RowsMax)) > 0) { }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, lapsed suppressions wait: {Error}")]
    private partial void LogStoreAway(string error);
}
