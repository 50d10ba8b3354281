namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Redis_away(Worlds worlds)
{
    [Fact]
    public async Task Mail_keeps_moving_under_a_local_limit_and_health_says_degraded()
    {
        await using var world = await worlds.Own(Mode.Distributed, [], Breaks.Limits);
        var shop = await world.NewShop(perSecond: 20, burst: 20);
        await world.Servers!.Redis.KillAsync();
        var ids = await Task.WhenAll(Enumerable.Range(0, 10).Select(index => shop.Send(shop.Mail($"r{index}@example.net"))));
        await shop.WaitForAll(ids, "delivered", World.Patience);

        var metrics = await world.Api.Http.GetStringAsync(new Uri(world.Api.ManagementAddress, "/metrics"));
        Assert.Matches(@"(?m)^mailapi_limits_fallback(\{[^}]*\})? 1( \d+)?$", metrics);
        Assert.Contains("degraded", await world.Api.Http.GetStringAsync(new Uri(world.Api.ManagementAddress, "/health/ready")), StringComparison.Ordinal);
    }
}
