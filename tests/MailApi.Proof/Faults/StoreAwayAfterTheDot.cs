using MailApi.Proof.Checking;
using MailApi.Proof.Loading;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>
/// Receivers have the mail and hold their reply; the store goes; the reply comes. The nodes know what happened and cannot say it until the store is back,
/// longer than a node may be silent.
/// </summary>
public sealed class StoreAwayAfterTheDot : Fault
{
    private const string Held = "hold-dot-1-";
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(40);
    private HashSet<string> held = [];

    public override string Name => "store-away-after-the-dot";
    public override string PassMark => "What the receivers took while the store was away is recorded when it is back: delivered, once, without a doubt.";
    public override IReadOnlyList<Mode> Modes => [Mode.Distributed];
    public override int Nodes => 2;
    public override Expectations Expectations => new() { RateIsKept = false };
    public override LoadOptions Load => new() { MessagesPerSecond = 10, OddShare = 0.2, HoldShare = 0.3, Scripts = ["hold-dot-1@held"] };

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        stand.HoldsReplies = true;
        var before = stand.TakenFor(Held);
        await stand.Sink.WaitForHeld(12, TimeSpan.FromSeconds(60));
        await stand.Servers!.PostgreSql.KillAsync();
        held = [.. stand.TakenFor(Held).Except(before)];
        stand.HoldsReplies = false;
        await Task.Delay(Away, TimeProvider.System, ct);
        await stand.Servers.PostgreSql.StartAgainAsync(ct);
    }

    public override IEnumerable<Violation> Check(Evidence evidence)
    {
        if (held.Count == 0) yield return new Violation("dot gate", "No receiver had mail when the store went: the fault was not felt.", null);
        foreach (var one in evidence.Cases.Where(one => held.Contains(one.Recipient) && (one.Copies.Count > 1 || one.Envelope is not { State: "delivered", DuplicatePossible: false })))
            yield return new Violation("dot gate", "It was taken while the store was away, and that is not what the store says.", one);
    }
}
