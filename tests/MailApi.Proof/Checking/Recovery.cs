using MailApi.Proof.Ledgers;

namespace MailApi.Proof.Checking;

/// <summary>I11: within a minute of the fault's end mail arrives as fast as before, less a tenth, by itself.</summary>
internal static class Recovery
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);

    public static IEnumerable<Violation> In(Evidence evidence)
    {
        var began = evidence.Timeline.FirstOrDefault(mark => mark.Kind == MarkKind.FaultBegan)?.Time;
        var ended = evidence.Timeline.LastOrDefault(mark => mark.Kind == MarkKind.FaultEnded)?.Time;
        // What a rate holds back moves as the rate allows: faster at first.
        var free = evidence.Cases.Where(one => !evidence.Tenants[one.Intent.Tenant].IsHeldBack).ToList();
        var times = free.SelectMany(one => one.Copies).Select(copy => copy.Time).Order().ToList();
        if (began is not { } from || ended is not { } until || times.Count == 0)
        {
            yield return new Violation("I11", "The timeline does not say when the fault began and ended.", null);
            yield break;
        }
        // What was started late arrives faster at first than it is sent.
        var meant = free.Select(one => one.Intent.Time).Order().ToList();
        var before = Math.Min(times.Count(time => time < from) / Math.Max(1, (from - times[0]).TotalSeconds), meant.Count(time => time < from) / Math.Max(1, (from - meant[0]).TotalSeconds));
        // Nor can more arrive than was asked for: a few seconds' load varies.
        var asked = meant.Count(time => time >= until) / Math.Max(1, (meant[^1] - until).TotalSeconds);
        var after = times.Where(time => time >= until && time <= until + Patience).ToList();
        var best = after.Count == 0 ? 0 : after.Max(start => after.Count(time => time >= start && time < start + Window) / Window.TotalSeconds);
        if (best < 0.9 * Math.Min(before, asked))
            yield return new Violation("I11", $"{before:0.0} mails a second arrived before, at most {best:0.0} of {asked:0.0} that were asked for within {Patience.TotalSeconds:0} s of the fault's end.", null);
    }
}
