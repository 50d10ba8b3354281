using System.Data.Common;
using MailApi.Storage;

namespace MailApi.Reports;

/// <summary>Removes reports that are past their time, a few at once, so that no removal holds the store for long.</summary>
internal sealed partial class ReportRetention(Db db, TimeProvider time, ILogger<ReportRetention> log) : BackgroundService
{
    /// <summary>From the receipt of a report, whatever days it is about: a year back can be compared with, and the weeks around it.</summary>
    public static readonly TimeSpan Age = TimeSpan.FromDays(400);

    private static readonly TimeSpan Between = TimeSpan.FromHours(1);

    /// <summary>With up to <see cref="ReportIntake.RowsPerReportMax"/> rows each.</summary>
    private const int ReportsPerBatch = 10;

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

    /// <summary>Until nothing is left that is too old; the rows of a report go with it.</summary>
    internal async Task Remove(CancellationToken ct)
    {
        while (await db.Execute("delete from reports where id in (select id from reports where received_at < now_ms() - @age order by received_at limit @reports)", ct,
            ("age", (long)Age.TotalMilliseconds), ("reports", ReportsPerBatch)) > 0) { }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, old reports wait to be removed: {Error}")]
    private partial void LogStoreAway(string error);
}
