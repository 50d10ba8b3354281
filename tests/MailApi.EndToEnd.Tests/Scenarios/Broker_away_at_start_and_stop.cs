using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

/// <summary>The bus retries its connection for ever, which must keep the service neither from accepting nor from ending.</summary>
[Trait("Takes", "minutes")]
public sealed class Broker_away_at_start_and_stop(Worlds worlds)
{
    /// <summary>What Kubernetes grants between SIGTERM and SIGKILL by default.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Without_the_broker_the_service_starts_accepts_and_ends_and_with_it_everything_goes_out()
    {
        await using var world = await worlds.Own(Mode.Distributed, [], Breaks.Broker);
        var shop = await world.NewShop();
        var early = await shop.Send(shop.Mail("early@example.net"));
        await shop.WaitFor(early, "delivered");

        await world.Servers!.RabbitMq.KillAsync();
        var during = await shop.Send(shop.Mail("during@example.net"));
        await Degraded(world);
        Assert.True(await world.Api.TerminateAsync(Grace), "SIGTERM ends a service that has lost its broker\n" + world.Api.Output);

        await world.Api.StartAgainAsync(CancellationToken.None);
        await Degraded(world);
        var late = await shop.Send(shop.Mail("late@example.net"));
        Assert.True(await world.Api.TerminateAsync(Grace), "SIGTERM ends a service that never had a broker\n" + world.Api.Output);

        await world.Api.StartAgainAsync(CancellationToken.None);
        var last = await shop.Send(shop.Mail("last@example.net"));
        await world.Servers.RabbitMq.StartAgainAsync(CancellationToken.None);
        await shop.WaitForAll([during, late, last], "delivered", World.Patience);
        Assert.Equal(["during@example.net", "early@example.net", "last@example.net", "late@example.net"], world.Sink.Messages.Select(it => it.Recipient).Order());
    }

    [Fact]
    public async Task A_queue_that_someone_declared_otherwise_keeps_the_service_neither_from_accepting_nor_from_ending()
    {
        await using var world = await worlds.Own(Mode.Distributed, []);
        var shop = await world.NewShop();
        await world.Api.TerminateAsync(Grace);
        var host = new Uri(world.Settings["Bus__RabbitMq"]).AbsolutePath.TrimStart('/');
        // As a classic queue, in the place of the quorum queue that the service declares.
        await world.Servers!.RabbitMq.ControlAsync(CancellationToken.None, "delete_queue", "deliver-notification", "-p", host);
        await world.Servers.RabbitMq.ControlAsync(CancellationToken.None, "eval",
            $"""rabbit_amqqueue:declare(rabbit_misc:r(<<"{host}">>, queue, <<"deliver-notification">>), true, false, [], none, <<"test">>).""");

        await world.Api.StartAgainAsync(CancellationToken.None);
        await Degraded(world);
        var id = await shop.Send(shop.Mail("ann@example.net"));
        Assert.True(await world.Api.TerminateAsync(Grace), "SIGTERM ends a service whose declare fails\n" + world.Api.Output);

        await world.Servers.RabbitMq.ControlAsync(CancellationToken.None, "delete_queue", "deliver-notification", "-p", host);
        await world.Api.StartAgainAsync(CancellationToken.None);
        await shop.WaitFor(id, "delivered");
        Assert.Equal(1, world.Sink.Count);
    }

    private static Task Degraded(World world) => Eventually.HoldsAsync(
        async () => (await world.Api.Http.GetStringAsync(new Uri(world.Api.ManagementAddress, "/health/ready"))).Contains("degraded", StringComparison.Ordinal),
        World.Patience, "health says degraded", CancellationToken.None);
}
