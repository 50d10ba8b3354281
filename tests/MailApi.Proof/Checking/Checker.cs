using MailApi.Proof.Ledgers;

namespace MailApi.Proof.Checking;

/// <summary>Joins the ledgers and asks every invariant of them.</summary>
public static class Checker
{
    public static Verdict Check(Evidence evidence, Expectations expectations)
    {
        var violations = new List<Violation>();
        var causes = expectations.CausesAreMarked
            ? [.. evidence.Timeline.Where(mark => mark.Kind == MarkKind.Disturbed).Select(mark => (mark.Time, mark.Time))]
            : Spans(evidence.Timeline);
        violations.AddRange(evidence.Cases.SelectMany(one => Fate.Of(one, expectations.MayEnd)));
        violations.AddRange(evidence.Cases.SelectMany(one => Copies.Of(one, causes)));
        violations.AddRange(Strangers.In(evidence));
        violations.AddRange(Keys.In(evidence));
        violations.AddRange(evidence.Cases.SelectMany(Sequence.Of));
        if (expectations.WebhooksArrive) violations.AddRange(Notices.In(evidence));
        if (expectations.RateIsKept) violations.AddRange(Rates.In(evidence, expectations.BurstsForgotten));
        if (expectations.RateRecovers) violations.AddRange(Recovery.In(evidence));
        if (expectations.EveryAcceptSucceeds) violations.AddRange(Accepts.In(evidence));
        return new Verdict(Count(evidence, violations), violations);
    }

    /// <summary>When something was being done to the system that can leave an attempt without an answer.</summary>
    internal static IReadOnlyList<(DateTimeOffset From, DateTimeOffset Until)> Spans(IReadOnlyList<Mark> timeline)
    {
        var spans = new List<(DateTimeOffset, DateTimeOffset)>();
        DateTimeOffset? began = null;
        foreach (var mark in timeline)
        {
            if (mark.Kind == MarkKind.Disturbed) spans.Add((mark.Time, mark.Time));
            if (mark.Kind == MarkKind.FaultBegan) began ??= mark.Time;
            if (mark.Kind == MarkKind.FaultEnded && began is { } from)
            {
                spans.Add((from, mark.Time));
                began = null;
            }
        }
        if (began is { } open) spans.Add((open, DateTimeOffset.MaxValue));
        return spans;
    }

    private static Counts Count(Evidence evidence, List<Violation> violations)
    {
        var unexplained = violations.Where(violation => violation.Invariant == "I4").Select(violation => violation.Case).ToHashSet();
        var duplicated = evidence.Cases.Where(one => one.Copies.Count > 1).ToList();
        return new Counts
        {
            Attempted = evidence.Cases.Count,
            Acknowledged = evidence.Cases.Count(one => one.IsAcknowledged),
            Lost = evidence.Cases.Count(Fate.IsLost),
            Duplicated = duplicated.Count,
            Copies = evidence.Sink.Count,
            Explained = duplicated.Count(one => !unexplained.Contains(one)),
            Recovered = evidence.Cases.Count(one => !one.IsAcknowledged && one.Envelope is not null),
            Unexpected = violations.Count,
            Flagged = evidence.Cases.Count(one => one.Envelope?.DuplicatePossible == true),
            Webhooks = evidence.Webhooks.Count,
            States = evidence.Cases.Where(one => one.Envelope is not null).CountBy(one => one.Envelope!.State).ToDictionary(),
        };
    }
}
