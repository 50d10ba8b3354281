using System.Collections.Frozen;
using System.Text.RegularExpressions;
using MailApi.Mail.Smtp;

namespace MailApi.Mail.Bounces;

/// <summary>What a refusal means: of the address, of us, of the message or of the hour.</summary>
public static partial class BounceTable
{
    // RFC 3463 §3.2: x.1.x is about an address; .4 is ambiguous, .5 good, .7 and .8 are about the sender's, .9 about a lenient relay.
    // .10 is a domain that takes no mail (RFC 7505).
    private static readonly FrozenSet<string> AddressStatus = new[] { "5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10" }.ToFrozenSet();

    /// <summary>What a reply with a code of 4xx or 5xx means.</summary>
    /// <param name="reply">The receiver's reply, or the one that a DSN reports.</param>
    /// <param name="atRecipient">It answered <c>RCPT TO</c>.</param>
    public static BounceVerdict Classify(Reply reply, bool atRecipient) => SuppressesAddress(reply, atRecipient)
        ? new(BounceClass.NoMailbox, IsHard: true, "The mailbox does not exist.", "Take the address off your lists.") { SuppressesAddress = true }
        : new(BounceClass.Other, reply.IsPermanent, "The receiver refused the message.", "Read its reply.");

    /// <summary>
    /// A permanent refusal that means the address itself is dead, so that nothing should be sent there again. In doubt false: a suppressed good
    /// address is lost for good, a dead one costs another refusal.
    /// </summary>
    /// <param name="reply">The receiver's reply.</param>
    /// <param name="atRecipient">It answered <c>RCPT TO</c>; a reply to another command is seldom about the address.</param>
    public static bool SuppressesAddress(Reply reply, bool atRecipient)
    {
        if (!reply.IsPermanent || IsRateSignal(reply) || Blames().IsMatch(reply.Text)) return false;
        if (reply.Enhanced is { } enhanced) return reply.Code != 552 && AddressStatus.Contains(enhanced);
        return atRecipient && reply.Code is 550 or 551 or 553;
    }

    /// <summary>
    /// A limit of QQ or NetEase that has been reached: temporary whatever its first digit. QQ answers <c>550 … frequency limited</c>; NetEase
    /// answers 421 to 554 with a family (host, mail, data or reputation limits) before a code, as in <c>554 DT:SPM</c>.
    /// </summary>
    public static bool IsRateSignal(Reply reply) => reply.Code switch
    {
        550 => FrequencyLimited().IsMatch(reply.Text) || NetEaseFamily().IsMatch(reply.Text),
        421 or 450 or 451 or 554 => NetEaseFamily().IsMatch(reply.Text),
        _ => false,
    };

    /// <summary>Words of refusals that blame the sender or the content, whatever the codes before them.</summary>
    [GeneratedRegex(@"\b(?:rate|spam\w*|blocked|black ?list\w*|block ?list\w*|listed|denied|reputation|limit\w*|too many|quota|full|policy|prohibited|"
        + @"sender|relay\w*|authenticat\w*|spf|dkim|dmarc|ptr|reverse dns|grey ?list\w*)\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Blames();

    [GeneratedRegex(@"\bfrequency limited\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex FrequencyLimited();

    [GeneratedRegex(@"\b(?:HL|MI|DT|RP):[A-Z]{3}\b", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex NetEaseFamily();
}
