using System.Data.Common;
using System.Text.Json;
using MailApi.Storage;

namespace MailApi.Statistics;

/// <summary>Keeps the statistics up with the event log, and no longer than <see cref="Kept"/>. It may run in several processes.</summary>
internal sealed partial class EventCounter(EventTally tally, Db db, TimeProvider time, ILogger<EventCounter> log) : BackgroundService
{
    /// <summary>Between looks at the log: an event is in the statistics within two seconds.</summary>
    public static readonly TimeSpan Between = TimeSpan.FromSeconds(1);

    /// <summary>A year, and a month to compare it with.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(400);

    private static readonly TimeSpan BetweenRemovals = TimeSpan.FromHours(1);
    private const int RowsPerBatch = 500;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Between, time);
        var removed = time.GetTimestamp();
        try
        {
            do
            {
                try
                {
                    while (await tally.Round(stoppingToken)) { }
                    if (time.GetElapsedTime(removed) < BetweenRemovals) continue;
                    await Remove(stoppingToken);
                    removed = time.GetTimestamp();
                }
                catch (DbException e)
                {
                    LogStoreAway(e.Message);
                }
                catch (Exception e) when (e is JsonException or KeyNotFoundException)
                {
                    // Of a newer version, which counts it itself.
                    LogUnknown(e);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The log keeps what is not counted yet.
        }
    }

    internal async Task Remove(CancellationToken ct)
    {
        while (await db.Execute(
            """
            delete from statistics where (tenant_id, day, test, domain, category, site, kind, class) in
                (select tenant_id, day, test, domain, category, site, kind, class from statistics where day < (now_ms() - @age) / 86400000 order by day limit @rows)
            """, ct, ("age", (long)Kept.TotalMilliseconds), ("rows", RowsPerBatch)) > 0) { }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The event log holds what this version does not know, statistics wait")]
    private partial void LogUnknown(Exception e);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, statistics wait: {Error}")]
    private partial void LogStoreAway(string error);
}
