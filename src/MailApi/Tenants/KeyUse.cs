using System.Data.Common;
using MailApi.Storage;

namespace MailApi.Tenants;

/// <summary>Notes when keys were last used: once a minute, off the requests' path.</summary>
internal sealed partial class KeyUse(KeyDirectory directory, Db db, TimeProvider time, ILogger<KeyUse> log) : BackgroundService
{
    public static readonly TimeSpan Between = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Between, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await Note(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The last minute's uses are not worth delaying a stop.
        }
    }

    internal async Task Note(CancellationToken ct)
    {
        var used = directory.TakeUsed();
        try
        {
            await db.Write(async transaction =>
            {
                await transaction.Run([.. used.Select(key => new Statement("update api_keys set last_used_at = now_ms() where id = @id", ("id", key.Value)))], onRow: null, ct);
                return used.Count;
            }, ct);
        }
        catch (DbException e)
        {
            LogNotNoted(used.Count, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The last use of {Count} keys is not noted: {Error}")]
    private partial void LogNotNoted(int count, string error);
}
