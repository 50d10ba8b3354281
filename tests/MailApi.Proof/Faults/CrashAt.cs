using MailApi.Proof.Checking;
using MailApi.Proof.Loading;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>The process kills itself at a place in its code that is named in <see cref="Points"/>; it is started again.</summary>
/// <param name="point">The place.</param>
/// <param name="hold">What is sent is not to be risked twice.</param>
/// <param name="passing">Of how many passings the last one kills.</param>
public sealed class CrashAt(string point, bool hold, int passing) : Fault
{
    /// <summary>Between these and the record the receiver has the mail and the store does not know: a second copy cannot be ruled out.</summary>
    public static IReadOnlyList<string> MayDuplicate { get; } = ["after-dot", "before-record"];

    private static readonly TimeSpan CrashPatience = TimeSpan.FromSeconds(60);

    /// <summary>Every place, in the order in which a message passes them.</summary>
    public static IReadOnlyList<string> Points { get; } =
    [
        "before-accept-commit", "after-accept-commit", "before-answer", "before-publish", "before-confirm", "after-confirm", "before-claim", "after-claim", "after-permit",
        "after-connect", "after-354", "mid-body", "before-dot", "after-dot", "before-record", "after-record", "after-ring-commit", "before-webhook", "after-webhook", "after-webhook-record",
    ];

    /// <summary>Where the program lies that can do it.</summary>
    public override string? Binary => Path.Combine(Repository.Root, "artifacts/crash-points/MailApi");

    public string Point => point;
    public bool Hold => hold;
    public override string Name => $"crash-{point}{(hold ? "-hold" : "")}{(passing > 1 ? $"-{passing}" : "")}";
    public override string PassMark => MayDuplicate.Contains(point) && !hold ? "All is delivered; a second copy is flagged." : "All is delivered or held, in one copy at most.";
    public override TimeSpan Calm => TimeSpan.Zero;
    public override Expectations Expectations => new() { BurstsForgotten = 1, CausesAreMarked = true };

    /// <summary>One message, so that what was under way at the place is known; more where a later passing is meant.</summary>
    public override LoadOptions Load => new()
    {
        MessagesMax = passing == 1 ? 1 : 4 * passing,
        MessagesPerSecond = 50,
        Tenants = 1,
        RecipientsMax = 1,
        KeyedShare = 1,
        RepeatShare = 0,
        HoldShare = hold ? 1 : 0,
        // Only mail that was put off comes back by the sweep; only what fills more than a block is cut in the middle.
        OddShare = point == "after-ring-commit" ? 1 : 0,
        Scripts = ["451-1@defer"],
        LinesMax = point == "mid-body" ? 4000 : 40,
    };

    public override Task Prepare(Stand stand, CancellationToken ct)
    {
        stand.Settings["MAILAPI_CRASH_AT"] = $"{point}:{passing}";
        return Task.CompletedTask;
    }

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        var node = stand.Nodes[0];
        await Eventually.HoldsAsync(() => !node.IsRunning, CrashPatience, $"the process dies at {point}", ct);
        var code = node.Process.ExitCode;
        if (code != 128 + 9) throw new InvalidOperationException($"The process ended with code {code} before it came to {point}:\n{node.Output}");
        node.Set("MAILAPI_CRASH_AT", null);
        await stand.StartAgain(node, ct);
    }

    public override IEnumerable<Violation> Check(Evidence evidence) =>
        from one in evidence.Cases
        where one.Copies.Count > 1 && passing == 1 && !MayDuplicate.Contains(point)
        select new Violation("I4", $"A second copy after a crash at {point}, where none can be.", one);
}
