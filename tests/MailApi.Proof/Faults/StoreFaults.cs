using MailApi.Proof.Checking;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>What can happen to PostgreSQL. A node that loses it refuses, and remembers what receivers have said until it is back.</summary>
public abstract class StoreFault : Fault
{
    public override string PassMark => "No 202 without its row, nothing is lost, no copy is made or feared, and within a minute mail moves as before.";
    public override IReadOnlyList<Mode> Modes => [Mode.Distributed];
    public override Expectations Expectations => new() { RateRecovers = true };

    public override IEnumerable<Violation> Check(Evidence evidence) => Doubts.In(evidence);
}

/// <summary>kill -9 of the postmaster and its workers, and a restart on the same data.</summary>
public sealed class StoreKilled : StoreFault
{
    public override string Name => "postgresql-killed";

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        for (var kills = 0; kills < 3; kills++)
        {
            await stand.Servers!.PostgreSql.KillAsync();
            await Task.Delay(TimeSpan.FromSeconds(random.Next(4)), TimeProvider.System, ct);
            await stand.Servers.PostgreSql.StartAgainAsync(ct);
            await Task.Delay(TimeSpan.FromSeconds(2 + random.Next(4)), TimeProvider.System, ct);
        }
    }
}

/// <summary>pg_terminate_backend of every connection, again and again.</summary>
public sealed class StoreConnectionsCut : StoreFault
{
    public override string Name => "postgresql-connections-cut";

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        for (var times = 0; times < 15; times++)
        {
            await stand.Servers!.PostgreSql.TerminateConnectionsAsync(ct);
            await Task.Delay(TimeSpan.FromMilliseconds(200 + random.Next(1500)), TimeProvider.System, ct);
        }
    }
}

/// <summary>The way to it loses answers (a commit may be done and nobody told), is silent, and is slow.</summary>
public sealed class StoreWayBad : StoreFault
{
    private TcpProxy? way;

    public override string Name => "postgresql-way-bad";

    public override Task Prepare(Stand stand, CancellationToken ct)
    {
        way = Ways.ToStore(stand);
        return Task.CompletedTask;
    }

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        for (var losses = 0; losses < 5; losses++)
        {
            // What is asked in this time is done, and its answer does not come.
            way!.HoldToClient();
            await Task.Delay(TimeSpan.FromMilliseconds(50 + random.Next(300)), TimeProvider.System, ct);
            way.Reset();
            way.Release();
            await Task.Delay(TimeSpan.FromSeconds(1 + random.Next(2)), TimeProvider.System, ct);
        }
        await way!.BeSilentThenSlow(TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(20), ct);
    }
}
