using CsCheck;
using MailApi.Api;
using MailApi.Limits;
using MailApi.Testing;
using StackExchange.Redis;

namespace MailApi.Integration.Tests.Limits;

/// <summary>The script on a real server against <see cref="LocalSendLimiter"/>, at the same instants; and what both promise of every window of time.</summary>
[Collection(RedisFixture.Alone)]
public sealed class GcraProperties(RedisFixture redis) : IClassFixture<RedisFixture>
{
    /// <summary>The first instant: as far from zero as a server's clock is.</summary>
    private const long Epoch = 1_790_000_000_000_000;
    private static readonly string Script = OnGivenInstants();

    /// <summary>A request at an instant, after the one before it; of the buckets, those whose bit is set.</summary>
    private sealed record Ask(long Microseconds, int Buckets);

    private static readonly Gen<(double PerSecond, int Burst)> Rule = Gen.Select(Gen.OneOf(0.001, 0.1, 1, 3, 7.3, 100, 9_999, 1e6), Gen.OneOf(1, 2, 3, 10, 500));

    private static readonly Gen<Ask> AnyAsk = Gen.Select(
        Gen.Frequency((3, Gen.Const(0L)), (3, Gen.Long[1, 1_000]), (4, Gen.Long[1, 1_000_000]), (2, Gen.Long[1, 100_000_000]), (1, Gen.Long[1, 20_000_000_000])), Gen.Int[1, 7],
        (after, buckets) => new Ask(after, buckets));

    [Fact]
    public Task Redis_answers_as_the_twin_in_this_process_does_also_when_rates_change() => Gen.Select(Rule.Array[3], Rule.Array[3], AnyAsk.Array[1, 80]).SampleAsync(
        async (rules, changed, asks) =>
        {
            var (clock, tenant) = (new Instants(), PrefixedId.New<TenantId>());
            var twin = new LocalSendLimiter(clock);
            foreach (var (number, ask) in asks.Index())
            {
                clock.Now += ask.Microseconds;
                var request = Request(tenant, number < asks.Length / 2 ? rules : changed, ask);
                var (fromRedis, fromTwin) = (await AskRedis(request, clock.Now), twin.TakeNow(request));
                Assert.True(fromRedis == fromTwin, $"Request {number} ({ask}): Redis says {fromRedis}, the twin {fromTwin}.");
            }
        },
        iter: Samples.Of(25), threads: 1, print: it => $"{string.Join(' ', it.Item1)} then {string.Join(' ', it.Item2)}: {string.Join(' ', it.Item3.AsEnumerable())}");

    [Fact]
    public Task No_window_holds_more_than_the_burst_and_its_rate() => Gen.Select(Rule, AnyAsk.Array[1, 150]).SampleAsync(
        async (rule, asks) =>
        {
            var (clock, tenant, granted) = (new Instants(), PrefixedId.New<TenantId>(), new List<long>());
            foreach (var ask in asks)
            {
                clock.Now += ask.Microseconds;
                if (await AskRedis(Request(tenant, [rule], ask with { Buckets = 1 }), clock.Now) is Permit.Granted) granted.Add(clock.Now);
            }
            Assert.NotEmpty(granted);
            for (var from = 0; from < granted.Count; from++)
                for (var to = from; to < granted.Count; to++)
                    Assert.True(to - from + 1 <= rule.Burst + rule.PerSecond * (granted[to] - granted[from]) / 1e6, $"{to - from + 1} permits within {granted[to] - granted[from]} µs.");
        },
        iter: Samples.Of(15), threads: 1, print: it => $"{it.Item1}: {string.Join(' ', it.Item2.AsEnumerable())}");

    private static SendPermitRequest Request(TenantId tenant, (double PerSecond, int Burst)[] rules, Ask ask) =>
        new(tenant, [.. rules.Index().Where(it => (ask.Buckets >> it.Index & 1) == 1).Select(it => new Bucket($"bucket{it.Index}", it.Item.PerSecond, it.Item.Burst))]);

    private async Task<Permit> AskRedis(SendPermitRequest request, long now)
    {
        RedisKey[] keys = [.. request.Buckets.Select(bucket => (RedisKey)$"mailapi:permits:{{{request.Tenant}}}:{bucket.Name}")];
        RedisValue[] values = [(long)GcraState.SlotHorizon.TotalMicroseconds, .. request.Buckets.SelectMany(bucket => (RedisValue[])[bucket.Rule.Interval, bucket.Burst, 0]), Epoch + now];
        var delay = (long)await redis.Database.ScriptEvaluateAsync(Script, keys, values);
        return delay == 0 ? Permit.Granted.Instance : Permit.Refused.For(delay);
    }

    /// <summary>The script that the service runs, but that it is told the time, and that a key does not end by the clock on the wall.</summary>
    private static string OnGivenInstants()
    {
        using var stream = typeof(RedisSendLimiter).Assembly.GetManifestResourceStream("MailApi.Limits.gcra.lua")!;
        using var reader = new StreamReader(stream);
        var script = reader.ReadToEnd();
        return Put(Put(Put(script, "redis.call('TIME')", "{0, ARGV[#ARGV]}"), "tonumber(time[1]) * 1000000 + tonumber(time[2])", "tonumber(time[2])"), ", 'PX', string.format('%.0f', idleIn)", "");

        static string Put(string text, string old, string fresh) => text.Split(old) is [var before, var after] ? before + fresh + after : throw new InvalidOperationException($"The script has not one '{old}'.");
    }

    private sealed class Instants : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => Now;
    }
}
