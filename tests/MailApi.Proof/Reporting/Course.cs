using MailApi.Proof.Checking;
using MailApi.Proof.Ledgers;

namespace MailApi.Proof;

/// <summary>How a trial went: mails that arrived in each second, the seconds at which something was done to the system, and those between which the fault lasted.</summary>
public sealed record Course(IReadOnlyList<int> PerSecond, IReadOnlyList<double> Disturbances, (double From, double Until)? Fault = null)
{
    public static Course Of(Evidence evidence)
    {
        if (evidence.Sink.Count == 0) return new Course([], []);
        var start = evidence.Sink.Min(line => line.Time);
        double Second(DateTimeOffset time) => (time - start).TotalSeconds;
        var counts = new int[(int)Second(evidence.Sink.Max(line => line.Time)) + 1];
        foreach (var line in evidence.Sink) counts[(int)Second(line.Time)]++;
        double? When(MarkKind kind) => evidence.Timeline.FirstOrDefault(mark => mark.Kind == kind) is { } mark ? Second(mark.Time) : null;
        var fault = When(MarkKind.FaultBegan) is { } from && When(MarkKind.FaultEnded) is { } until ? (from, until) : ((double, double)?)null;
        return new Course(counts, [.. evidence.Timeline.Where(mark => mark.Kind == MarkKind.Disturbed).Select(mark => Second(mark.Time))], fault);
    }
}
