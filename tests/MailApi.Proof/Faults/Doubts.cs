using MailApi.Proof.Checking;

namespace MailApi.Proof.Faults;

/// <summary>What leaves every process alive leaves no attempt without an answer: no second copy, and none feared.</summary>
internal static class Doubts
{
    /// <summary>Receivers of the load's script that leave their sender in doubt, whatever else happens; before the dot as well, for a short message is sent with its dot before the reset is heard.</summary>
    private static readonly string[] LeaveDoubt = ["reset-before-dot", "reset-after-dot-kept", "reset-after-dot-dropped", "lost-250", "half-open"];

    public static IEnumerable<Violation> In(Evidence evidence)
    {
        foreach (var one in evidence.Cases.Where(one => !LeaveDoubt.Any(word => one.Recipient.StartsWith(word, StringComparison.Ordinal))))
        {
            if (one.Copies.Count > 1) yield return new Violation("I4", $"{one.Copies.Count} copies, and no process and no receiver failed.", one);
            else if (one.Envelope?.DuplicatePossible == true) yield return new Violation("I4", "It is flagged, and no process and no receiver failed.", one);
        }
    }
}
