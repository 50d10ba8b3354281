namespace MailApi.Proof.Checking;

/// <summary>I7: the events of an envelope are numbered without a gap, and one of them is final: its state.</summary>
internal static class Sequence
{
    private static readonly HashSet<string> FinalTypes =
        ["message.delivered", "message.bounced", "message.expired", "message.suppressed", "message.canceled", "message.failed", "message.unknown"];

    public static IEnumerable<Violation> Of(Case one)
    {
        if (one.Envelope is not { } envelope) yield break;
        if (!one.Events.Select(it => it.Seq).SequenceEqual(Enumerable.Range(1, envelope.Seq)))
            yield return new Violation("I7", $"Events {string.Join(' ', one.Events.Select(it => it.Seq))} of {envelope.Seq}.", one);
        var final = one.Events.Where(it => FinalTypes.Contains(it.Type)).Select(it => it.Type).ToList();
        if (final is not [var type] || type != $"message.{envelope.State}") yield return new Violation("I7", $"Its final events are {(final.Count == 0 ? "none" : string.Join(", ", final))}.", one);
        if (one.Events is not [{ Type: "message.accepted" }, ..]) yield return new Violation("I7", "Its first event is not that it was accepted.", one);
    }
}
