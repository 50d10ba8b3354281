using MailApi.Api;
using MailApi.Limits;
using Xunit;

namespace MailApi.Tests.Limits;

/// <summary>What every <see cref="ISendLimiter"/> does, on whatever clock it has.</summary>
public abstract class SendLimiterContract
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    /// <summary>The grain of the limiters' clocks: it can shorten a window once.</summary>
    private static readonly TimeSpan Grain = TimeSpan.FromMicroseconds(1);

    private protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    private protected TenantId Tenant { get; } = PrefixedId.New<TenantId>();

    private protected abstract ISendLimiter Limiter { get; }

    /// <summary>The clock that <see cref="Pass"/> moves.</summary>
    private protected abstract TimeProvider Clock { get; }

    /// <summary>How much later than now a step of a test may really happen.</summary>
    private protected abstract TimeSpan Tardiness { get; }

    /// <summary>Lets time pass on the limiter's clock.</summary>
    private protected abstract Task Pass(TimeSpan time);

    [Fact]
    public async Task A_full_bucket_grants_its_burst_at_once_and_no_more()
    {
        Assert.Equal(5, await GrantsOf(20, Domain(perSecond: 0.1, burst: 5)));
    }

    [Fact]
    public async Task After_the_burst_one_permit_comes_free_in_each_interval()
    {
        var bucket = Domain(perSecond: 1, burst: 3);
        await GrantsOf(3, bucket);
        for (var i = 0; i < 2; i++)
        {
            await Pass(TimeSpan.FromMilliseconds(1001));
            Assert.Equal(1, await GrantsOf(2, bucket));
        }
    }

    [Fact]
    public async Task An_idle_bucket_fills_up_to_its_burst_and_not_beyond()
    {
        var bucket = Domain(perSecond: 1, burst: 2);
        await GrantsOf(2, bucket);
        await Pass(TimeSpan.FromSeconds(2.1));
        Assert.Equal(2, await GrantsOf(2, bucket));
        Assert.IsType<Permit.Refused>(await Take(bucket));
    }

    [Theory]
    [InlineData(0.5, 1)]
    [InlineData(1, 1)]
    [InlineData(0.75, 7)]
    public async Task A_refusal_tells_when_a_permit_is_free(double perSecond, int burst)
    {
        var bucket = Domain(perSecond, burst);
        await GrantsOf(burst, bucket);
        var interval = TimeSpan.FromSeconds(1 / perSecond);

        var delay = await RefusalOf(bucket);
        Assert.InRange(delay, interval - Tardiness, interval + Millisecond);

        await Pass(delay);
        Assert.IsType<Permit.Granted>(await Take(bucket));
    }

    [Fact]
    public async Task Refusals_in_a_row_are_given_slots_in_a_row()
    {
        var bucket = Domain(perSecond: 0.1, burst: 1);
        await Take(bucket);
        for (var slot = 10; slot <= 200; slot += 10)
            Assert.InRange(await RefusalOf(bucket), TimeSpan.FromSeconds(slot) - Tardiness, TimeSpan.FromSeconds(slot) + Millisecond);
    }

    [Fact]
    public async Task A_slot_reserves_nothing()
    {
        var bucket = Domain(perSecond: 1, burst: 1);
        await Take(bucket);
        for (var i = 0; i < 10; i++) await RefusalOf(bucket);
        await Pass(TimeSpan.FromMilliseconds(1001));
        Assert.IsType<Permit.Granted>(await Take(bucket));
    }

    [Fact]
    public async Task Nobody_waits_beyond_the_horizon_for_the_queue_alone()
    {
        var bucket = Domain(perSecond: 0.1, burst: 1);
        await Take(bucket);
        for (var i = 0; i < 95; i++) Assert.True(await RefusalOf(bucket) <= GcraState.SlotHorizon);
        Assert.Equal(GcraState.SlotHorizon, await RefusalOf(bucket));
    }

    [Fact]
    public async Task A_permit_that_is_free_only_after_the_horizon_is_told_so()
    {
        var bucket = Domain(perSecond: 1 / 3600.0, burst: 1);
        await Take(bucket);
        Assert.InRange(await RefusalOf(bucket), TimeSpan.FromHours(1) - Tardiness, TimeSpan.FromHours(1) + Millisecond);
    }

    [Fact]
    public async Task All_buckets_give_a_permit_or_none_does()
    {
        var roomy = Domain(perSecond: 0.1, burst: 10);
        var tight = Domain(perSecond: 0.01, burst: 1);
        Assert.IsType<Permit.Granted>(await Take(roomy, tight));
        for (var i = 0; i < 5; i++) Assert.IsType<Permit.Refused>(await Take(roomy, tight));
        Assert.Equal(9, await GrantsOf(20, roomy));
    }

    [Fact]
    public async Task The_slowest_of_the_refusing_buckets_sets_the_delay()
    {
        var (fast, slow) = (Domain(perSecond: 1, burst: 1), Domain(perSecond: 0.1, burst: 1));
        await Take(fast, slow);
        Assert.InRange(await RefusalOf(fast, slow), TimeSpan.FromSeconds(10) - Tardiness, TimeSpan.FromSeconds(10) + Millisecond);
    }

    [Fact]
    public async Task Buckets_of_other_names_and_other_tenants_are_others()
    {
        var bucket = Domain(perSecond: 0.1, burst: 1);
        Assert.IsType<Permit.Granted>(await Take(bucket));
        Assert.IsType<Permit.Granted>(await Take(Domain(perSecond: 0.1, burst: 1)));
        Assert.IsType<Permit.Granted>(await Limiter.Take(new SendPermitRequest(PrefixedId.New<TenantId>(), [bucket]), Ct));
    }

    [Fact]
    public async Task A_raised_rate_counts_at_once()
    {
        var bucket = Domain(perSecond: 0.001, burst: 1);
        await Take(bucket);
        var raised = new Bucket(bucket.Name, perSecond: 10, burst: 1);
        var delay = await RefusalOf(raised);
        Assert.InRange(delay, TimeSpan.Zero, TimeSpan.FromSeconds(0.1) + Millisecond);
        await Pass(delay);
        Assert.IsType<Permit.Granted>(await Take(raised));
    }

    [Fact]
    public async Task Callers_at_the_same_time_share_the_budget()
    {
        var bucket = Domain(perSecond: 0.01, burst: 50);
        var grants = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => GrantsOf(20, bucket), Ct)));
        Assert.Equal(50, grants.Sum());
    }

    [Theory]
    [InlineData(1, 200, 1)]
    [InlineData(2, 300, 20)]
    [InlineData(3, 70, 3)]
    [InlineData(4, 1000 / 3.0, 7)]
    [InlineData(5, 200, 41)]
    [InlineData(6, 400, 82)]
    public async Task Whatever_the_arrivals_no_window_exceeds_burst_and_rate(int seed, double perSecond, int burst)
    {
        var bucket = Domain(perSecond, burst);
        var random = new Random(seed);
        var grants = new List<(long Before, long After)>();
        for (var arrival = 0; arrival < 300; arrival++)
        {
            var before = Clock.GetTimestamp();
            var permit = await Take(bucket);
            if (permit is Permit.Granted) grants.Add((before, Clock.GetTimestamp()));
            // Floods, pauses, and those who come back when told to.
            if (random.Next(10) == 0) await Pass(TimeSpan.FromSeconds(random.NextDouble() * burst / perSecond));
            else if (permit is Permit.Refused(var delay) && random.Next(3) == 0) await Pass(delay < TimeSpan.FromSeconds(0.05) ? delay : TimeSpan.FromSeconds(0.05));
        }

        Assert.True(grants.Count > burst, "The trace is too tame to show anything.");
        AssertBound(grants, bucket);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(-1, 1)]
    [InlineData(double.NaN, 1)]
    [InlineData(double.PositiveInfinity, 1)]
    [InlineData(1, 0)]
    public void A_bucket_without_a_rate_or_a_burst_cannot_be_made(double perSecond, int burst)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Bucket("domain", perSecond, burst));
    }

    private protected static Bucket Domain(double perSecond, int burst) => new($"domain:{PrefixedId.New<DomainId>()}", perSecond, burst);

    private protected ValueTask<Permit> Take(params Bucket[] buckets) => Limiter.Take(new SendPermitRequest(Tenant, buckets), Ct);

    private protected async Task<int> GrantsOf(int requests, params Bucket[] buckets)
    {
        var grants = 0;
        for (var i = 0; i < requests; i++)
            if (await Take(buckets) is Permit.Granted) grants++;
        return grants;
    }

    /// <summary>Of grants in the order of the instants after them.</summary>
    private protected void AssertBound(List<(long Before, long After)> grants, Bucket bucket)
    {
        for (var first = 0; first < grants.Count; first++)
        {
            var earliest = long.MaxValue;
            for (var last = first; last < grants.Count; last++)
            {
                earliest = Math.Min(earliest, grants[last].Before);
                var window = (Clock.GetElapsedTime(earliest, grants[last].After) + Grain).TotalSeconds;
                if (last - first + 1 > bucket.Burst + bucket.PerSecond * window) Assert.Fail($"{last - first + 1} permits within {window} s.");
            }
        }
    }

    private protected async Task<TimeSpan> RefusalOf(params Bucket[] buckets) => Assert.IsType<Permit.Refused>(await Take(buckets)).Delay;
}
