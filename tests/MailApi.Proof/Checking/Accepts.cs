namespace MailApi.Proof.Checking;

/// <summary>I12: without the broker and the counters every call that was made while they were away was accepted.</summary>
internal static class Accepts
{
    public static IEnumerable<Violation> In(Evidence evidence)
    {
        var spans = Checker.Spans(evidence.Timeline);
        foreach (var one in evidence.Cases.DistinctBy(one => one.Intent.Number))
        {
            var refused = one.Answers.FirstOrDefault(answer => !answer.IsAcknowledged && spans.Any(span => answer.Began >= span.From && answer.Began <= span.Until));
            if (refused is not null) yield return new Violation("I12", $"A call at {refused.Began:HH:mm:ss.fff} was answered {refused.Status} while only the broker or the counters were away.", one);
        }
    }
}
