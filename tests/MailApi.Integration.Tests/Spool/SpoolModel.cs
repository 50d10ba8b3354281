using System.Collections.Immutable;
using MailApi.Api;
using MailApi.Events;
using MailApi.Spool;

namespace MailApi.Integration.Tests.Spool;

/// <summary>What an outcome does, in the model's words.</summary>
public enum Ending
{
    Delivered,
    Bounced,
    Deferred,
    DeferredForLong,
    Throttled,
    Released,
    Suppressed,
    Expired,
    Unknown,
    Failed,
}

/// <summary>An envelope as it must be: the whole of the state machine in a page.</summary>
internal sealed record ModelEnvelope(int Message, int Tenant, Category Category, OnUncertain OnUncertain)
{
    public EnvelopeState State { get; init; } = EnvelopeState.Queued;
    public int Attempt { get; init; }
    public int Tries { get; init; }
    public int Crashes { get; init; }
    public bool DuplicatePossible { get; init; }
    public bool IsDue { get; init; }
    public ImmutableList<EventType> Events { get; init; } = [EventType.MessageAccepted];

    public bool IsFinal => State > EnvelopeState.Deferred;

    public string Line => $"{State} attempt {Attempt} tries {Tries} crashes {Crashes}{(DuplicatePossible ? " duplicate" : "")}{(IsDue && !IsFinal ? " due" : "")}: {string.Join(' ', Events)}";

    private ModelEnvelope Waiting => this with { State = Tries > 0 ? EnvelopeState.Deferred : EnvelopeState.Queued };

    public (ModelEnvelope After, bool Won) Claim(int attempt) => State == EnvelopeState.Rung && Attempt == attempt
        ? (this with { State = EnvelopeState.Sending, Attempt = Attempt + 1, IsDue = false }, true)
        : (this, false);

    public (ModelEnvelope After, bool Recorded) Record(int attempt, Ending ending) =>
        State == EnvelopeState.Sending && Attempt == attempt ? ((this with { Crashes = 0, IsDue = false }).Ended(ending), true) : (this, false);

    private ModelEnvelope Ended(Ending ending) => ending switch
    {
        Ending.Delivered => Told(EnvelopeState.Delivered, EventType.MessageDelivered) with { Tries = Tries + 1 },
        Ending.Bounced => Told(EnvelopeState.Bounced, EventType.MessageBounced) with { Tries = Tries + 1 },
        Ending.Deferred => Told(EnvelopeState.Deferred, EventType.MessageDeferred) with { Tries = Tries + 1, IsDue = true },
        Ending.DeferredForLong => Told(EnvelopeState.Deferred, EventType.MessageDeferred, EventType.MessageDelayed) with { Tries = Tries + 1, DuplicatePossible = true },
        Ending.Throttled => Waiting,
        Ending.Released => Waiting with { IsDue = true },
        Ending.Suppressed => Told(EnvelopeState.Suppressed, EventType.MessageSuppressed),
        Ending.Expired => Told(EnvelopeState.Expired, EventType.MessageExpired),
        Ending.Unknown => Told(EnvelopeState.Unknown, EventType.MessageUnknown) with { Tries = Tries + 1, DuplicatePossible = true },
        Ending.Failed => Told(EnvelopeState.Failed, EventType.MessageFailed),
        _ => throw new InvalidOperationException($"No such ending: {ending}"),
    };

    public (ModelEnvelope After, bool May) Finish(int attempt) => State == EnvelopeState.Sending && Attempt == attempt ? (this with { IsDue = false }, true) : (this, false);

    public ModelEnvelope Cancel() => State is EnvelopeState.Queued or EnvelopeState.Rung or EnvelopeState.Deferred ? Told(EnvelopeState.Canceled, EventType.MessageCanceled) : this;

    /// <summary>Its worker is dead, or its doorbell lost, or its wait over.</summary>
    public ModelEnvelope RunOut() => IsFinal ? this : this with { IsDue = true };

    public ModelEnvelope Sweep(bool isHeld)
    {
        var swept = State == EnvelopeState.Sending && IsDue ? TakenBack() : this;
        if (swept is { State: EnvelopeState.Rung, IsDue: true }) return swept with { IsDue = false };
        return swept is { State: EnvelopeState.Queued or EnvelopeState.Deferred, IsDue: true } && !isHeld ? swept with { State = EnvelopeState.Rung, IsDue = false } : swept;
    }

    private ModelEnvelope TakenBack()
    {
        var crashed = this with { Crashes = Crashes + 1, DuplicatePossible = true };
        if (OnUncertain == OnUncertain.Hold) return crashed.Told(EnvelopeState.Unknown, EventType.MessageUnknown);
        return crashed.Crashes == Sweeper.CrashesMax ? crashed.Told(EnvelopeState.Failed, EventType.MessageFailed) : crashed.Waiting with { IsDue = crashed.Crashes == 1 };
    }

    private ModelEnvelope Told(EnvelopeState state, params EventType[] events) => this with { State = state, Events = Events.AddRange(events) };
}

/// <summary>All of a spool's envelopes, and what the operator holds back.</summary>
internal sealed record ModelSpool
{
    public static readonly ModelSpool Empty = new();

    public ImmutableList<ModelEnvelope> Envelopes { get; init; } = [];
    public ImmutableHashSet<Hold> Holds { get; init; } = [];

    public int Messages => Envelopes.Count == 0 ? 0 : Envelopes[^1].Message + 1;

    public ModelSpool With(int envelope, ModelEnvelope after) => this with { Envelopes = Envelopes.SetItem(envelope, after) };

    public ModelSpool All(Func<ModelEnvelope, ModelEnvelope> change) => this with { Envelopes = [.. Envelopes.Select(change)] };

    /// <summary>What is held by its recipient's site is rung all the same when it is accepted: that is asked where it is dealt and delivered.</summary>
    public bool IsHeld(ModelEnvelope envelope, bool whenDealt) =>
        Holds.Contains(envelope.Category == Category.Marketing ? Hold.Marketing : Hold.Support) || Holds.Contains(envelope.Tenant == 0 ? Hold.FirstTenant : Hold.None)
        || (whenDealt && Holds.Contains(Hold.Site));
}

/// <summary>What the operator holds back.</summary>
public enum Hold
{
    None,
    Marketing,
    Support,
    FirstTenant,

    /// <summary>Of every recipient.</summary>
    Site,
}
