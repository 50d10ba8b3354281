using System.Net;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Store_away(Worlds worlds)
{
    [Fact]
    public async Task Without_the_store_nothing_is_accepted_and_afterwards_everything_goes_on()
    {
        await using var world = await worlds.Own(Mode.Distributed, [], Breaks.Store);
        var shop = await world.NewShop();
        await shop.WaitFor(await shop.Send(shop.Mail("before@example.net")), "delivered");

        await world.Servers!.PostgreSql.KillAsync();
        using var refused = await shop.Post(shop.Mail("during@example.net"), "retry-me");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        await world.Servers.PostgreSql.StartAgainAsync(CancellationToken.None);

        await Testing.Eventually.HoldsAsync(() => world.Api.IsReadyAsync(CancellationToken.None), World.Patience, "the service is ready again", CancellationToken.None);
        await shop.WaitFor(await shop.Send(shop.Mail("during@example.net"), "retry-me"), "delivered");
        Assert.Single(world.Sink.Messages, it => it.Recipient == "during@example.net");
    }
}
