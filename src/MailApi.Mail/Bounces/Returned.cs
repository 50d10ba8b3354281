using MailApi.Mail.Smtp;

namespace MailApi.Mail.Bounces;

/// <summary>What a message that came back says. The set of cases is closed.</summary>
public abstract record Returned
{
    /// <summary>A delivery status notification (RFC 3464), or a bounce in a form of its receiver's own.</summary>
    public sealed record Status(IReadOnlyList<RecipientStatus> Recipients) : Returned;

    /// <summary>A feedback report (RFC 5965): the recipient, or the receiver, complains.</summary>
    /// <param name="FeedbackType">As registered: <c>abuse</c>, <c>fraud</c>, <c>not-spam</c>, <c>auth-failure</c> and others, in lower case.</param>
    public sealed record Complaint(string FeedbackType) : Returned;

    /// <summary>An answer that no person wrote to this message (RFC 3834): on vacation, a challenge, a receipt.</summary>
    public sealed record AutoReply : Returned;

    /// <summary>Nothing that is understood; a person may have written it.</summary>
    public sealed record Other : Returned;

    private Returned() { }

    /// <summary>How it names the message that it answers.</summary>
    public About About { get; init; } = About.Nothing;
}

/// <summary>The marks of the message that an answer is about, as far as it tells. None is trusted before its key is checked.</summary>
/// <param name="ReturnPaths">Addresses that may be a return path of ours: whom the answer is to, and the envelope sender that it reports.</param>
/// <param name="MessageId">Of the message that is answered, without angle brackets.</param>
/// <param name="Unsubscribe">The addresses in its List-Unsubscribe field (RFC 2369), without angle brackets.</param>
/// <param name="FeedbackId">Its CFBL-Feedback-ID (RFC 9477 §5.2), without blanks.</param>
public sealed record About(IReadOnlyList<string> ReturnPaths, string? MessageId, IReadOnlyList<string> Unsubscribe, string? FeedbackId)
{
    public static readonly About Nothing = new([], null, [], null);
}

/// <summary>What became of a message at one recipient (RFC 3464 §2.3).</summary>
public sealed record RecipientStatus
{
    public required DeliveryAction Action { get; init; }

    /// <summary>The recipient that was tried last (RFC 3464 §2.3.2), and the one that was given at first (§2.3.1); null where the report hides or garbles them.</summary>
    public required string? FinalRecipient { get; init; }
    public required string? OriginalRecipient { get; init; }

    /// <summary>The diagnostic code (§2.3.6) where it is SMTP's, else what the status says; <see cref="Reply.Code"/> is never 0 but 400 to 599 for a failure.</summary>
    public required Reply Reply { get; init; }

    /// <summary>Who refused it (§2.3.5), or who reports (§2.2.2).</summary>
    public required string? RemoteHost { get; init; }
    public required BounceVerdict Verdict { get; init; }
}

/// <summary>RFC 3464 §2.3.3.</summary>
public enum DeliveryAction
{
    Failed,
    Delayed,
    Delivered,
    Relayed,
    Expanded,
}
