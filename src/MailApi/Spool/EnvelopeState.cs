using System.ComponentModel;
using System.Text.Json.Serialization;
using MailApi.Api;

namespace MailApi.Spool;

/// <summary>Where an envelope stands. All but the first four are final, save that a later DSN turns <c>delivered</c> or <c>unknown</c> into <c>bounced</c>.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<EnvelopeState>))]
public enum EnvelopeState
{
    /// <summary>Waiting for its first conversation: scheduled, throttled, or next in line.</summary>
    Queued,

    /// <summary>A doorbell is on its way to a consumer. Shown as queued or deferred: the outside has no use for the difference.</summary>
    [Browsable(false)]
    Rung,

    /// <summary>Leased to a worker.</summary>
    Sending,

    /// <summary>Waiting for another try after a temporary failure.</summary>
    Deferred,

    /// <summary>A receiver took it.</summary>
    Delivered,

    /// <summary>A receiver refused it for good.</summary>
    Bounced,

    /// <summary>Not sent: the recipient is on the tenant's suppression list.</summary>
    Suppressed,

    /// <summary>Its lifetime ended before a receiver took it.</summary>
    Expired,

    /// <summary>Called back before it left.</summary>
    Canceled,

    /// <summary>The service could not process it; an operator should look.</summary>
    Failed,

    /// <summary>The receiver may have it, and <c>onUncertain: hold</c> forbids another try.</summary>
    Unknown,
}

/// <summary>What to do when an attempt ends without an answer after its final dot.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<OnUncertain>))]
public enum OnUncertain
{
    /// <summary>Try again: the recipient may get two copies.</summary>
    Retry,

    /// <summary>Stop in <see cref="EnvelopeState.Unknown"/>: the recipient may get none.</summary>
    Hold,
}

public static class EnvelopeStates
{
    /// <summary>The state as the outside sees it.</summary>
    public static EnvelopeState Shown(EnvelopeState state, int tries) =>
        state != EnvelopeState.Rung ? state : tries > 0 ? EnvelopeState.Deferred : EnvelopeState.Queued;
}
