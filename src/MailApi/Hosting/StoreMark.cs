using System.Data.Common;
using System.Globalization;
using System.Text;
using MailApi.Limits;
using MailApi.Spool;
using MailApi.Storage;
using StackExchange.Redis;

namespace MailApi.Hosting;

/// <summary>
/// Remembers outside of the store until when it was in use, by the store's clock, so that one that ends earlier is known to have been restored from a backup: in Redis where processes share one,
/// else in <c>DataDirectory</c>. That is judged before this process delivers; if Redis is away then, as soon as it is back.
/// </summary>
internal sealed partial class StoreMark(Settings settings, LocalFiles files, Db db, Restoration restoration, TimeProvider time, ILogger<StoreMark> log) : BackgroundService, IAsyncDisposable
{
    private const string FileName = "store-seen";
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(2);

    private ConnectionMultiplexer? redis;
    private string storeId = "";
    private bool isJudged;

    private string Key => $"mailapi:{storeId}:seen";

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        const string Name = "store-id";
        await db.Execute("insert into settings (name, value) values (@name, @value) on conflict (name) do nothing", cancellationToken, ("name", Name), ("value", Guid.CreateVersion7().ToByteArray()));
        storeId = Convert.ToHexStringLower((await db.Query("select value from settings where name = @name", row => row.Bytes(0), cancellationToken, ("name", Name)))[0]);
        try
        {
            await Judge(cancellationToken);
        }
        catch (Exception e) when (IsAway(e))
        {
            LogNotRead(e.Message);
            await restoration.CheckMark(cancellationToken);
        }
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Between, time);
        try
        {
            do await Remember(stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What was remembered last is early enough.
        }
    }

    public async ValueTask DisposeAsync()
    {
        base.Dispose();
        if (redis is not null) await redis.DisposeAsync();
    }

    private async Task Remember(CancellationToken ct)
    {
        try
        {
            if (!isJudged) await Judge(ct);
            var seen = (await restoration.Advance(ct)).ToUnixTimeMilliseconds();
            var text = string.Create(CultureInfo.InvariantCulture, $"{storeId} {seen}");
            if (settings.Limits.Backend == LimitsBackend.Redis) await (await Redis()).StringSetAsync(Key, text);
            else files.Save(FileName, text);
        }
        catch (Exception e) when (e is DbException || IsAway(e))
        {
            LogNotRemembered(e.Message);
        }
    }

    private async Task Judge(CancellationToken ct)
    {
        var text = settings.Limits.Backend == LimitsBackend.Redis ? (string?)await (await Redis()).StringGetAsync(Key) : files.TextOrNull(FileName);
        // Another store may have been used with this directory.
        var remembered = text?.Split(' ') is [var id, var seen] && id == storeId && long.TryParse(seen, CultureInfo.InvariantCulture, out var at) ? DateTimeOffset.FromUnixTimeMilliseconds(at) : (DateTimeOffset?)null;
        await restoration.Check(remembered, ct);
        isJudged = true;
    }

    private async Task<IDatabase> Redis()
    {
        var configuration = ConfigurationOptions.Parse(settings.Limits.Redis!);
        // Neither start nor mail waits for Redis.
        configuration.AbortOnConnectFail = false;
        configuration.ConnectRetry = 1;
        configuration.ConnectTimeout = (int)ConnectPatience.TotalMilliseconds;
        redis ??= await ConnectionMultiplexer.ConnectAsync(configuration);
        return redis.GetDatabase();
    }

    private static bool IsAway(Exception failure) => failure is RedisException or TimeoutException or IOException or UnauthorizedAccessException;

    [LoggerMessage(Level = LogLevel.Warning, Message = "Whether the store was restored from a backup cannot be judged by what is remembered of it yet: {Error}")]
    private partial void LogNotRead(string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Until when the store was in use could not be remembered: {Error}")]
    private partial void LogNotRemembered(string error);
}
