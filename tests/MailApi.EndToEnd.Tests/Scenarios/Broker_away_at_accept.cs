namespace MailApi.EndToEnd.Tests.Scenarios;

/// <summary>In embedded mode the bus dies with the process, which <see cref="Worker_killed_in_data"/> kills.</summary>
public sealed class Broker_away_at_accept(Worlds worlds)
{
    [Fact]
    public async Task Mail_accepted_without_the_broker_goes_out_when_it_is_back()
    {
        await using var world = await worlds.Own(Mode.Distributed, [], Breaks.Broker);
        var shop = await world.NewShop();
        await shop.WaitFor(await shop.Send(shop.Mail("before@example.net")), "delivered");

        await world.Servers!.RabbitMq.KillAsync();
        var ids = await Task.WhenAll(Enumerable.Range(0, 20).Select(index => shop.Send(shop.Mail($"during{index}@example.net"))));
        await world.Servers.RabbitMq.StartAgainAsync(CancellationToken.None);

        await shop.WaitForAll(ids, "delivered", 2 * World.Patience);
        Assert.Equal(21, world.Sink.Messages.Select(it => it.MessageId).Distinct().Count());
        Assert.Equal(21, world.Sink.Count);
    }
}
