using System.Collections.Frozen;
using MailApi.Mail.Composition;

namespace MailApi.Mail.Smtp.Submission;

/// <summary>What becomes of a header field that a caller composed.</summary>
internal enum FieldFate
{
    /// <summary>Leaves as it is.</summary>
    Kept,

    /// <summary>Read, and written anew in the one form that every reader takes alike.</summary>
    Rewritten,

    /// <summary>Left out without a word.</summary>
    Removed,

    /// <summary>For the service; read and left out.</summary>
    Instruction,

    /// <summary>The message is refused.</summary>
    Refused,
}

/// <summary>The fields of a message that its caller composed, by name. <c>POST /send</c> has <see cref="HeaderRules"/>, which a whole message could not keep.</summary>
internal static class SubmissionRules
{
    /// <summary>How many servers a message may have passed (RFC 5321 §6.3 asks for 100 at least): more is a loop.</summary>
    public const int ReceivedMax = 100;

    public const string InstructionPrefix = "X-MailApi-";
    public const string IdempotencyKey = "Idempotency-Key";

    // RFC 5322 §3.6: at most once. Of two, one reader shows the first and another the last.
    private static readonly FrozenSet<string> Single = new[]
    {
        "From", "Sender", "Reply-To", "To", "Cc", "Message-ID", "In-Reply-To", "References", "Subject", "Date", "MIME-Version",
        "Content-Type", "Content-Transfer-Encoding", "List-Unsubscribe", "List-Unsubscribe-Post",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<string, FieldFate> Named = new Dictionary<string, FieldFate>
    {
        ["From"] = FieldFate.Rewritten,
        ["Sender"] = FieldFate.Rewritten,
        // Whom it names is in the envelope.
        ["Bcc"] = FieldFate.Removed,
        // The receiver writes them (RFC 5321 §4.4, RFC 8601 §5, RFC 7208 §9.1): before it they are a claim.
        ["Return-Path"] = FieldFate.Removed,
        ["Delivered-To"] = FieldFate.Removed,
        ["Authentication-Results"] = FieldFate.Removed,
        ["Received-SPF"] = FieldFate.Removed,
        // Of the octets as they came. We sign those that leave, and a broken signature is worse than none to some.
        ["DKIM-Signature"] = FieldFate.Removed,
        ["DomainKey-Signature"] = FieldFate.Removed,
        // Complaints come to the service, which writes its own. Of two addresses only one counts (RFC 9477 §3.2).
        ["CFBL-Address"] = FieldFate.Removed,
        ["CFBL-Feedback-ID"] = FieldFate.Removed,
        [IdempotencyKey] = FieldFate.Instruction,
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    public static FieldFate Of(string name)
    {
        if (Named.TryGetValue(name, out var fate)) return fate;
        if (name.StartsWith(InstructionPrefix, StringComparison.OrdinalIgnoreCase)) return FieldFate.Instruction;
        if (name.StartsWith("ARC-", StringComparison.OrdinalIgnoreCase)) return FieldFate.Removed;
        // They tell of another sender, whom nobody has verified (RFC 5322 §3.6.6).
        return name.StartsWith("Resent-", StringComparison.OrdinalIgnoreCase) ? FieldFate.Refused : FieldFate.Kept;
    }

    public static bool IsSingle(string name) => Single.Contains(name);
}
