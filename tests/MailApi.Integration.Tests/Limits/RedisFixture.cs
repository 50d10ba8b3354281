using MailApi.Limits;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;
using Xunit;

namespace MailApi.Integration.Tests.Limits;

/// <summary>A Redis server and limiters on it, each with a connection of its own as on separate nodes.</summary>
public sealed class RedisFixture : IAsyncLifetime
{
    /// <summary>The collection of tests that must not run beside each other: they read the process's one fallback gauge.</summary>
    public const string Alone = "Redis limits";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly List<RedisConnection> connections = [];

    internal RedisProcess Server { get; } = new();

    /// <summary>The test's own connection, for commands.</summary>
    internal IServer Admin { get; private set; } = null!;
    internal IDatabase Database { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await Server.Start(TestContext.Current.CancellationToken);
        var own = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{Server.Port},allowAdmin=true,abortConnect=false");
        (Admin, Database) = (own.GetServers()[0], own.GetDatabase());
    }

    /// <summary>A limiter that may not be connected yet.</summary>
    internal async Task<(RedisSendLimiter Limiter, RedisConnection Connection)> Node()
    {
        var options = new LimitOptions { Backend = LimitsBackend.Redis, Redis = $"127.0.0.1:{Server.Port}" };
        var connection = new RedisConnection(options, TimeProvider.System, NullLogger<RedisConnection>.Instance);
        connections.Add(connection);
        await connection.StartAsync(TestContext.Current.CancellationToken);
        return (new RedisSendLimiter(connection, options, TimeProvider.System, NullLogger<RedisSendLimiter>.Instance), connection);
    }

    internal async Task<RedisSendLimiter> ConnectedNode()
    {
        var (limiter, connection) = await Node();
        await Until(() => ValueTask.FromResult(connection.Database is not null));
        return limiter;
    }

    internal static async Task Until(Func<ValueTask<bool>> holds)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        while (!await holds()) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in connections) await connection.DisposeAsync();
        await Admin.Multiplexer.DisposeAsync();
        await Server.DisposeAsync();
    }
}
