using MailApi.Events;
using MailApi.Mail.Bounces;

namespace MailApi.Spool;

/// <summary>What a claim came to: everything that can happen, and nothing else.</summary>
public abstract record Outcome
{
    /// <summary>A receiver took the message.</summary>
    public sealed record Delivered(EventReply Reply) : Outcome;

    /// <summary>A receiver refused for good, or routing did.</summary>
    public sealed record Bounced(EventReply Reply, BounceVerdict Verdict) : Outcome;

    /// <summary>A temporary failure; the conversation counts as a try.</summary>
    /// <param name="Reply">The receiver's words, where it spoke.</param>
    /// <param name="Reason">What happened, where it did not.</param>
    /// <param name="RetryAfter">From now to the next try.</param>
    /// <param name="Uncertain">The final dot was sent and no answer came: the receiver may hold a copy.</param>
    /// <param name="TellDelayed">The message is now old enough to tell its sender.</param>
    public sealed record Deferred(EventReply? Reply, string? Reason, TimeSpan RetryAfter, bool Uncertain, bool TellDelayed) : Outcome
    {
        /// <summary>What the receiver's words mean; null where it did not speak.</summary>
        public BounceVerdict? Verdict { get; init; }
    }

    /// <summary>A limit has no free slot before <paramref name="Delay"/>, or the operator holds the mail back; no receiver was spoken to, so it counts as no try.</summary>
    public sealed record Throttled(TimeSpan Delay) : Outcome
    {
        /// <inheritdoc cref="Deferred"/>
        public bool TellDelayed { get; init; }
    }

    /// <summary>The recipient is on the suppression list.</summary>
    public sealed record Suppressed(string Reason) : Outcome;

    /// <summary>The lifetime is over.</summary>
    /// <param name="Verdict">What the receiver's last words mean; null where it did not speak.</param>
    public sealed record Expired(BounceVerdict? Verdict) : Outcome;

    /// <summary>The receiver may have it and the sender forbade a second copy.</summary>
    public sealed record Unknown(string Reason) : Outcome;

    /// <summary>The service cannot process it; an operator should look.</summary>
    public sealed record Failed(string Reason) : Outcome;

    /// <summary>Given back untouched, because this node stops.</summary>
    public sealed record Released : Outcome;

    private Outcome() { }
}
