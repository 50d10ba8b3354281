using System.Data.Common;
using MailApi.Storage;

namespace MailApi.Delivery.Egress;

/// <summary>Writes what each address sends, and learns what other nodes have sent from the same.</summary>
internal sealed partial class SentWriter(SentToday sent, EgressPools pools, Db db, TimeProvider time, ILogger<SentWriter> log) : BackgroundService
{
    public static readonly TimeSpan Between = TimeSpan.FromSeconds(1);

    /// <summary>In one transaction.</summary>
    private const int RowsMax = 500;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (pools.Addresses.Count == 0) return;
        using var timer = new PeriodicTimer(Between, time);
        var isRead = false;
        try
        {
            do
            {
                if (isRead) await Write();
                else isRead = await TryRead(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await Write();
        }
    }

    /// <summary>A node that starts goes on where it, or another, has been today.</summary>
    private async Task<bool> TryRead(CancellationToken ct)
    {
        try
        {
            var day = SentToday.DayNumber(sent.Today);
            var rows = await db.Query(
                "select address, site, messages from egress_counts where day = @day and site <> '' limit @limit",
                row => (Key: new SentKey(day, row.GetString(0), row.GetString(1)), Messages: row.GetInt64(2)), ct, ("day", day), ("limit", SentToday.CountsMax));
            var own = pools.Addresses.Select(address => address.Public.ToString()).ToHashSet();
            sent.Start(rows.Where(row => own.Contains(row.Key.Address)));
            return true;
        }
        catch (DbException e)
        {
            LogNotWritten(e.Message);
            return false;
        }
    }

    private async Task Write()
    {
        try
        {
            while (sent.Unwritten(RowsMax) is { Count: > 0 } rows)
            {
                var totals = new long[rows.Count];
                await db.Write(async transaction =>
                {
                    await transaction.Run([.. rows.Select(row => Statement(row.Key, row.Messages))], (index, row) => totals[index] = row.GetInt64(0), CancellationToken.None);
                    return true;
                }, CancellationToken.None);
                for (var index = 0; index < rows.Count; index++) sent.Written(rows[index].Key, rows[index].Messages, totals[index]);
                if (rows.Count < RowsMax) break;
            }
            sent.Forget();
        }
        catch (DbException e)
        {
            LogNotWritten(e.Message);
        }
    }

    private static Statement Statement(SentKey key, long messages) => new(
        """
        insert into egress_counts (day, address, site, messages) values (@day, @address, @site, @messages)
        on conflict (day, address, site) do update set messages = egress_counts.messages + excluded.messages
        returning messages
        """,
        ("day", key.Day), ("address", key.Address), ("site", key.Site), ("messages", messages));

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, what addresses have sent today is neither read nor written: {Error}")]
    private partial void LogNotWritten(string error);
}
