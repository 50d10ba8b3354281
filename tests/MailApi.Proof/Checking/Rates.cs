namespace MailApi.Proof.Checking;

/// <summary>I9: in any span of time no sending domain sends more than its burst and its rate times the span.</summary>
internal static class Rates
{
    /// <summary>Between the permit and the receiver's clock lies a conversation, longer on a busy machine: what is permitted over a span and this much more may arrive within it.</summary>
    private static readonly TimeSpan Conversation = TimeSpan.FromSeconds(5);

    public static IEnumerable<Violation> In(Evidence evidence, int burstsForgotten)
    {
        foreach (var tenant in evidence.Tenants)
        {
            // A server that takes its time would tell a wrong one.
            var times = evidence.Cases.Where(one => one.Intent.Tenant == tenant.Number && one.IsOrdinary)
                .SelectMany(one => one.Copies).Select(copy => copy.Time).Order().ToList();
            var burst = tenant.Burst * (1 + burstsForgotten);
            // The least that the bucket can have held after each mail, were it never full again: one pass finds the worst span.
            var (worst, level, last) = (0d, 0d, times.FirstOrDefault());
            foreach (var time in times)
            {
                level = Math.Max(0, level - ((time - last).TotalSeconds * tenant.PerSecond)) + 1;
                last = time;
                worst = Math.Max(worst, level);
            }
            if (worst > burst + (Conversation.TotalSeconds * tenant.PerSecond))
                yield return new Violation("I9", $"{tenant.Domain} sent {worst:0} above its rate of {tenant.PerSecond} a second, and may have a burst of {burst}.", null);
        }
    }
}
