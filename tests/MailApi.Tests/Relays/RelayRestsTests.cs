using MailApi.Delivery.Relays;
using Microsoft.Extensions.Time.Testing;

namespace MailApi.Tests.Relays;

/// <summary>When a relay that failed is tried again.</summary>
public sealed class RelayRestsTests
{
    private static readonly RelayId Relay = new(Guid.CreateVersion7());
    private static readonly DateTimeOffset Version = DateTimeOffset.UnixEpoch;

    private readonly FakeTimeProvider clock = new();
    private readonly RelayRests rests;

    public RelayRestsTests() => rests = new RelayRests(clock);

    [Fact]
    public void After_a_rest_one_attempt_goes_first_and_each_rest_in_a_row_is_twice_as_long_up_to_a_bound()
    {
        Fail();
        foreach (var rest in (int[])[10, 20, 40, 80, 160, 320, 640, 900, 900])
        {
            // Of those that were under way when it began to rest.
            for (var other = 0; other < 10; other++) Fail();
            clock.Advance(TimeSpan.FromSeconds(rest - 1));
            Assert.Equal("535 no", Ask());
            clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Null(Ask());
            Assert.Equal("535 no", Ask());
            Fail();
        }
    }

    [Fact]
    public void An_attempt_that_gets_past_the_login_after_a_rest_ends_it_for_all_and_one_that_had_logged_in_before_does_not()
    {
        Fail();
        rests.Worked(Relay);
        Assert.Equal("535 no", Ask());
        clock.Advance(RelayRests.RestMin);
        Assert.Null(Ask());
        rests.Worked(Relay);
        Assert.Null(Ask());
        Assert.Null(Ask());

        Fail();
        clock.Advance(RelayRests.RestMin);
        Assert.Null(Ask());
    }

    [Fact]
    public void Where_the_first_comes_to_nothing_the_next_one_goes_and_changed_settings_are_tried_at_once()
    {
        Fail();
        clock.Advance(RelayRests.RestMin);
        Assert.Null(Ask());
        clock.Advance(RelayRests.ProbeTime);
        Assert.Null(Ask());
        Assert.Equal("535 no", Ask());
        Assert.Null(rests.Blocks(Relay, Version + TimeSpan.FromSeconds(1)));
    }

    private string? Ask() => rests.Blocks(Relay, Version);

    private void Fail() => rests.Failed(Relay, Version, "535 no");
}
