using MailApi.Proof.Checking;
using MailApi.Proof.Loading;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>kill -9 of the program, again and again, at moments that the seed chooses.</summary>
/// <param name="kills">How many.</param>
/// <param name="nodes">In distributed mode; each kill takes one of them.</param>
/// <param name="messagesPerSecond">The load.</param>
public sealed class RandomKills(int kills, int nodes, double messagesPerSecond) : Fault
{
    private bool isEmbedded;

    public override string Name => "random-kills";
    public override string PassMark => "Nothing that was acknowledged is lost; every second copy is flagged and follows a kill.";
    public override int Nodes => nodes;
    public override LoadOptions Load => new() { MessagesPerSecond = messagesPerSecond };

    // In process, what a domain has used up is forgotten with the process. What three processes died of in a row is given up.
    public override Expectations Expectations => new() { BurstsForgotten = isEmbedded ? kills : 0, CausesAreMarked = true, MayEnd = ["failed"] };

    public int Kills => kills;

    public override Task Prepare(Stand stand, CancellationToken ct)
    {
        isEmbedded = stand.Mode == Mode.Embedded;
        return Task.CompletedTask;
    }

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        for (var done = 0; done < kills; done++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1 + (2 * random.NextDouble())), TimeProvider.System, ct);
            var node = stand.Nodes[random.Next(stand.Nodes.Count)];
            await stand.Kill(node);
            await stand.StartAgain(node, ct);
        }
    }
}
