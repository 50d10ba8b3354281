using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>The three servers of the distributed mode, for one program.</summary>
internal sealed record Servers(PostgreSqlServer PostgreSql, RabbitMqServer RabbitMq, RedisServer Redis) : IAsyncDisposable
{
    public static async Task<Servers> Start()
    {
        var rabbitMq = RabbitMqServer.StartAsync(CancellationToken.None);
        var postgreSql = PostgreSqlServer.StartAsync(CancellationToken.None);
        var redis = RedisServer.StartAsync(persistent: false, CancellationToken.None);
        return new Servers(await postgreSql, await rabbitMq, await redis);
    }

    public Dictionary<string, string> Settings => new()
    {
        ["Store__Provider"] = "PostgreSql",
        ["Store__ConnectionString"] = PostgreSql.ConnectionString(),
        ["Bus__Transport"] = "RabbitMq",
        ["Bus__RabbitMq"] = RabbitMq.Uri,
        ["Limits__Backend"] = "Redis",
        ["Limits__Redis"] = Redis.ConnectionString,
    };

    public IEnumerable<(string Name, int Pid)> Processes => [("PostgreSQL", PostgreSql.Process.Pid), ("RabbitMQ", RabbitMq.Process.Pid), ("Redis", Redis.Process.Pid)];

    public async ValueTask DisposeAsync()
    {
        await RabbitMq.DisposeAsync();
        await PostgreSql.DisposeAsync();
        await Redis.DisposeAsync();
    }
}
