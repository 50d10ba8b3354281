using System.Globalization;
using MailApi.Mail.Smtp;

namespace MailApi.Mail.Bounces;

/// <summary>A row of <see cref="BounceTable"/>: which replies it fits and what they mean. The first row that fits is the one.</summary>
/// <remarks>
/// The codes are parted by blanks and any of them suffices: <c>550</c>, <c>5xx</c>, an enhanced code <c>5.1.1</c>, one of either kind of failure
/// <c>x.7.26</c>, all of a subject <c>5.7.*</c>, or a range <c>5.7.606-649</c>; no code fits every reply. The words are parted by <c>|</c>; they stand in
/// the text at the bounds of words, in any case and outside addresses, with anything at all in the place of an ellipsis and a letter in that of each question mark at the end; no
/// words fit every text. Nothing is a regular expression, so that no text of the other side is slow to read.
/// </remarks>
internal sealed class BounceRow
{
    public const string TakeOff = "Take the address off your lists.";

    private readonly string[] codes;
    private readonly string[][] words;

    private BounceRow(string codes, string words, BounceClass kind, bool isHard, string means, string cure)
    {
        this.codes = codes.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        this.words = [.. words.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(phrase => phrase.ToLowerInvariant().Split('…'))];
        (Class, IsHard, Means, Cure) = (kind, isHard, means, cure);
    }

    /// <summary>As written, a pattern each.</summary>
    public IReadOnlyList<string> Codes => codes;

    /// <summary>As written, each in the pieces that an ellipsis parts.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Phrases => words;

    public BounceClass Class { get; }

    /// <summary>Where the reply is permanent; a temporary one never is.</summary>
    public bool IsHard { get; }
    public string Means { get; }
    public string Cure { get; }

    /// <summary>A limit was reached, and is over after a while, whatever the reply's first digit.</summary>
    public bool IsRateSignal { get; private init; }

    /// <summary>The receiver wants less of all that is sent there; of one mailbox or message that gets too much its site says nothing.</summary>
    public bool SlowsSite { get; private init; }

    /// <summary>The receiver says it of nothing but addresses that are dead, whichever code it uses.</summary>
    public bool IsCertain { get; private init; }

    /// <summary>The mailbox is there and may open again: never a reason to give the address up for good.</summary>
    public bool IsShut { get; private init; }

    public static BounceRow Dead(string codes, string words, string means, string cure = TakeOff) => new(codes, words, BounceClass.NoMailbox, isHard: true, means, cure);

    public static BounceRow CertainlyDead(string codes, string words, string means, string cure = TakeOff) =>
        new(codes, words, BounceClass.NoMailbox, isHard: true, means, cure) { IsCertain = true };

    public static BounceRow Disabled(string codes, string words, string means, string cure = "Leave the address out for some months, or ask its owner on another way.") =>
        new(codes, words, BounceClass.NoMailbox, isHard: true, means, cure) { IsShut = true };

    public static BounceRow Full(string codes, string words, string means = "The recipient's mailbox is full.", string cure = "Try again in some days; an address that stays full is deserted.") =>
        new(codes, words, BounceClass.MailboxFull, isHard: false, means, cure);

    public static BounceRow Reputation(string codes, string words, string means, string cure = "Find out why it is distrusted, send less and only to those who want it, then ask the receiver to look again.") =>
        new(codes, words, BounceClass.BlockedReputation, isHard: false, means, cure);

    public static BounceRow Content(string codes, string words, string means, string cure = "Change the message: its links, wording and attachments; do not send it again as it is.") =>
        new(codes, words, BounceClass.BlockedContent, isHard: true, means, cure);

    public static BounceRow Unproven(string codes, string words, string means, string cure = "Publish SPF, DKIM and DMARC so that they pass for the domain in From.") =>
        new(codes, words, BounceClass.Authentication, isHard: true, means, cure);

    public static BounceRow Rule(string codes, string words, string means, string cure = "Ask the receiver's postmaster, or the recipient, to let your mail in.") =>
        new(codes, words, BounceClass.Policy, isHard: true, means, cure);

    public static BounceRow TooMuch(string codes, string words, string means, string cure = "Send more slowly; what was refused is worth another try later.") =>
        new(codes, words, BounceClass.RateLimited, isHard: false, means, cure) { SlowsSite = true };

    /// <summary>Of one mailbox or one message.</summary>
    public static BounceRow TooMuchForOne(string codes, string words, string means, string cure = "Write to it less often.") =>
        new(codes, words, BounceClass.RateLimited, isHard: false, means, cure);

    public static BounceRow Limit(string codes, string words, string means, string cure = "Send more slowly to this receiver; the mail is tried again after a pause.", BounceClass kind = BounceClass.RateLimited) =>
        new(codes, words, kind, isHard: false, means, cure) { IsRateSignal = true, SlowsSite = true };

