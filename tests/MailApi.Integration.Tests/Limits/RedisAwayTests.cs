using System.Diagnostics.Metrics;
using MailApi.Api;
using MailApi.Limits;
using Xunit;

namespace MailApi.Integration.Tests.Limits;

/// <summary>While Redis is away mail keeps moving, slower; each test has a server of its own to take away.</summary>
[Collection(RedisFixture.Alone)]
public sealed class RedisAwayTests : IAsyncLifetime
{
    private readonly RedisFixture redis = new();
    private readonly TenantId tenant = PrefixedId.New<TenantId>();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => redis.InitializeAsync();

    public ValueTask DisposeAsync() => redis.DisposeAsync();

    [Fact]
    public async Task Without_Redis_a_node_grants_half_the_rate_and_no_burst()
    {
        var limiter = await redis.ConnectedNode();
        var fallbacksBefore = Fallbacks();
        await redis.Server.Kill();

        var start = TimeProvider.System.GetTimestamp();
        var grants = 0;
        await RedisFixture.Until(async () =>
        {
            if (await limiter.Take(Request(perSecond: 20, burst: 1000), Ct) is Permit.Granted) grants++;
            return grants == 10;
        });
        Assert.True(TimeProvider.System.GetElapsedTime(start).TotalSeconds >= 1, "10 permits at half of 20 a second take a second.");
        Assert.Equal(fallbacksBefore + 1, Fallbacks());
    }

    [Fact]
    public async Task A_start_without_Redis_neither_waits_nor_sends_without_limit()
    {
        await redis.Server.Kill();
        var start = TimeProvider.System.GetTimestamp();
        var (limiter, connection) = await redis.Node();
        var permit = await limiter.Take(Request(perSecond: 0.1, burst: 100), Ct);
        Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(4));
        Assert.IsType<Permit.Refused>(permit);

        await redis.Server.Start(Ct);
        await RedisFixture.Until(async () => await limiter.Take(Request(perSecond: 0.1, burst: 100), Ct) is Permit.Granted);
        Assert.NotNull(connection.Database);
    }

    [Fact]
    public async Task A_frozen_server_delays_one_call_and_no_other_until_the_next_probe()
    {
        var limiter = await redis.ConnectedNode();
        await limiter.Take(Request(perSecond: 0.1, burst: 100), Ct);
        await redis.Server.Signal("STOP");

        var start = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < 200; i++) Assert.IsType<Permit.Refused>(await limiter.Take(Request(perSecond: 0.1, burst: 100), Ct));
        // Each in turn would take a hundred seconds.
        Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(20));

        await redis.Server.Signal("CONT");
        await RedisFixture.Until(async () => await limiter.Take(Request(perSecond: 0.1, burst: 100), Ct) is Permit.Granted);
    }

    [Fact]
    public async Task Those_who_wait_for_permits_that_another_borrows_wait_no_longer_than_it_does()
    {
        var limiter = await redis.ConnectedNode();
        var request = Request(perSecond: 10_000, burst: 10_000);
        for (var i = 0; i < 200; i++) Assert.IsType<Permit.Granted>(await limiter.Take(request, Ct));
        await redis.Server.Signal("STOP");

        var start = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => limiter.Take(request, Ct).AsTask()));
        Assert.True(TimeProvider.System.GetElapsedTime(start) < 4 * RedisSendLimiter.AnswerTimeout);
        Assert.True(limiter.IsAway);

        await redis.Server.Signal("CONT");
        await RedisFixture.Until(async () => await limiter.Take(request, Ct) is Permit.Granted && !limiter.IsAway);
    }

    [Fact]
    public async Task Back_again_Redis_is_charged_for_what_was_granted_without_it()
    {
        var limiter = await redis.ConnectedNode();
        var request = Request(perSecond: 4, burst: 100);
        await limiter.Take(request, Ct);
        var fallbacksBefore = Fallbacks();

        // A server that is there and refuses to write, with its memory whole.
        await redis.Admin.ConfigSetAsync("min-replicas-to-write", "1");
        var grants = 0;
        await RedisFixture.Until(async () =>
        {
            if (await limiter.Take(request, Ct) is Permit.Granted) grants++;
            return grants == 3;
        });
        Assert.Equal(fallbacksBefore + 1, Fallbacks());

        await redis.Admin.ConfigSetAsync("min-replicas-to-write", "0");
        await RedisFixture.Until(async () =>
        {
            await limiter.Take(request, Ct);
            return Fallbacks() == fallbacksBefore;
        });
        // The bucket fills in 250 ms for the permit just taken, and in 250 ms for each taken without Redis.
        var life = await redis.Database.KeyTimeToLiveAsync($"mailapi:permits:{{{tenant}}}:domain");
        Assert.True(life > TimeSpan.FromMilliseconds(300), $"{life}");
    }

    private SendPermitRequest Request(double perSecond, int burst) => new(tenant, [new Bucket("domain", perSecond, burst)]);

    private static int Fallbacks()
    {
        var value = 0;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == LimitMetrics.Fallback) self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<int>((_, measured, _, _) => value = measured);
        listener.Start();
        listener.RecordObservableInstruments();
        return value;
    }
}
