using MailApi.Proof.Checking;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>
/// The store's clock, which alone is compared, jumps: forward as when a machine is resumed, back as when its time is corrected.
/// Monotonic clocks go on. In embedded mode the store's clock is the program's.
/// </summary>
public sealed class ClockJumps(string name, TimeSpan jump) : Fault
{
    private FakeClock? clock;
    private bool isStoresAlone;

    public override string Name => name;

    public override string PassMark => jump > TimeSpan.Zero
        ? "No lease of a node that lives is lost to the jump: no copy is made or feared, and nothing is lost."
        : "What waits is late by the jump at most; new mail is not; no copy is made or feared, and nothing is lost.";

    public override int Nodes => 2;

    // In embedded mode the same clock dates the webhooks' signatures, and a date that is an hour off is rightly refused.
    public override Expectations Expectations => new() { EveryAcceptSucceeds = true, RateRecovers = true, WebhooksArrive = isStoresAlone };

    public override async Task Prepare(Stand stand, CancellationToken ct)
    {
        clock = stand.Keep(new FakeClock());
        isStoresAlone = stand.Mode == Mode.Distributed;
        if (stand.Servers is { } servers)
        {
            await servers.PostgreSql.StopAsync();
            servers.PostgreSql.Clock = clock;
            await servers.PostgreSql.StartAgainAsync(ct);
        }
        else
        {
            foreach (var (variable, value) in clock.Environment) stand.Settings[variable] = value!;
        }
    }

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        clock!.Jump(jump);
        await Task.Delay(FakeClock.NoticedWithin + TimeSpan.FromSeconds(10), TimeProvider.System, ct);
    }

    public override IEnumerable<Violation> Check(Evidence evidence) => Doubts.In(evidence);
}
