using System.Text.RegularExpressions;
using MailApi.Mail.Bounces;
using MailApi.Mail.Smtp;

namespace MailApi.Mail.Shaping;

/// <summary>What a receiver's words ask of us. The set of cases is closed.</summary>
public abstract record SignalEffect
{
    private SignalEffect() { }

    /// <summary>Half the connections and half the rate.</summary>
    public sealed record Slow : SignalEffect;

    /// <summary>Half the connections; the rate is not what it complains of.</summary>
    public sealed record FewerConnections : SignalEffect;

    /// <summary>No more than this rate, from which it recovers as from any other.</summary>
    public sealed record RateOf(double PerSecond) : SignalEffect;

    /// <summary>Nothing for so long, then half as much as before.</summary>
    public sealed record Pause(TimeSpan Time) : SignalEffect;

    /// <summary>It speaks of one mailbox, or of an idle connection: the site is well.</summary>
    public sealed record Nothing : SignalEffect;
}

/// <summary>
/// Replies that speak of our rate rather than of a message: data, dated 2026-11, the first that fits. The sources are smtp.codes/qq and
/// biecuoliao.com for QQ and NetEase, KumoMTA's <c>assets/community/shaping.toml</c> for what to do about them and about Yahoo,
/// support.google.com/a/answer/3726730 for Gmail, and the wording that is met in general for the rest. What else
/// <see cref="BounceTable"/> takes for too much on the whole slows the site as well.
/// </summary>
public static partial class RateSignals
{
    private static readonly (Func<Reply, bool> Fits, SignalEffect Effect)[] Table =
    [
        // Yahoo, AOL: "421 4.7.0 [TSS04] Messages from … temporarily deferred due to unexpected volume or user complaints".
        (reply => reply.IsTransient && YahooTwo().IsMatch(reply.Text), new SignalEffect.RateOf(1 / 60d)),
        (reply => reply.IsTransient && YahooThree().IsMatch(reply.Text), new SignalEffect.RateOf(10 / 60d)),
        (reply => reply.IsTransient && YahooFour().IsMatch(reply.Text), new SignalEffect.Pause(TimeSpan.FromHours(2))),
        (reply => reply.IsTransient && YahooFive().IsMatch(reply.Text), new SignalEffect.Pause(TimeSpan.FromHours(4))),
        // QQ: "550 Ip frequency limited", and the same of sender, domain and connection.
        (reply => reply.Code >= 400 && FrequencyLimited().IsMatch(reply.Text), new SignalEffect.Pause(TimeSpan.FromHours(1))),
        // QQ as well, of one message or one address: over in a while too, but one dead address must not stop the site.
        (reply => reply.Code >= 400 && QqDenied().IsMatch(reply.Text), new SignalEffect.Slow()),
        // NetEase: a family and a code, behind 421 to 554.
        (reply => reply.Code >= 400 && NetEaseContent().IsMatch(reply.Text), new SignalEffect.Pause(TimeSpan.FromMinutes(2))),
        (reply => reply.Code >= 400 && NetEaseQuota().IsMatch(reply.Text), new SignalEffect.Pause(TimeSpan.FromMinutes(15))),
        (reply => reply.Code >= 400 && NetEaseDay().IsMatch(reply.Text), new SignalEffect.Pause(TimeSpan.FromHours(4))),
        (reply => reply.Code >= 400 && NetEaseConnections().IsMatch(reply.Text), new SignalEffect.FewerConnections()),
        (reply => reply.Code >= 400 && NetEaseOther().IsMatch(reply.Text), new SignalEffect.Slow()),
        // Comcast: "Throttled - try again later" behind a code of a mailbox, and meant of the sender.
        (reply => reply.Enhanced == "4.2.0" && reply.Text.Contains("throttled", StringComparison.OrdinalIgnoreCase), new SignalEffect.Slow()),
        // One mailbox is full or gets too much (RFC 3463 §3.3), one message has too many recipients (§3.6), or an idle connection ended (§3.5).
        (reply => reply.Enhanced is { } status && (status.StartsWith("4.2.", StringComparison.Ordinal) || status is "4.5.3" or "4.4.2"), new SignalEffect.Nothing()),
        (reply => reply.IsTransient && Connections().IsMatch(reply.Text), new SignalEffect.FewerConnections()),
        // Gmail.
        (reply => reply.Enhanced == "4.7.28", new SignalEffect.Slow()),
        (reply => reply.Code == 421, new SignalEffect.Slow()),
        // Microsoft ("RP-001", "Server busy") and everyone else.
        (reply => reply.IsTransient && Rate().IsMatch(reply.Text), new SignalEffect.Slow()),
    ];

    /// <summary>Null where the reply is about nothing but its message.</summary>
    public static SignalEffect? Find(Reply reply)
    {
        if (reply.Code < 400) return null;
        foreach (var (fits, effect) in Table)
            if (fits(reply)) return effect is SignalEffect.Nothing ? null : effect;
        return BounceTable.Find(reply).SlowsSite ? new SignalEffect.Slow() : null;
    }

    [GeneratedRegex(@"\[TSS?02\]", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex YahooTwo();

    [GeneratedRegex(@"\[TSS?03\]", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex YahooThree();

    [GeneratedRegex(@"\[TSS?04\]", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex YahooFour();

    [GeneratedRegex(@"\[TSS?05\]", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex YahooFive();

    [GeneratedRegex(@"\bfrequency limited\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex FrequencyLimited();

    [GeneratedRegex(@"\b(?:mail content (?:is )?denied|mailbox unavailable or access denied)\b|邮件内容被拒", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex QqDenied();

    [GeneratedRegex(@"\bDT:SPM\b", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex NetEaseContent();

    [GeneratedRegex(@"\bMI:SFQ\b", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex NetEaseQuota();

    [GeneratedRegex(@"\b(?:RP:ORQ|HL:ITC)\b", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex NetEaseDay();

    [GeneratedRegex(@"\bHL:ICC\b", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex NetEaseConnections();

    [GeneratedRegex(@"\b(?:HL|MI|DT|RP|WM):[A-Z]{3}\b", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex NetEaseOther();

    [GeneratedRegex(@"\b(?:too many (?:concurrent |simultaneous )?(?:smtp )?(?:connections|sessions)|connection limit\w*|RP-003)\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Connections();

    [GeneratedRegex(@"\b(?:rate[ -]limit\w*|unusual rate|too (?:fast|frequent\w*)|too many (?:messages|mails|emails|requests|transactions)|throttl\w*|RP-00[12]"
        + @"|server busy|exceeded (?:the |your )?(?:\w+ )?(?:rate|limit|quota)|unexpected volume|too much (?:mail|traffic))\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Rate();
}
