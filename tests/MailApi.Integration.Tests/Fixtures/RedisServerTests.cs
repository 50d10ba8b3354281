using MailApi.Testing;
using StackExchange.Redis;
using Xunit;

namespace MailApi.Integration.Tests.Fixtures;

public sealed class RedisServerTests
{
    [Theory]
    [InlineData(true, "kept")]
    [InlineData(false, null)]
    public async Task Comes_back_after_a_kill_with_or_without_its_memory(bool persistent, string? expected)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var server = await RedisServer.StartAsync(persistent, ct);
        await using (var client = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString))
            await client.GetDatabase().StringSetAsync("key", "kept");

        await server.KillAsync();
        await server.StartAgainAsync(ct);

        await using var again = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        Assert.Equal(expected, (string?)await again.GetDatabase().StringGetAsync("key"));
        Assert.Equal("OK", await server.RunAsync(ct, "FLUSHALL"));
        Assert.False(await again.GetDatabase().KeyExistsAsync("key"));
    }

    [Fact]
    public async Task Stands_still_while_it_is_frozen()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var server = await RedisServer.StartAsync(persistent: false, ct);

        server.Process.Freeze();
        var pong = server.RunAsync(ct, "PING");
        await Assert.ThrowsAsync<TimeoutException>(() => pong.WaitAsync(TimeSpan.FromMilliseconds(200), TimeProvider.System, ct));
        server.Process.Thaw();

        Assert.Equal("PONG", await pong);
    }
}
