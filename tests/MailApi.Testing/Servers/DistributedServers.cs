namespace MailApi.Testing;

/// <summary>Which server of the distributed mode a scenario takes down.</summary>
public enum Breaks
{
    Nothing,
    Store,
    Broker,
    Limits,
}

/// <summary>The three servers of the distributed mode.</summary>
public sealed record DistributedServers(PostgreSqlServer PostgreSql, RabbitMqServer RabbitMq, RedisServer Redis) : IAsyncDisposable
{
    /// <summary>What goes with this: all three, or the one that its scenario breaks.</summary>
    private IReadOnlyList<IAsyncDisposable> Own { get; init; } = [PostgreSql, RabbitMq, Redis];

    public static async Task<DistributedServers> Start()
    {
        var rabbitMq = RabbitMqServer.StartAsync(CancellationToken.None);
        var postgreSql = PostgreSqlServer.StartAsync(CancellationToken.None);
        var redis = StartRedis();
        return new DistributedServers(await postgreSql, await rabbitMq, await redis);
    }

    /// <summary>The same with another server in the place of the one that is to be broken.</summary>
    public async Task<DistributedServers> WithOwn(Breaks breaks)
    {
        switch (breaks)
        {
            case Breaks.Store:
                var postgreSql = await PostgreSqlServer.StartAsync(CancellationToken.None);
                return this with { PostgreSql = postgreSql, Own = [postgreSql] };
            case Breaks.Broker:
                var rabbitMq = await RabbitMqServer.StartAsync(CancellationToken.None);
                return this with { RabbitMq = rabbitMq, Own = [rabbitMq] };
            case Breaks.Limits:
                var redis = await StartRedis();
                return this with { Redis = redis, Own = [redis] };
            default:
                return this with { Own = [] };
        }
    }

    /// <summary>Settings that put a program on a database and a virtual host of its own.</summary>
    public async Task<Dictionary<string, string>> Settings()
    {
        var database = PostgreSql.CreateDatabaseAsync(CancellationToken.None);
        var host = RabbitMq.CreateVirtualHostAsync(CancellationToken.None);
        return new Dictionary<string, string>
        {
            ["Store__Provider"] = "PostgreSql",
            ["Store__ConnectionString"] = PostgreSql.ConnectionString(await database),
            ["Bus__Transport"] = "RabbitMq",
            ["Bus__RabbitMq"] = await host,
            ["Limits__Backend"] = "Redis",
            ["Limits__Redis"] = Redis.ConnectionString,
        };
    }

    public async ValueTask DisposeAsync() => await Task.WhenAll(Own.Select(server => server.DisposeAsync().AsTask()));

    private static Task<RedisServer> StartRedis() => RedisServer.StartAsync(persistent: false, CancellationToken.None);
}
