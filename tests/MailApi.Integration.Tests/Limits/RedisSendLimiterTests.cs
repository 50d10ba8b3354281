using System.Globalization;
using System.Text.RegularExpressions;
using MailApi.Limits;
using MailApi.Tests.Limits;
using Xunit;

namespace MailApi.Integration.Tests.Limits;

[Collection(RedisFixture.Alone)]
public sealed partial class RedisSendLimiterTests(RedisFixture redis) : SendLimiterContract, IClassFixture<RedisFixture>, IAsyncLifetime
{
    private RedisSendLimiter limiter = null!;

    private protected override ISendLimiter Limiter => limiter;
    private protected override TimeProvider Clock => TimeProvider.System;
    private protected override TimeSpan Tardiness => TimeSpan.FromSeconds(1);

    public async ValueTask InitializeAsync() => limiter = await redis.ConnectedNode();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>By the clock: the platform's timers run on a coarser one and end some 4 ms early.</summary>
    private protected override async Task Pass(TimeSpan time)
    {
        var start = Clock.GetTimestamp();
        while (Clock.GetElapsedTime(start) is var passed && passed < time) await Task.Delay(time - passed + TimeSpan.FromMilliseconds(1), Clock, Ct);
    }

    [Fact]
    public async Task Two_nodes_share_one_budget()
    {
        var bucket = Domain(perSecond: 0.1, burst: 10);
        var request = new SendPermitRequest(Tenant, [bucket]);
        var other = await redis.ConnectedNode();
        Assert.Equal(4, await GrantsOf(4, bucket));
        for (var i = 0; i < 6; i++) Assert.IsType<Permit.Granted>(await other.Take(request, Ct));
        Assert.IsType<Permit.Refused>(await other.Take(request, Ct));
        Assert.IsType<Permit.Refused>(await Take(bucket));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task At_a_high_rate_one_script_serves_many_permits(int callers)
    {
        const int Permits = 2_000;
        var bucket = Domain(perSecond: 10_000, burst: 10_000);
        var before = await Scripts();
        var grants = await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(() => GrantsOf(Permits / callers, bucket), Ct)));
        Assert.Equal(Permits, grants.Sum());
        Assert.InRange(await Scripts() - before, 1, Permits / 4);
    }

    [Theory]
    [InlineData(50)]
    [InlineData(99)]
    public async Task At_an_ordinary_rate_nothing_is_borrowed(double perSecond)
    {
        var bucket = Domain(perSecond, burst: 1_000);
        var before = await Scripts();
        Assert.Equal(100, await GrantsOf(100, bucket));
        Assert.Equal(100, await Scripts() - before);
    }

    [Fact]
    public async Task Nodes_that_borrow_keep_to_one_budget()
    {
        var bucket = Domain(perSecond: 1_000, burst: 250);
        ISendLimiter[] nodes = [limiter, await redis.ConnectedNode()];
        var start = Clock.GetTimestamp();
        var traces = await Task.WhenAll(Enumerable.Range(0, 6).Select(caller => Task.Run(async () =>
        {
            var (random, grants) = (new Random(caller), new List<(long Before, long After)>());
            while (Clock.GetElapsedTime(start) < TimeSpan.FromSeconds(1.5))
            {
                var before = Clock.GetTimestamp();
                if (await nodes[caller % 2].Take(new SendPermitRequest(Tenant, [bucket]), Ct) is Permit.Granted) grants.Add((before, Clock.GetTimestamp()));
                if (random.Next(40) == 0) await Pass(TimeSpan.FromSeconds(random.NextDouble() * 0.1));
            }
            return grants;
        }, Ct)));
        var all = traces.SelectMany(trace => trace).OrderBy(grant => grant.After).ToList();
        Assert.True(all.Count > bucket.Burst);
        AssertBound(all, bucket);
    }

    [Fact]
    public async Task A_server_that_forgot_the_script_is_taught_again()
    {
        var bucket = Domain(perSecond: 0.1, burst: 2);
        await Take(bucket);
        await redis.Admin.ScriptFlushAsync();
        Assert.Equal(1, await GrantsOf(5, bucket));
    }

    [Fact]
    public async Task A_flush_costs_at_most_one_burst_more()
    {
        var bucket = Domain(perSecond: 0.1, burst: 3);
        var before = await GrantsOf(5, bucket);
        await redis.Admin.FlushAllDatabasesAsync();
        Assert.Equal((3, 3), (before, await GrantsOf(5, bucket)));
    }

    [Fact]
    public async Task Keys_carry_the_tenants_hash_tag_and_end_when_they_say_nothing()
    {
        var bucket = Domain(perSecond: 0.5, burst: 2);
        var key = $"mailapi:permits:{{{Tenant}}}:{bucket.Name}";
        await Take(bucket);
        var life = await redis.Database.KeyTimeToLiveAsync(key);
        Assert.InRange(life!.Value, TimeSpan.FromTicks(1), TimeSpan.FromMilliseconds(2001));
        await RedisFixture.Until(async () => !await redis.Database.KeyExistsAsync(key));
    }

    [Fact]
    public async Task A_clock_set_back_blocks_nobody()
    {
        var bucket = Domain(perSecond: 10, burst: 1);
        var tomorrow = (TimeProvider.System.GetUtcNow() + TimeSpan.FromDays(1)).ToUnixTimeMilliseconds() * 1000;
        await redis.Database.StringSetAsync($"mailapi:permits:{{{Tenant}}}:{bucket.Name}", $"{tomorrow} {tomorrow}");
        await RefusalOf(bucket);
        await Pass(TimeSpan.FromSeconds(0.1));
        Assert.IsType<Permit.Granted>(await Take(bucket));
    }

    /// <summary>How many scripts the server has run.</summary>
    private async Task<long> Scripts()
    {
        var commands = (await redis.Admin.InfoAsync("commandstats")).SelectMany(section => section);
        return commands.Where(command => command.Key is "cmdstat_eval" or "cmdstat_evalsha").Sum(command => long.Parse(Calls().Match(command.Value).Groups[1].Value, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"^calls=(\d+),")]
    private static partial Regex Calls();
}
