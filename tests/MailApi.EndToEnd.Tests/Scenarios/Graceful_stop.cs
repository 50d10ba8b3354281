using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Graceful_stop(Worlds worlds)
{
    private const int Slots = 4, Waiting = 100;

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task What_is_past_its_final_dot_is_finished_and_the_rest_leaves_soon_after_the_next_start(Mode mode)
    {
        await using var world = await worlds.Own(mode, new() { ["Categories__notification__ConcurrentDeliveries"] = $"{Slots}" });
        var shop = await world.NewShop();
        var held = await shop.Send(shop.Mail("hold-dot-1@example.net"));
        await world.Sink.WaitForHeld(1, World.Patience);
        world.Sink.Pause();
        var waiting = await Task.WhenAll(Enumerable.Range(0, Waiting).Select(index => shop.Send(shop.Mail($"r{index}@example.net"))));
        // Deliveries that wait for two seconds give their slots to others.
        await Eventually.HoldsAsync(() => world.Sink.Connections >= Slots, World.Patience, "every slot is taken", CancellationToken.None);

        var stopping = world.Api.TerminateAsync(TimeSpan.FromSeconds(60));
        await Eventually.HoldsAsync(() => StopsListening(world), World.Patience, "the API stops listening", CancellationToken.None);
        world.Sink.ReleaseHeld();
        world.Sink.Resume();
        Assert.True(await stopping, world.Api.Output);

        await world.Api.StartAgainAsync(CancellationToken.None);
        Assert.Equal(["delivered"], await shop.States(held));
        foreach (var id in waiting)
        {
            var message = await shop.WaitFor(id, "delivered");
            Assert.False(message.GetProperty("recipients")[0].GetProperty("duplicatePossible").GetBoolean());
        }
        Assert.Equal(1 + Waiting, world.Sink.Count);
    }

    private static async Task<bool> StopsListening(World world)
    {
        try
        {
            using var answer = await world.Api.Http.GetAsync("/");
            return false;
        }
        catch (HttpRequestException)
        {
            return true;
        }
    }
}
