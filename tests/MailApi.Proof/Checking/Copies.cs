namespace MailApi.Proof.Checking;

/// <summary>I4: a second copy only where an attempt was flagged as uncertain, and something happened between the two that made it so.</summary>
internal static class Copies
{
    /// <summary>Servers that lose their own reply; those of the load's script.</summary>
    private static readonly string[] LosesReplies = ["reset-after-dot-kept", "lost-250", "half-open"];

    /// <param name="one">Whose copies.</param>
    /// <param name="causes">When something was done that can leave an attempt without an answer.</param>
    public static IEnumerable<Violation> Of(Case one, IReadOnlyList<(DateTimeOffset From, DateTimeOffset Until)> causes)
    {
        if (one.Copies.Count <= 1) yield break;
        if (one.Envelope is null) yield return new Violation("I4", "Copies of what the store does not have.", one);
        if (one.Copies.Count - 1 > one.UncertainAttempts)
            yield return new Violation("I4", $"{one.Copies.Count} copies, and only {one.UncertainAttempts} uncertain attempts.", one);
        if (one.Intent.Hold) yield return new Violation("I4", "A second copy of what was to be held rather than risked.", one);
        if (one.Copies.Select(copy => copy.MessageId).Distinct().Count() > 1) yield return new Violation("I4", "The copies have several Message-IDs: nobody can tell that they are the same.", one);
        if (LosesReplies.Any(word => one.Recipient.StartsWith(word, StringComparison.Ordinal))) yield break;
        foreach (var (earlier, later) in one.Copies.Zip(one.Copies.Skip(1)))
        {
            // The receiver tells the time before it writes, and what cut it off came after it was written.
            if (!causes.Any(cause => cause.From <= later.Time && cause.Until >= earlier.Time))
                yield return new Violation("I4", $"Nothing happened between the copies of {earlier.Time:HH:mm:ss.fff} and {later.Time:HH:mm:ss.fff}.", one);
        }
    }
}
