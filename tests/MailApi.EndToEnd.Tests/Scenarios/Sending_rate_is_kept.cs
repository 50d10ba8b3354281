using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Sending_rate_is_kept(Worlds worlds)
{
    private const int PerSecond = 5, Burst = 5, Messages = 20;

    [Theory(DisableParallelization = true), InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task No_stretch_of_time_sees_more_than_the_burst_and_the_rate_and_nobody_is_lost(Mode mode)
    {
        var world = await worlds.Shared(mode);
        // Connections are open before the clock matters, so that mail arrives when it leaves.
        var other = await world.NewShop(webhook: false);
        await Task.WhenAll(Enumerable.Range(0, Messages).Select(async index => await other.WaitFor(await other.Send(other.Mail($"warm{index}@example.net")), "delivered")));

        var shop = await world.NewShop(PerSecond, Burst, webhook: false);
        var ids = await Task.WhenAll(Enumerable.Range(0, Messages).Select(index => shop.Send(shop.Mail($"rate{index}.{shop.Domain}@example.net"))));
        foreach (var id in ids)
        {
            var message = await shop.WaitFor(id, "delivered");
            // Being throttled is no try, and no event.
            Assert.Equal(1, message.GetProperty("recipients")[0].GetProperty("attempts").GetInt32());
            Assert.Equal(["message.accepted", "message.delivered"], message.GetProperty("events").EnumerateArray().Select(it => it.GetProperty("type").GetString()));
        }

        var times = world.Sink.Messages.Where(it => it.Recipient.EndsWith($".{shop.Domain}@example.net", StringComparison.Ordinal)).Select(it => it.Time).Order().ToArray();
        Assert.Equal(Messages, times.Length);
        for (var first = 0; first < times.Length; first++)
        {
            for (var last = first; last < times.Length; last++)
            {
                var window = times[last] - times[first];
                // Mail leaves when it is let go and arrives when the machine has time: two seconds' worth of it may come at once.
                Assert.True(last - first + 1 <= Burst + PerSecond * (window.TotalSeconds + 2), $"{last - first + 1} messages within {window}: {string.Join(", ", times.Select(time => time - times[0]))}");
            }
        }
    }
}