    public static BounceRow Grey(string codes, string words, string means = "The receiver wants to see an unknown sender come again.", string cure = "Nothing: the next try is usually taken.") =>
        new(codes, words, BounceClass.Greylisted, isHard: false, means, cure);

    public static BounceRow Unnamed(string codes, string words, string means, string cure = "Check the name after the @ sign.") =>
        new(codes, words, BounceClass.Dns, isHard: true, means, cure);

    public static BounceRow Unencrypted(string codes, string words, string means, string cure = "Compare what both sides demand of TLS.") =>
        new(codes, words, BounceClass.Tls, isHard: true, means, cure);

    public static BounceRow TooLarge(string codes, string words = "", string means = "The message is larger than the receiver takes.", string cure = "Send a link in the place of the attachments.") =>
        new(codes, words, BounceClass.Size, isHard: true, means, cure);

    public static BounceRow Else(string codes, string words, string means, string cure = "Read the reply; nothing about the address or the message is known to be wrong.") =>
        new(codes, words, BounceClass.Other, isHard: true, means, cure);

    public static BounceRow Unreached(string codes, string words, string means, string cure = "Check the domain, and try again later.") =>
        new(codes, words, BounceClass.Other, isHard: false, means, cure);

    /// <param name="reply">Whose codes are looked at.</param>
    /// <param name="text">The words of its text.</param>
    public bool Fits(Reply reply, ReplyWords text) => FitsCode(reply) && FitsWords(text);

    // Loops, because lambdas would cost each row of the table an object or two for every reply.
    private bool FitsCode(Reply reply)
    {
        foreach (var code in codes)
            if (FitsCode(code, reply)) return true;
        return codes.Length == 0;
    }

    // Only a phrase of several pieces names its receiver, often by the domain of the address that the reply quotes.
    private bool FitsWords(ReplyWords text)
    {
        foreach (var phrase in words)
            if (Holds(phrase.Length > 1 ? text.WithDomains : text.Plain, phrase)) return true;
        return words.Length == 0;
    }

    private static bool FitsCode(string pattern, Reply reply)
    {
        if (!pattern.Contains('.', StringComparison.Ordinal))
            return pattern.EndsWith("xx", StringComparison.Ordinal) ? reply.Code / 100 == pattern[0] - '0' : reply.Code == int.Parse(pattern, CultureInfo.InvariantCulture);
        if (reply.Enhanced is not { } enhanced || (pattern[0] != 'x' && pattern[0] != enhanced[0])) return false;

        var wanted = pattern.AsSpan(2);
        var given = enhanced.AsSpan(2);
        if (wanted[^1] == '*') return given.StartsWith(wanted[..^1], StringComparison.Ordinal);
        if (!wanted.Contains('-')) return given.SequenceEqual(wanted);
        var (dot, dash) = (wanted.IndexOf('.') + 1, wanted.IndexOf('-'));
        return given.StartsWith(wanted[..dot], StringComparison.Ordinal) && int.TryParse(given[dot..], CultureInfo.InvariantCulture, out var detail)
            && detail >= int.Parse(wanted[dot..dash], CultureInfo.InvariantCulture) && detail <= int.Parse(wanted[(dash + 1)..], CultureInfo.InvariantCulture);
    }

    /// <summary>All pieces, one after the other: the first place of each is as good as any later one.</summary>
    private static bool Holds(string text, string[] pieces)
    {
        var from = 0;
        foreach (var piece in pieces)
        {
            var at = Find(text, piece, from);
            if (at < 0) return false;
            from = at + piece.Length;
        }
        return true;
    }

    private static int Find(string text, string piece, int from)
    {
        var letters = piece.IndexOf('?', StringComparison.Ordinal);
        var fixedPart = letters < 0 ? piece : piece[..letters];
        for (; (from = text.IndexOf(fixedPart, from, StringComparison.Ordinal)) >= 0; from++)
        {
            var end = from + piece.Length;
            if (end > text.Length) return -1;
            if (IsBound(text, from - 1, from) && IsBound(text, end - 1, end) && text.AsSpan(from + fixedPart.Length, piece.Length - fixedPart.Length).IndexOfAnyExceptInRange('a', 'z') < 0) return from;
        }
        return -1;
    }

    /// <summary>Whether a word may end between the two places. Scripts that write no blanks (from U+2E80 on) have bounds everywhere.</summary>
    private static bool IsBound(string text, int left, int right) => left < 0 || right >= text.Length || !IsOfWord(text[left]) || !IsOfWord(text[right]);

    private static bool IsOfWord(char it) => it < '\u2E80' && char.IsLetterOrDigit(it);
}
