using MailApi.Proof.Checking;
using MailApi.Proof.Loading;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>What can happen to Redis, and must cost neither an accept nor mail; rates are kept, but for what was forgotten.</summary>
public abstract class CountersFault : Fault
{
    public override string PassMark => "Every accept succeeds, nothing is lost, no copy is made or feared; a sending rate is exceeded by one burst a time that its count is forgotten.";
    public override IReadOnlyList<Mode> Modes => [Mode.Distributed];
    public override Expectations Expectations => new() { EveryAcceptSucceeds = true, RateRecovers = true, BurstsForgotten = Forgotten };

    // Less than is asked of it, so that whoever forgot to count would be seen.
    public override LoadOptions Load => new() { LimitedPerSecond = 5 };

    /// <summary>How often it forgets.</summary>
    protected abstract int Forgotten { get; }

    public override IEnumerable<Violation> Check(Evidence evidence) => Doubts.In(evidence);
}

/// <summary>kill -9; it comes back empty.</summary>
public sealed class CountersKilled : CountersFault
{
    public override string Name => "redis-killed";
    protected override int Forgotten => 2;

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        for (var kills = 0; kills < 2; kills++)
        {
            await stand.Servers!.Redis.KillAsync();
            await Task.Delay(TimeSpan.FromSeconds(2 + random.Next(5)), TimeProvider.System, ct);
            await stand.Servers.Redis.StartAgainAsync(ct);
            await Task.Delay(TimeSpan.FromSeconds(2 + random.Next(3)), TimeProvider.System, ct);
        }
    }
}

/// <summary>FLUSHALL: every count is gone.</summary>
public sealed class CountersFlushed : CountersFault
{
    public override string Name => "redis-flushall";
    protected override int Forgotten => 3;

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        for (var times = 0; times < 3; times++)
        {
            await stand.Servers!.Redis.RunAsync(ct, "FLUSHALL");
            await Task.Delay(TimeSpan.FromSeconds(1 + random.Next(3)), TimeProvider.System, ct);
        }
    }
}

/// <summary>SCRIPT FLUSH: the script is gone, the counts are not.</summary>
public sealed class ScriptsFlushed : CountersFault
{
    public override string Name => "redis-script-flush";
    protected override int Forgotten => 0;

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        for (var times = 0; times < 20; times++)
        {
            await stand.Servers!.Redis.RunAsync(ct, "SCRIPT", "FLUSH");
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(500)), TimeProvider.System, ct);
        }
    }
}

/// <summary>The way to it is reset, then silent with its connections open, then slower than its answers are waited for.</summary>
public sealed class CountersWayBad : CountersFault
{
    private TcpProxy? way;

    public override string Name => "redis-way-bad";

    // Each time that it is away, a node begins with counts of its own.
    protected override int Forgotten => 3;

    public override Task Prepare(Stand stand, CancellationToken ct)
    {
        way = Ways.ToCounters(stand);
        return Task.CompletedTask;
    }

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        way!.Reset();
        await Task.Delay(TimeSpan.FromSeconds(2 + random.Next(2)), TimeProvider.System, ct);
        await way.BeSilentThenSlow(TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(400), ct);
    }
}
