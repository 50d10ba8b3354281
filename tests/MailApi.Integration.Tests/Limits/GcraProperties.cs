using CsCheck;
using MailApi.Api;
using MailApi.Limits;
using MailApi.Testing;
using StackExchange.Redis;

namespace MailApi.Integration.Tests.Limits;

/// <summary>
/// The script on a real server against <see cref="LocalSendLimiter"/>, and against <see cref="LendingTwin"/> where it lends, at the same instants; and what
/// they promise of every window of time.
/// </summary>
[Collection(RedisFixture.Alone)]
public sealed class GcraProperties(RedisFixture redis) : IClassFixture<RedisFixture>
{
    /// <summary>The first instant: as far from zero as a server's clock is.</summary>
    private const long Epoch = 1_790_000_000_000_000;
    private static readonly long Late = (long)Loan.LateMax.TotalMicroseconds;
    private static readonly string Script = OnGivenInstants();

    /// <summary>A request at an instant, after the one before it; of the buckets, those whose bit is set.</summary>
    private sealed record Ask(long Microseconds, int Buckets);

    /// <summary>So many permits asked for at an instant after the one before; those that were granted are spent so much later, in turn.</summary>
    private sealed record Lending(long Microseconds, int Wanted, long[] Spent);

    private static readonly Gen<(double PerSecond, int Burst)> Rule = Gen.Select(Gen.OneOf(0.001, 0.1, 1, 3, 7.3, 100, 9_999, 1e6), Gen.OneOf(1, 2, 3, 10, 500));

    private static readonly Gen<Ask> AnyAsk = Gen.Select(
        Gen.Frequency((3, Gen.Const(0L)), (3, Gen.Long[1, 1_000]), (4, Gen.Long[1, 1_000_000]), (2, Gen.Long[1, 100_000_000]), (1, Gen.Long[1, 20_000_000_000])), Gen.Int[1, 7],
        (after, buckets) => new Ask(after, buckets));

    /// <summary>With bursts that what is spent late is a part of, little or all.</summary>
    private static readonly Gen<(double PerSecond, int Burst)> HighRule = Gen.Select(Gen.OneOf(40, 100, 1000 / 3.0, 1_000, 9_999), Gen.OneOf(0.5, 1, 1.1, 2, 4, 20),
        (perSecond, part) => (perSecond, Math.Max(1, (int)(perSecond * part * Late / 1e6))));

    private static readonly Gen<Lending> AnyLending = Gen.Select(
        Gen.Frequency((12, Gen.Const(0L)), (3, Gen.Long[1, 2_000]), (2, Gen.Long[1, 2 * Late]), (2, Gen.Const(Late)), (1, Gen.Long[1, 5_000_000])), Gen.OneOf(1, 1, 2, 8, 32),
        Gen.Frequency((1, Gen.Const(0L)), (2, Gen.Const(Late)), (1, Gen.Long[0, Late])).Array[1, 4],
        (after, wanted, spent) => new Lending(after, wanted, spent));

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
                var (fromRedis, fromTwin) = (ToPermit(await AskRedis(request, 1, clock.Now)), twin.TakeNow(request));
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
                if (await AskRedis(Request(tenant, [rule], ask with { Buckets = 1 }), 1, clock.Now) < 0) granted.Add(clock.Now);
            }
            AssertBound(granted, rule);
        },
        iter: Samples.Of(15), threads: 1, print: it => $"{it.Item1}: {string.Join(' ', it.Item2.AsEnumerable())}");

    [Fact]
    public Task Redis_lends_as_many_as_the_twin_does_also_when_rates_change() => Gen.Select(HighRule.Array[3], HighRule.Array[3], Gen.Select(AnyLending, Gen.Int[1, 7]).Array[1, 80]).SampleAsync(
        async (rules, changed, asks) =>
        {
            var (now, tenant, twin) = (0L, PrefixedId.New<TenantId>(), new LendingTwin());
            foreach (var (number, (lending, buckets)) in asks.Index())
            {
                now += lending.Microseconds;
                var request = Request(tenant, number < asks.Length / 2 ? rules : changed, new Ask(0, buckets));
                var (fromRedis, fromTwin) = (await AskRedis(request, lending.Wanted, now), twin.Take(request.Buckets, lending.Wanted, Late, now));
                Assert.True(fromRedis == fromTwin, $"Request {number} ({lending.Wanted} of {buckets}): Redis says {fromRedis}, the twin {fromTwin}.");
            }
        },
        iter: Samples.Of(25), threads: 1, print: it => $"{string.Join(' ', it.Item1)} then {string.Join(' ', it.Item2)}: {string.Join(' ', it.Item3.Select(ask => $"{ask.Item1.Microseconds}/{ask.Item1.Wanted}/{ask.Item2}"))}");

    [Fact]
    public Task No_window_holds_more_than_the_burst_and_its_rate_of_permits_that_are_spent_late() => Gen.Select(HighRule, AnyLending.Array[1, 150]).SampleAsync(
        async (rule, lendings) =>
        {
            var (now, tenant, spent) = (0L, PrefixedId.New<TenantId>(), new List<long>());
            foreach (var lending in lendings)
            {
                now += lending.Microseconds;
                var taken = -await AskRedis(Request(tenant, [rule], new Ask(0, Buckets: 1)), lending.Wanted, now);
                // One alone is the asker's, who spends it.
                for (var i = 0; i < taken; i++) spent.Add(taken == 1 ? now : now + lending.Spent[i % lending.Spent.Length]);
            }
            spent.Sort();
            AssertBound(spent, rule);
        },
        iter: Samples.Of(25), threads: 1, print: it => $"{it.Item1}: {string.Join(' ', it.Item2.Select(lending => $"{lending.Microseconds}/{lending.Wanted}/{string.Join(',', lending.Spent)}"))}");

    private static SendPermitRequest Request(TenantId tenant, (double PerSecond, int Burst)[] rules, Ask ask) =>
        new(tenant, [.. rules.Index().Where(it => (ask.Buckets >> it.Index & 1) == 1).Select(it => new Bucket($"bucket{it.Index}", it.Item.PerSecond, it.Item.Burst))]);

    private async Task<long> AskRedis(SendPermitRequest request, int wanted, long now)
    {
        RedisKey[] keys = [.. request.Buckets.Select(bucket => (RedisKey)$"mailapi:permits:{{{request.Tenant}}}:{bucket.Name}")];
        RedisValue[] values =
        [
            (long)GcraState.SlotHorizon.TotalMicroseconds, wanted, Late, .. request.Buckets.SelectMany(bucket => (RedisValue[])[bucket.Rule.Interval, bucket.Burst, 0]), Epoch + now,
        ];
        return (long)await redis.Database.ScriptEvaluateAsync(Script, keys, values);
    }

    private static Permit ToPermit(long answer) => answer == -1 ? Permit.Granted.Instance : Permit.Refused.For(answer);

    /// <summary>Of instants in order.</summary>
    private static void AssertBound(List<long> spent, (double PerSecond, int Burst) rule)
    {
        Assert.NotEmpty(spent);
        for (var from = 0; from < spent.Count; from++)
            for (var to = from; to < spent.Count; to++)
                if (to - from + 1 > rule.Burst + rule.PerSecond * (spent[to] - spent[from]) / 1e6) Assert.Fail($"{to - from + 1} permits within {spent[to] - spent[from]} µs.");
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
