using System.Globalization;
using MailApi.Proof.Checking;
using MailApi.Proof.Loading;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>I10: another tenant floods, then waits for a tarpit, then uploads the largest messages; the first tenant goes on as if it were alone.</summary>
public sealed class Neighbours : Fault
{
    private const int FloodMessages = 1000, FloodRecipients = 100, Stuck = 300, Uploads = 6;

    /// <summary>A message of 25 MiB, less its header.</summary>
    private const int UploadBytes = (25 << 20) - (64 << 10);

    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);
    private static readonly string[] Phases = ["flood", "tarpit", "uploads"];

    public override string Name => "neighbours";
    public override string PassMark => "From accept to its receiver 99 of 100 of the quiet tenant's mails take at most twice as long as when it was alone, or a second.";
    public override bool RunsAlone => true;
    public override TimeSpan Calm => TimeSpan.FromSeconds(10);
    public override TimeSpan Patience => TimeSpan.FromMinutes(15);
    public override Expectations Expectations => new() { EveryAcceptSucceeds = true };
    public override LoadOptions Load => new() { MessagesPerSecond = 10, Tenants = 1, OddShare = 0, RecipientsMax = 2 };

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        // Two hundred thousand events would be told for minutes.
        var noisy = await stand.Register(10_000, 10_000, ct, hears: false);
        await stand.Timeline.Note("flood");
        await Task.WhenAll(Enumerable.Range(0, FloodMessages).Select(_ => stand.Load.SendBeside(number => new Intent(
            number, noisy, $"flood-{number}", [.. Enumerable.Range(0, FloodRecipients).Select(recipient => $"i{number}x{recipient}@ok{recipient % 4}.test")],
            Hold: false, "notification", "Flood.\n", Clients: 1), ct)));
        await Task.Delay(TimeSpan.FromSeconds(10), TimeProvider.System, ct);

        await stand.Timeline.Note("tarpit");
        await stand.Load.SendBeside(number => new Intent(
            number, noisy, $"tarpit-{number}", [.. Enumerable.Range(0, Stuck).Select(recipient => $"tarpit-i{number}x{recipient}@slow0.test")], Hold: false, "notification", "Slowly.\n", Clients: 1), ct);
        await Task.Delay(TimeSpan.FromSeconds(10), TimeProvider.System, ct);

        await stand.Timeline.Note("uploads");
        var text = string.Concat(Enumerable.Repeat(new string('x', 71) + "\n", UploadBytes / 73));
        await Task.WhenAll(Enumerable.Range(0, Uploads).Select(_ => stand.Load.SendBeside(number => new Intent(
            number, noisy, $"upload-{number}", [$"i{number}x0@ok3.test"], Hold: false, "notification", text, Clients: 1), ct)));
        await stand.Timeline.Note("end");
    }

    public override IEnumerable<Violation> Check(Evidence evidence)
    {
        var notes = evidence.Timeline.Where(mark => mark.Kind == MailApi.Proof.Ledgers.MarkKind.Note).ToDictionary(mark => mark.What, mark => mark.Time);
        var quiet = evidence.Cases.Where(one => one.Intent is { Tenant: 0, Number: < Loading.Load.FirstBeside } && one.IsAcknowledged && one.Copies.Count > 0)
            .Select(one => (At: one.Answers.First(answer => answer.IsAcknowledged).Time, Took: one.Copies[0].Time - one.Answers.First(answer => answer.IsAcknowledged).Time)).ToList();
        var idle = Slowest([.. quiet.Where(it => it.At < notes["flood"]).Select(it => it.Took)]);
        var limit = idle * 2 > Least ? idle * 2 : Least;
        for (var phase = 0; phase < Phases.Length; phase++)
        {
            var until = notes[phase + 1 < Phases.Length ? Phases[phase + 1] : "end"];
            var took = quiet.Where(it => it.At >= notes[Phases[phase]] && it.At < until).Select(it => it.Took).ToList();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {Phases[phase]}: p99 {Slowest(took).TotalMilliseconds:0} ms of {took.Count} mails; alone {idle.TotalMilliseconds:0} ms"));
            if (took.Count == 0) yield return new Violation("I10", $"No mail of the quiet tenant was accepted during {Phases[phase]}.", null);
            else if (Slowest(took) > limit) yield return new Violation("I10", $"Beside {Phases[phase]} its mail took {Slowest(took)}, alone {idle}; {took.Count} mails.", null);
        }
    }

    /// <summary>The 99th of a hundred.</summary>
    private static TimeSpan Slowest(List<TimeSpan> took) => took.Count == 0 ? TimeSpan.Zero : took.Order().ElementAt((int)Math.Ceiling(took.Count * 0.99) - 1);
}
