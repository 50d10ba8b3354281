using MailApi.Integration.Tests.Fixtures;
using MailApi.Testing;
using Xunit;

[assembly: AssemblyFixture(typeof(SharedServers))]
// Half of the time the tests wait for a server.
[assembly: Xunit.v3.Parallelization(MaxThreads = 4)]

namespace MailApi.Integration.Tests.Fixtures;

/// <summary>
/// One PostgreSQL, Redis and RabbitMQ for all tests that do not break them, each started by the first test that asks. Tests part their
/// data by database, key prefix and queue name.
/// </summary>
public sealed class SharedServers : IAsyncDisposable
{
    private readonly Lazy<Task<PostgreSqlServer>> _postgreSql = new(() => PostgreSqlServer.StartAsync(CancellationToken.None));
    private readonly Lazy<Task<RedisServer>> _redis = new(() => RedisServer.StartAsync(persistent: false, CancellationToken.None));
    private readonly Lazy<Task<RabbitMqServer>> _rabbitMq = new(() => RabbitMqServer.StartAsync(CancellationToken.None));

    public Task<PostgreSqlServer> PostgreSql => _postgreSql.Value;

    public Task<RedisServer> Redis => _redis.Value;

    public Task<RabbitMqServer> RabbitMq => _rabbitMq.Value;

    public async ValueTask DisposeAsync()
    {
        if (_postgreSql.IsValueCreated) await (await _postgreSql.Value).DisposeAsync();
        if (_redis.IsValueCreated) await (await _redis.Value).DisposeAsync();
        if (_rabbitMq.IsValueCreated) await (await _rabbitMq.Value).DisposeAsync();
    }
}
