using MailApi.Proof.Checking;
using MailApi.Proof.Ledgers;
using MailApi.Proof.Loading;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>
/// One of two nodes is stopped by SIGSTOP while receivers let it wait for the go-ahead (354), so long that the other takes its leases and sends its mail;
/// then it is continued, says that it lives, and is given the go-ahead. A final dot of its would be a second copy.
/// </summary>
/// <param name="lease">How long a claim is leased; null: as long as is usual.</param>
public sealed class NodeStopped(TimeSpan? lease) : Fault
{
    private const string Waiting = "hold-data-1-";
    private const string Stopped = "node 1 is stopped", Continued = "node 1 is continued";

    /// <summary>What the node had sent last may have been read so much later.</summary>
    private static readonly TimeSpan Lag = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan TakenPatience = TimeSpan.FromMinutes(3);

    public override string Name => lease is null ? "node-stopped" : "node-stopped-past-its-lease";
    public override string PassMark => "The node that was stopped sends no final dot: none of the mail that waited for its go-ahead arrives twice.";
    public override IReadOnlyList<Mode> Modes => [Mode.Distributed];
    public override int Nodes => 2;
    public override Expectations Expectations => new() { RateIsKept = false };
    public override LoadOptions Load => new() { MessagesPerSecond = 10, OddShare = 0.2, HoldShare = 0, Scripts = ["hold-data-1@held"] };

    public override Task Prepare(Stand stand, CancellationToken ct)
    {
        if (lease is { } time) stand.Settings["Delivery__Lease"] = time.ToString();
        return Task.CompletedTask;
    }

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        stand.HoldsReplies = true;
        await stand.Sink.WaitForHeld(12, TimeSpan.FromSeconds(60));
        var node = stand.Nodes[1];
        node.Process.Freeze();
        await stand.Timeline.Disturbed(Stopped);
        var stopped = await Beats(stand, ct);
        // Both have mail that waits; the one that lives keeps its.
        await Eventually.HoldsAsync(async () => await TakenBack(stand, ct) > 0, TimeSpan.FromSeconds(1), TakenPatience, "the other node takes the leases", ct);
        node.Process.Thaw();
        await stand.Timeline.Disturbed(Continued);
        await Eventually.HoldsAsync(async () => (await Beats(stand, ct)).Zip(stopped).All(pair => pair.First.Seen > pair.Second.Seen), TimeSpan.FromSeconds(1), TakenPatience, "the node is heard again", ct);
        stand.HoldsReplies = false;
    }

    public override IEnumerable<Violation> Check(Evidence evidence)
    {
        var waited = evidence.Cases.Where(one => one.Recipient.StartsWith(Waiting, StringComparison.Ordinal)).ToList();
        if (!waited.Exists(one => one.Envelope?.DuplicatePossible == true)) yield return new Violation("dot gate", "No mail was waiting when its lease was taken: nothing was tried.", null);
        foreach (var one in waited.Where(one => one.Copies.Count > 1)) yield return new Violation("dot gate", "The node that was stopped sent the final dot of mail that was another's.", one);

        // Whatever else was under way: what the other node had sent while this one stood still must not come once more when it goes on.
        var (stopped, continued) = (At(evidence, Stopped) + Lag, At(evidence, Continued));
        foreach (var one in evidence.Cases.Where(one => one.Copies.Any(copy => copy.Time > stopped && copy.Time < continued) && one.Copies.Any(copy => copy.Time > continued)))
            yield return new Violation("dot gate", "It was sent while the node stood still, and again when it went on.", one);
    }

    private static DateTimeOffset At(Evidence evidence, string what) => evidence.Timeline.First(mark => mark.What == what).Time;

    private static async Task<long> TakenBack(Stand stand, CancellationToken ct)
    {
        await using var connection = await DatabaseLedger.Open(stand, ct);
        return (await DatabaseLedger.Query(
            connection, $"select count(*) from envelopes where recipient like '{Waiting}%' and duplicate_possible and state = 'delivered'", row => row.GetInt64(0), ct))[0];
    }

    private static async Task<List<(Guid Node, long Seen)>> Beats(Stand stand, CancellationToken ct)
    {
        await using var connection = await DatabaseLedger.Open(stand, ct);
        return await DatabaseLedger.Query(connection, "select id, seen_at from nodes order by id", row => (row.GetGuid(0), row.GetInt64(1)), ct);
    }
}
