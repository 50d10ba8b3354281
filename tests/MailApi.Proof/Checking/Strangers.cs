namespace MailApi.Proof.Checking;

/// <summary>I5: nothing arrives that nobody sent, and nobody's mail leaves under another's name.</summary>
internal static class Strangers
{
    public static IEnumerable<Violation> In(Evidence evidence)
    {
        var known = evidence.Cases.Select(one => one.Recipient).ToHashSet();
        foreach (var line in evidence.Sink.Where(line => !known.Contains(line.Recipient)))
            yield return new Violation("I5", $"{line.Recipient} got {line.MessageId}, which nobody sent.", null);
        foreach (var row in evidence.Database.Envelopes.Where(row => !known.Contains(row.Recipient)))
            yield return new Violation("I5", $"The store has env_{row.Id:N} to {row.Recipient}, which nobody sent.", null);
        foreach (var one in evidence.Cases)
        {
            var tenant = evidence.Tenants[one.Intent.Tenant];
            if (one.Copies.Any(copy => !copy.MailFrom.EndsWith("." + tenant.Domain, StringComparison.Ordinal)))
                yield return new Violation("I5", $"It left from another return path than one of {tenant.Domain}.", one);
            if (one.Envelope is { } envelope && $"ten_{envelope.Tenant:N}" != tenant.Id) yield return new Violation("I5", $"The store has it as another's than {tenant.Id}'s.", one);
        }
    }
}
