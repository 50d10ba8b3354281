using MailApi.Proof.Checking;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>SIGTERM while sessions are open, and the next start, again and again.</summary>
public sealed class OrderlyStop : Fault
{
    private const int Stops = 3;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);

    public override string Name => "orderly-stop";
    public override string PassMark => "What is past its dot is finished, the rest is released: no copy is made or feared, and nothing is lost.";

    public override Expectations Expectations => new() { BurstsForgotten = Stops, RateRecovers = true };

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        for (var stops = 0; stops < Stops; stops++)
        {
            var node = stand.Nodes[random.Next(stand.Nodes.Count)];
            if (!await node.TerminateAsync(Grace)) throw new InvalidOperationException($"SIGTERM did not end it within {Grace}.\n{node.Output}");
            await node.StartAgainAsync(ct);
            await Task.Delay(TimeSpan.FromSeconds(2 + random.Next(3)), TimeProvider.System, ct);
        }
    }

    public override IEnumerable<Violation> Check(Evidence evidence) => Doubts.In(evidence);
}
