using System.Collections.Frozen;
using System.Text.RegularExpressions;
using MailApi.Mail.Smtp;

namespace MailApi.Mail.Bounces;

/// <summary>
/// What a refusal means: of the address, of us, of the message or of the hour. Data, dated 2026-11: the rows are in the files beside this one, by receiver.
/// Receivers publish little of this and change it without a word: rows are the wording that is met. Where to look when one does not fit:
/// support.google.com/a/answer/3726730 (Gmail), learn.microsoft.com (Exchange Online, Outlook.com), senders.yahooinc.com, postmaster.gmx.net, postmaster.comcast.net, help.163.com.
/// </summary>
public static partial class BounceTable
{
    /// <summary>As much of a text as is read: more than a <see cref="Reply"/> that was read from the wire holds.</summary>
    private const int TextCharsMax = 2 * Reply.TextCharsMax;

    // RFC 3463 §3.2: x.1.x is about an address; .4 is ambiguous, .5 good, .7 and .8 are about the sender's, .9 about a lenient relay.
    // .10 is a domain that takes no mail (RFC 7505).
    private static readonly FrozenSet<string> AddressStatus = new[] { "5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10" }.ToFrozenSet();

    // What names its receiver before what anybody may have written, and words before codes: many a receiver says "5.1.1 blocked".
    private static readonly BounceRow[] OfReceivers = [.. ChineseReceivers, .. ChineseWords, .. Google, .. Microsoft, .. Yahoo, .. Apple, .. RussianReceivers, .. GermanReceivers, .. Comcast];
    private static readonly BounceRow[] OfAnybody = [.. Words, .. Codes];

    internal static IReadOnlyList<BounceRow> Rows { get; } = [.. OfReceivers, .. OfAnybody];

    private static readonly BounceRow Unknown = BounceRow.Else("", "", "The receiver refused the message.", "Read its reply.");

    /// <summary>What a reply with a code of 4xx or 5xx means.</summary>
    /// <param name="reply">The receiver's reply, or the one that a DSN reports.</param>
    /// <param name="atRecipient">It answered <c>RCPT TO</c>.</param>
    public static BounceVerdict Classify(Reply reply, bool atRecipient)
    {
        var words = ReplyWords.Of(reply.Text.Truncate(TextCharsMax));
        var row = Find(reply, words);
        return new(row.Class, row.IsHard && reply.IsPermanent, row.Means, row.Cure)
        {
            IsRateSignal = row.IsRateSignal,
            SuppressesAddress = row.Class switch
            {
                BounceClass.NoMailbox => !row.IsShut && MeansTheAddress(reply, words, atRecipient, row.IsCertain),
                // A domain that is not there; without the code it may be the sender's.
                BounceClass.Dns => reply.Enhanced is "5.1.2" or "5.1.10" && MeansTheAddress(reply, words, atRecipient, isCertain: false),
                _ => false,
            },
        };
    }

    internal static BounceRow Find(Reply reply) => Find(reply, ReplyWords.Of(reply.Text.Truncate(TextCharsMax)));

    private static BounceRow Find(Reply reply, ReplyWords words)
    {
        foreach (var row in OfReceivers)
            if (row.Fits(reply, words)) return row;
        words = words.OfAnybody;
        foreach (var row in OfAnybody)
            if (row.Fits(reply, words)) return row;
        return Unknown;
    }

    /// <summary>In doubt false: a suppressed good address is lost for good, a dead one costs another refusal.</summary>
    private static bool MeansTheAddress(Reply reply, ReplyWords words, bool atRecipient, bool isCertain)
    {
        if (!reply.IsPermanent || Blames().IsMatch(words.WithoutHosts())) return false;
        if (isCertain) return true;
        if (reply.Enhanced is { } enhanced) return reply.Code != 552 && AddressStatus.Contains(enhanced);
        return atRecipient && reply.Code is 550 or 551 or 553;
    }

    /// <summary>Words of refusals that blame the sender or the content, whatever the codes before them.</summary>
    [GeneratedRegex(@"\b(?:rate|spam\w*|blocked|black ?list\w*|block ?list\w*|listed|denied|reputation|limit\w*|too many|quota|full|policy|prohibited|"
        + @"sender|relay\w*|authenticat\w*|spf|dkim|dmarc|ptr|reverse dns|grey ?list\w*)\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Blames();
}
