using System.Globalization;
using System.Text.RegularExpressions;

namespace MailApi.Testing;

/// <summary>
/// What a recipient's local part tells the sink to do, <c>word[-times][-anything]</c>: the word acts the first <c>times</c> times that the
/// address is named in RCPT, or always without a number; every other local part is accepted.
/// </summary>
internal sealed partial record SinkScript(SinkFault Fault, int Code, int Times)
{
    private static readonly SinkScript Accept = new(SinkFault.None, 250, 0);

    public static SinkScript Parse(string recipient)
    {
        var at = recipient.LastIndexOf('@');
        var match = Words().Match(at < 0 ? recipient : recipient[..at]);
        if (!match.Success) return Accept;
        var times = match.Groups["times"] is { Success: true } group ? int.Parse(group.Value, CultureInfo.InvariantCulture) : int.MaxValue;
        return match.Groups["word"].Value.ToLowerInvariant() switch
        {
            "policy" => new SinkScript(SinkFault.Refuse, 5571, times),
            "frequency" => new SinkScript(SinkFault.Refuse, 5500, times),
            "full" => new SinkScript(SinkFault.Refuse, 552, times),
            "overquota" => new SinkScript(SinkFault.Refuse, 4522, times),
            "tarpit" => new SinkScript(SinkFault.Tarpit, 250, times),
            "reset-before-dot" => new SinkScript(SinkFault.ResetBeforeDot, 0, times),
            "reset-after-dot-kept" => new SinkScript(SinkFault.ResetAfterDotKept, 0, times),
            "reset-after-dot-dropped" => new SinkScript(SinkFault.ResetAfterDotDropped, 0, times),
            "lost-250" => new SinkScript(SinkFault.LostReply, 0, times),
            "hold-data" => new SinkScript(SinkFault.HoldData, 354, times),
            "hold-dot" => new SinkScript(SinkFault.HoldDot, 250, times),
            "half-open" => new SinkScript(SinkFault.HalfOpen, 0, times),
            "slow-read" => new SinkScript(SinkFault.SlowRead, 250, times),
            "garbage" => new SinkScript(SinkFault.Garbage, 0, times),
            "421" => new SinkScript(SinkFault.Close, 421, times),
            var word when word.StartsWith("dot-", StringComparison.Ordinal) => new SinkScript(SinkFault.RefuseAfterDot, ReplyCode(word[4..]), times),
            var word => new SinkScript(SinkFault.Refuse, ReplyCode(word), times),
        };
    }

    /// <summary>The reply of a refusal.</summary>
    public string Reply => Code switch
    {
        421 => "421 4.3.2 closing, try again later",
        450 => "450 4.2.1 mailbox busy, try again later",
        451 => "451 4.3.0 local error, try again later",
        452 => "452 4.3.1 out of room, try again later",
        550 => "550 5.1.1 no such user",
        551 => "551 5.1.6 the user has moved",
        552 => "552 5.2.2 mailbox full",
        553 => "553 5.1.3 bad mailbox name",
        4522 => "452 4.2.2 mailbox full, try again later",
        5500 => "550 Connection frequency limited. https://service.mail.qq.com/detail/0/1000",
        5571 => "550 5.7.1 refused by policy",
        < 500 => $"{Code} 4.0.0 not now",
        _ => $"{Code} 5.0.0 no",
    };

    private static int ReplyCode(string word) => word[1] is 'x' or 'X' ? word[0] == '4' ? 451 : 550 : int.Parse(word, CultureInfo.InvariantCulture);

    [GeneratedRegex("""
        ^(?<word>(dot-)?[45](\d\d|xx)|policy|frequency|full|overquota|tarpit|reset-before-dot|reset-after-dot-kept|reset-after-dot-dropped|lost-250|hold-data|hold-dot|half-open|slow-read|garbage)
        (-(?<times>\d+))?([-.+].*)?$
        """, RegexOptions.IgnoreCase | RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Words();
}

/// <summary>What goes wrong with a recipient.</summary>
internal enum SinkFault
{
    None,

    /// <summary>RCPT is refused.</summary>
    Refuse,

    /// <summary>RCPT is accepted, the message is not.</summary>
    RefuseAfterDot,

    /// <summary>421 in answer to RCPT, and the connection closes.</summary>
    Close,

    /// <summary>Every reply from RCPT on comes late.</summary>
    Tarpit,

    /// <summary>Bytes arrive slowly.</summary>
    SlowRead,

    /// <summary>After 354 and the first bytes of the message the connection is reset.</summary>
    ResetBeforeDot,

    /// <summary>The message is kept and the connection reset in place of the reply.</summary>
    ResetAfterDotKept,

    /// <summary>The message is thrown away and the connection reset in place of the reply.</summary>
    ResetAfterDotDropped,

    /// <summary>The message is kept and the connection closed in good order without a reply.</summary>
    LostReply,

    /// <summary>The 354 is held until the test releases it: the message has not begun.</summary>
    HoldData,

    /// <summary>The message is kept and the reply held until the test releases it.</summary>
    HoldDot,

    /// <summary>From RCPT on the connection stays open and nothing comes back.</summary>
    HalfOpen,

    /// <summary>RCPT is answered with what is no SMTP.</summary>
    Garbage,
}
