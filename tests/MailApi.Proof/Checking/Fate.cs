using MailApi.Proof.Ledgers;

namespace MailApi.Proof.Checking;

/// <summary>I1: every acknowledged recipient reaches one final state. I2: delivered is what the receiver has. I3: what failed it has only in doubt.</summary>
internal static class Fate
{
    public static bool IsLost(Case one) =>
        one.IsAcknowledged && (one.Envelope is null || !DatabaseLedger.Final.Contains(one.Envelope.State) || (one.Envelope.State == "delivered" && one.Copies.Count == 0));

    /// <summary>Processes that die of a mail in a row before it is given up.</summary>
    private const int DeathsMax = 3;

    public static IEnumerable<Violation> Of(Case one, IReadOnlyList<string> mayEnd)
    {
        if (one.Envelope is not { } envelope)
        {
            if (one.IsAcknowledged) yield return new Violation("I1", "It was acknowledged, and the store does not have it.", one);
            yield break;
        }
        if (!DatabaseLedger.Final.Contains(envelope.State)) yield return new Violation("I1", $"It is {envelope.State} for ever.", one);
        else if (envelope.State == "unknown" && !(one.Intent.Hold && envelope.DuplicatePossible)) yield return new Violation("I1", "It is unknown, and was not held for a doubt.", one);
        else if (envelope.State == "failed" && envelope.Crashes < DeathsMax) yield return new Violation("I1", $"It is given up after {envelope.Crashes} deaths.", one);
        else if (envelope.State != one.MustEnd && envelope.State != "unknown" && !mayEnd.Contains(envelope.State)) yield return new Violation("I1", $"It ends {envelope.State} in place of {one.MustEnd}.", one);
        if (envelope.State == "delivered" && one.Copies.Count == 0) yield return new Violation("I2", "It is delivered, and the receiver does not have it.", one);
        if (one.Copies.Any(copy => copy.BodySha256 != one.Intent.BodySha256)) yield return new Violation("I2", $"What arrived is not what was sent: {one.Intent.BodySha256[..12]}.", one);
        if (envelope.State is "bounced" or "expired" or "suppressed" or "canceled" or "failed" or "unknown" && one.Copies.Count > 0 && !envelope.DuplicatePossible)
            yield return new Violation("I3", $"It is {envelope.State} without a doubt, and the receiver has it.", one);
    }
}
