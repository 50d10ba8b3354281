using MailApi.Webhooks;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MailApi.Tests.Webhooks;

public sealed class LanesTests
{
    private static readonly Guid Webhook = Guid.CreateVersion7();
    private readonly FakeTimeProvider clock = new();

    [Fact]
    public void A_webhook_that_answers_has_its_whole_room()
    {
        var lanes = new Lanes(4, clock);
        for (var room = 4; room > 0; room--)
        {
            Assert.Equal(room, lanes.Room(Webhook));
            lanes.Enter(Webhook);
        }
        Assert.Equal(0, lanes.Room(Webhook));
        lanes.Leave(Webhook, answered: true);
        Assert.Equal(1, lanes.Room(Webhook));
        Assert.Equal(4, lanes.Room(Guid.CreateVersion7()));
    }

    [Fact]
    public void A_webhook_that_fails_pauses_longer_with_each_failure_and_then_gets_one_at_a_time()
    {
        var lanes = new Lanes(4, clock);
        foreach (var seconds in new[] { 1, 2, 3, 4, 5, 5 })
        {
            lanes.Enter(Webhook);
            lanes.Leave(Webhook, answered: false);
            clock.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
            Assert.Equal(0, lanes.Room(Webhook));
            clock.Advance(TimeSpan.FromMilliseconds(1));
            Assert.Equal(1, lanes.Room(Webhook));
        }
        lanes.Enter(Webhook);
        lanes.Leave(Webhook, answered: true);
        Assert.Equal(4, lanes.Room(Webhook));
    }
}
