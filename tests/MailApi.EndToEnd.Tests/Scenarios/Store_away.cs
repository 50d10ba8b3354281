using System.Net;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Store_away(Worlds worlds)
{
    [Fact]
    public async Task Without_the_store_nothing_is_accepted_and_afterwards_everything_goes_on()
    {
        var port = FreePort.Next();
        await using var world = await worlds.Own(Mode.Distributed, new() { ["Receive__Submission"] = $"127.0.0.1:{port}" }, Breaks.Store);
        var shop = await world.NewShop();
        await using var caller = await SmtpCaller.Connect(port);
        await caller.Secure();
        Assert.StartsWith("235 ", await caller.Login(shop.Live.DefaultRequestHeaders.Authorization!.Parameter!));
        var mail = $"From: orders@{shop.Domain}\r\nIdempotency-Key: retry-me-too\r\n\r\nIt left.\r\n";
        await shop.WaitFor(await shop.Send(shop.Mail("before@example.net")), "delivered");

        await world.Servers!.PostgreSql.KillAsync();
        using var refused = await shop.Post(shop.Mail("during@example.net"), "retry-me");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.StartsWith("451 4.3.0 The store is away", await caller.Send(mail, "smtp@example.net"));
        await world.Servers.PostgreSql.StartAgainAsync(CancellationToken.None);

        await Eventually.HoldsAsync(() => world.Api.IsReadyAsync(CancellationToken.None), World.Patience, "the service is ready again", CancellationToken.None);
        await shop.WaitFor(await shop.Send(shop.Mail("during@example.net"), "retry-me"), "delivered");
        await Eventually.HoldsAsync(async () => (await caller.Send(mail, "smtp@example.net")).StartsWith("250 ", StringComparison.Ordinal), World.Patience, "submission goes on", CancellationToken.None);
        await world.Sink.WaitFor("smtp@example.net", World.Patience);
        Assert.Single(world.Sink.Messages, it => it.Recipient == "during@example.net");
    }
}
