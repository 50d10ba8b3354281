using MailApi.Limits;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MailApi.Tests.Limits;

public sealed class LocalSendLimiterTests : SendLimiterContract
{
    private readonly FakeTimeProvider clock = new();

    public LocalSendLimiterTests() => Limiter = new LocalSendLimiter(clock);

    private protected override ISendLimiter Limiter { get; }
    private protected override TimeProvider Clock => clock;
    private protected override TimeSpan Tardiness => TimeSpan.FromMicroseconds(1);

    private protected override Task Pass(TimeSpan time)
    {
        clock.Advance(time);
        return Task.CompletedTask;
    }

    [Fact]
    public void A_conservative_limiter_begins_empty_and_grants_its_share_without_a_burst()
    {
        var limiter = LocalSendLimiter.Conservative(share: 0.5, clock);
        var request = new SendPermitRequest(Tenant, [Domain(perSecond: 10, burst: 100)]);
        Assert.Equal(TimeSpan.FromSeconds(0.2), Assert.IsType<Permit.Refused>(limiter.TakeNow(request)).Delay);

        var grants = 0;
        for (var i = 0; i < 1000; i++)
        {
            clock.Advance(TimeSpan.FromMilliseconds(10));
            if (limiter.TakeNow(request) is Permit.Granted) grants++;
        }
        Assert.Equal(50, grants);
    }

    [Fact]
    public void Full_buckets_are_forgotten_to_make_room()
    {
        var table = new BucketTable<int>(GcraState.Full);
        var rule = GcraRule.From(perSecond: 1, burst: 2);
        for (var key = 0; key < BucketTable<int>.KeysMax; key++) Spend(table, key, rule, now: 0);
        Assert.False(table.TryRead(-1, rule, 999_999, out _));
        Assert.True(table.TryRead(0, rule, 999_999, out _));

        Assert.True(table.TryRead(-1, rule, 2_000_000, out _));
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public async Task Where_there_is_no_room_for_a_bucket_nothing_is_granted()
    {
        for (var i = 0; i < BucketTable<int>.KeysMax; i++) await Take(Domain(perSecond: 0.001, burst: 1));
        Assert.Equal(BucketTable<int>.NoRoomDelay, await RefusalOf(Domain(perSecond: 0.001, burst: 1)));
    }

    private static void Spend(BucketTable<int> table, int key, GcraRule rule, long now)
    {
        Assert.True(table.TryRead(key, rule, now, out var state));
        table.Write(key, state.Spend(rule));
    }
}
