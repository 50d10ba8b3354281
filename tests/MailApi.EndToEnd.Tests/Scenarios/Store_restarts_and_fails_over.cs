using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

[Trait("Takes", "minutes")]
public sealed class Store_restarts_and_fails_over(Worlds worlds)
{
    [Fact]
    public async Task Stopped_and_killed_under_load_the_store_loses_nothing_that_was_acknowledged()
    {
        await using var world = await worlds.Own(Mode.Distributed, [], Breaks.Store);
        var shop = await world.NewShop();
        await using var load = SteadyLoad.Start(shop);
        await load.Acknowledges(100);
        await world.Servers!.PostgreSql.StopAsync();
        await Eventually.HoldsAsync(() => load.Unavailable > 0, World.Patience, "somebody is refused", CancellationToken.None);
        await world.Servers.PostgreSql.StartAgainAsync(CancellationToken.None);
        await load.Acknowledges(100);
        await world.Servers.PostgreSql.KillAsync();
        await world.Servers.PostgreSql.StartAgainAsync(CancellationToken.None);
        await load.Acknowledges(100);
        await load.Stop();
        await load.AllArrived();
        TestContext.Current.TestOutputHelper?.WriteLine($"{load.Acknowledged.Count} acknowledged, {load.Unavailable} refused meanwhile");
    }

    [Fact]
    public async Task A_synchronous_standby_takes_over_with_all_that_was_acknowledged()
    {
        await using var primary = await PostgreSqlServer.StartAsync(CancellationToken.None);
        await using var standby = await primary.StartSynchronousStandbyAsync(CancellationToken.None);
        // docs/operations.md: both hosts, and the one that takes writes is meant.
        var connectionString = primary.ConnectionString().Replace($"Host=127.0.0.1;Port={primary.Port}", $"Host=127.0.0.1:{primary.Port},127.0.0.1:{standby.Port};Target Session Attributes=read-write", StringComparison.Ordinal);
        await using var world = await worlds.Own(Mode.Distributed, new() { ["Store__ConnectionString"] = connectionString });
        var shop = await world.NewShop();
        await using var load = SteadyLoad.Start(shop);
        await load.Acknowledges(200);

        await primary.KillAsync();
        var before = load.Acknowledged.ToDictionary();
        await Eventually.HoldsAsync(() => load.Unavailable > 0, World.Patience, "somebody is refused", CancellationToken.None);
        await standby.PromoteAsync(CancellationToken.None);

        await load.Acknowledges(200);
        await load.Stop();
        var kept = await load.Recipients();
        Assert.Empty(before.Keys.Except(kept.Keys));
        await load.AllArrived();
        TestContext.Current.TestOutputHelper?.WriteLine($"{before.Count} acknowledged before, {load.Acknowledged.Count} in all, {load.Unavailable} refused meanwhile");
    }
}
