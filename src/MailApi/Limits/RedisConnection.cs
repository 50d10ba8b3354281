using StackExchange.Redis;

namespace MailApi.Limits;

/// <summary>The one connection to Redis. It opens in the background and mends itself: neither start nor mail waits for Redis.</summary>
internal sealed partial class RedisConnection : BackgroundService, IAsyncDisposable
{
    /// <summary>Also the longest that a mended server is not noticed.</summary>
    private static readonly TimeSpan ReconnectInterval = TimeSpan.FromSeconds(1);

    private readonly ConfigurationOptions configuration;
    private readonly TimeProvider time;
    private readonly ILogger<RedisConnection> log;
    private volatile ConnectionMultiplexer? multiplexer;

    /// <exception cref="ArgumentException">The configuration string cannot be read.</exception>
    public RedisConnection(LimitOptions options, TimeProvider time, ILogger<RedisConnection> log)
    {
        configuration = ConfigurationOptions.Parse(options.Redis ?? "");
        configuration.AbortOnConnectFail = false;
        configuration.BacklogPolicy = BacklogPolicy.FailFast; // a permit granted to an attempt that stopped waiting is a permit lost
        configuration.ReconnectRetryPolicy = new LinearRetry((int)ReconnectInterval.TotalMilliseconds);
        (this.time, this.log) = (time, log);
    }

    /// <summary>Null while Redis is not connected.</summary>
    public IDatabase? Database => multiplexer is { IsConnected: true } connected ? connected.GetDatabase() : null;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                multiplexer = await ConnectionMultiplexer.ConnectAsync(configuration).WaitAsync(stoppingToken);
                return;
            }
            catch (RedisException failure)
            {
                LogNotOpened(failure);
            }
            await Task.Delay(ReconnectInterval, time, stoppingToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        base.Dispose();
        if (multiplexer is { } open) await open.DisposeAsync();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The connection to Redis could not be set up; trying again.")]
    private partial void LogNotOpened(RedisException failure);
}
