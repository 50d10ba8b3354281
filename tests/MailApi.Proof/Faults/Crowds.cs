using MailApi.Proof.Checking;
using MailApi.Proof.Loading;

namespace MailApi.Proof.Faults;

/// <summary>Ten messages to a thousand recipients each, at once.</summary>
public sealed class Storm : Fault
{
    private const int Messages = 10, Recipients = 1000;

    public override string Name => "storm";
    public override string PassMark => "Ten thousand recipients are accepted and reached once each, and others are accepted meanwhile.";

    // Twenty thousand events are told as well, four at a time.
    public override TimeSpan Patience => TimeSpan.FromMinutes(10);
    public override LoadOptions Load => new() { MessagesPerSecond = 10 };
    public override Expectations Expectations => new() { EveryAcceptSucceeds = true };

    public override Task Inflict(Stand stand, Random random, CancellationToken ct) => Task.WhenAll(Enumerable.Range(0, Messages).Select(index => stand.Load.SendBeside(number => new Intent(
        number, stand.Tenants[0], $"storm-{index}", [.. Enumerable.Range(0, Recipients).Select(recipient => $"i{number}x{recipient}@ok{recipient % 4}.test")],
        Hold: false, "notification", "Everyone is told.\n", Clients: 1), ct)));

    public override IEnumerable<Violation> Check(Evidence evidence)
    {
        var reached = evidence.Cases.Count(one => one.Intent.Number >= Loading.Load.FirstBeside && one.Envelope?.State == "delivered");
        if (reached != Messages * Recipients) yield return new Violation("I1", $"{reached} of {Messages * Recipients} were reached.", null);
        foreach (var violation in Doubts.In(evidence)) yield return violation;
    }
}

/// <summary>Fifty clients send the same message under the same idempotency key at the same moment.</summary>
public sealed class SameKey : Fault
{
    private const int Clients = 50, Rounds = 10;

    public override string Name => "same-key";
    public override string PassMark => "One message a key, and the same answer to each of the fifty.";
    public override int Nodes => 2;
    public override LoadOptions Load => new() { MessagesPerSecond = 10 };
    public override Expectations Expectations => new() { EveryAcceptSucceeds = true };

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        for (var round = 0; round < Rounds; round++)
        {
            await stand.Load.SendBeside(number => new Intent(
                number, stand.Tenants[random.Next(stand.Tenants.Count)], $"same-{number}", [$"i{number}x0@ok0.test", $"i{number}x1@ok1.test"],
                Hold: false, "support", "Only once, please.\n", Clients), ct);
        }
    }

    public override IEnumerable<Violation> Check(Evidence evidence)
    {
        foreach (var one in evidence.Cases.Where(one => one.Intent.Number >= Loading.Load.FirstBeside && one.Answers.Count(answer => answer.IsAcknowledged) != Clients))
            yield return new Violation("I6", $"{one.Answers.Count(answer => answer.IsAcknowledged)} of {Clients} clients were answered 202.", one);
        foreach (var violation in Doubts.In(evidence)) yield return violation;
    }
}
