using System.Collections.Immutable;
using CsCheck;
using MailApi.Api;
using MailApi.Spool;

namespace MailApi.Integration.Tests.Spool;

/// <summary>Something that happens to a spool. Numbers are taken modulo what there is.</summary>
public abstract record SpoolStep
{
    private SpoolStep() { }

    public sealed record Accept(int Tenant, int Recipients, bool Marketing, bool Hold, bool Scheduled) : SpoolStep;

    /// <summary>A doorbell arrives; one of an attempt that is not the envelope's is late, or comes again.</summary>
    public sealed record Ring(int Envelope, int AttemptsOff) : SpoolStep;

    /// <summary>Whoever once had a lease says what came of it, whether it has the lease still or not.</summary>
    public sealed record Record(int Claim, Ending Ending) : SpoolStep;

    /// <summary>Whoever once had a lease asks whether the final dot may be sent.</summary>
    public sealed record Finish(int Claim) : SpoolStep;
    public sealed record Cancel(int Message) : SpoolStep;

    /// <summary>The lease ends, or the doorbell is lost, or the wait is over.</summary>
    public sealed record RunOut(int Envelope) : SpoolStep;
    public sealed record PassTime : SpoolStep;
    public sealed record Sweep : SpoolStep;
    public sealed record HoldBack(Hold Hold) : SpoolStep;
    public sealed record Resume(Hold Hold) : SpoolStep;

    /// <summary>All at once: what comes of it is what would come of them in some order.</summary>
    public sealed record Race(ImmutableArray<SpoolStep> Steps) : SpoolStep
    {
        public override string ToString() => $"Race({string.Join(" | ", Steps)})";
    }

    private static readonly Gen<int> Any = Gen.Int[0, 11];
    private static readonly Gen<SpoolStep> AnyRing = Gen.Select(Any, Gen.OneOf(0, 0, 0, 0, -1, 1), SpoolStep (envelope, off) => new Ring(envelope, off));
    private static readonly Gen<SpoolStep> AnyRecord = Gen.Select(Any, Gen.Enum<Ending>(), SpoolStep (claim, ending) => new Record(claim, ending));
    private static readonly Gen<SpoolStep> AnyFinish = Any.Select(SpoolStep (claim) => new Finish(claim));
    private static readonly Gen<SpoolStep> AnyCancel = Any.Select(SpoolStep (message) => new Cancel(message));
    private static readonly Gen<Hold> AnyHold = Gen.OneOf(Hold.Marketing, Hold.Support, Hold.FirstTenant, Hold.Site);

    /// <summary>Anything that may happen, the common more often.</summary>
    public static readonly Gen<SpoolStep> Anything = Gen.Frequency(
        (3, Gen.Select(Gen.Int[0, 1], Gen.Int[1, 2], Gen.Bool, Gen.Bool, Gen.OneOf(false, false, true), SpoolStep (tenant, recipients, marketing, hold, scheduled) => new Accept(tenant, recipients, marketing, hold, scheduled))),
        (9, AnyRing), (8, AnyRecord), (1, AnyFinish), (1, AnyCancel),
        (3, Any.Select(SpoolStep (envelope) => new RunOut(envelope))),
        (1, Gen.Const<SpoolStep>(new PassTime())), (5, Gen.Const<SpoolStep>(new Sweep())),
        (1, AnyHold.Select(SpoolStep (hold) => new HoldBack(hold))), (1, AnyHold.Select(SpoolStep (hold) => new Resume(hold))),
        // On few numbers, so that they meet.
        (4, Gen.Frequency((4, AnyRing), (2, AnyRecord), (1, AnyCancel), (1, AnyFinish)).Array[2, 4].Select(SpoolStep (steps) => new Race([.. steps]))));
}
