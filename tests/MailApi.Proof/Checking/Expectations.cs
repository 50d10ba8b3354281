namespace MailApi.Proof.Checking;

/// <summary>What a run asks beyond the invariants that hold whatever happens, and what it cannot ask.</summary>
public sealed record Expectations
{
    /// <summary>I12: while the fault lasts, every call is answered 202.</summary>
    public bool EveryAcceptSucceeds { get; init; }

    /// <summary>I9: bursts that a domain may have beside its first one, for each time that what was counted was forgotten.</summary>
    public int BurstsForgotten { get; init; }

    /// <summary>I9 is asked at all: not where mail may have waited somewhere between its permit and its receiver.</summary>
    public bool RateIsKept { get; init; } = true;

    /// <summary>I11: mail arrives at least nine tenths as fast as before within a minute of the fault's end.</summary>
    public bool RateRecovers { get; init; }

    /// <summary>Other ends than that which the receiver makes (or <c>unknown</c>, of held mail in doubt).</summary>
    public IReadOnlyList<string> MayEnd { get; init; } = [];

    /// <summary>I8: every event has reached its webhook; false where an endpoint was gone for good.</summary>
    public bool WebhooksArrive { get; init; } = true;

    /// <summary>What explains a second copy is marked to the instant; else all of the fault's time does.</summary>
    public bool CausesAreMarked { get; init; }
}
