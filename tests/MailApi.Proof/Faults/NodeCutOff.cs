using MailApi.Proof.Checking;
using MailApi.Proof.Ledgers;
using MailApi.Proof.Loading;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>
/// One of two nodes alone is cut off from the store, and nobody tells it, while receivers have its mail and hold their reply; the reply comes; then the way is whole again.
/// Within the time that a node may be silent, nobody misses it. After it, the other takes its leases and sends its mail again, in doubt, and what the first says then is too late.
/// </summary>
/// <param name="isMissed">Whether it is cut off for longer than a node may be silent.</param>
public sealed class NodeCutOff(bool isMissed) : Fault
{
    private const string Held = "hold-dot-1-";

    /// <summary>By now the other node has recorded what its own receivers said.</summary>
    private static readonly TimeSpan OthersRecord = TimeSpan.FromSeconds(10);

    private readonly TimeSpan away = TimeSpan.FromSeconds(isMissed ? 45 : 15);
    private TcpProxy? way;
    private HashSet<string> cutOff = [], others = [];

    public override string Name => isMissed ? "node-cut-off-and-missed" : "node-cut-off";
    public override string PassMark => isMissed
        ? "What receivers took of the node that was missed is flagged, and arrives once more at most (held mail ends unknown); nothing else is touched."
        : "What receivers took of the node that was cut off is recorded when the way is whole: delivered, once, without a doubt.";
    public override IReadOnlyList<Mode> Modes => [Mode.Distributed];
    public override int Nodes => 2;
    public override Expectations Expectations => new() { RateIsKept = false };
    public override LoadOptions Load => new() { MessagesPerSecond = 10, OddShare = 0.2, HoldShare = 0.3, Scripts = ["hold-dot-1@held"] };

    public override Task Prepare(Stand stand, CancellationToken ct)
    {
        way = Ways.ToStore(stand, node: 1);
        return Task.CompletedTask;
    }

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        stand.HoldsReplies = true;
        var before = stand.TakenFor(Held);
        await stand.Sink.WaitForHeld(20, TimeSpan.FromSeconds(60));
        way!.Hold();
        var kept = stand.TakenFor(Held).Except(before).ToList();
        stand.HoldsReplies = false;
        await Task.Delay(OthersRecord, TimeProvider.System, ct);
        var unrecorded = await OfTheSilentNode(stand, ct);
        (cutOff, others) = ([.. kept.Intersect(unrecorded)], [.. kept.Except(unrecorded)]);
        await Task.Delay(away - OthersRecord, TimeProvider.System, ct);
        way.Release();
    }

    public override IEnumerable<Violation> Check(Evidence evidence)
    {
        if (cutOff.Count == 0 || others.Count == 0) yield return new Violation("dot gate", "Both nodes must have mail whose reply is held: the fault was not felt.", null);
        foreach (var one in evidence.Cases)
        {
            if (isMissed && cutOff.Contains(one.Recipient) && one is not { Copies.Count: <= 2, Envelope: { State: "delivered" or "unknown", DuplicatePossible: true } })
                yield return new Violation("dot gate", "Its node was missed while its receiver had it, and it is not flagged and sent once more at most.", one);
            if ((others.Contains(one.Recipient) || (!isMissed && cutOff.Contains(one.Recipient))) && one is not { Copies.Count: 1, Envelope: { State: "delivered", DuplicatePossible: false } })
                yield return new Violation("dot gate", "Nobody was missed, and it is not recorded once and without a doubt.", one);
        }
    }

    private static async Task<IReadOnlyList<string>> OfTheSilentNode(Stand stand, CancellationToken ct)
    {
        await using var connection = await DatabaseLedger.Open(stand, ct);
        return await DatabaseLedger.Query(
            connection, $"select recipient from envelopes where state = 'sending' and recipient like '{Held}%' and node_id = (select id from nodes order by seen_at limit 1)", row => row.GetString(0), ct);
    }
}
