using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>A few phrases that hardly stand in anything but spam. Filters weigh thousands of words; single ones prove nothing.</summary>
internal static class PhraseLint
{
    private static readonly string[] Phrases =
    [
        "act now", "100% free", "100 % free", "risk-free", "risk free offer", "you have won", "you've won", "you are a winner", "claim your prize", "earn extra cash",
        "work from home and earn", "make money fast", "double your income", "no credit check", "guaranteed income", "this is not spam", "not a scam", "miracle cure",
        "lose weight fast", "online casino", "viagra", "cialis", "dear friend", "wire transfer fee", "million dollars", "once in a lifetime", "your account will be suspended",
        "verify your password", "confirm your password",
        "恭喜您中奖", "恭喜你中奖", "您已中奖", "代开发票", "开发票联系", "加微信领", "免费领取大奖", "月入过万", "轻松赚钱", "日赚", "稳赚不赔", "无抵押贷款", "低息贷款",
        "澳门赌场", "网上赌场", "六合彩", "壮阳", "点击领取红包", "非诚勿扰", "本邮件不是垃圾邮件",
    ];

    public static Check SpamPhrases(RenderedMessage message)
    {
        var inSubject = Found(message.Subject);
        var found = inSubject.Union(Found(message.VisibleText)).ToList();
        return found.Count == 0 || (found.Count == 1 && inSubject.Count == 0)
            ? Pass("spamPhrases", Content, "The wording is not that of spam.")
            : Warn("spamPhrases", Content, $"The message says '{string.Join("', '", found.Take(4))}', as spam does.", "Say it in other words.");
    }

    private static List<string> Found(string text) => [.. Phrases.Where(phrase => Contains(text, phrase))];

    /// <summary>As whole words, so that "specialist" is no "cialis"; ideographs have no blanks.</summary>
    private static bool Contains(string text, string phrase)
    {
        for (var at = text.IndexOf(phrase, StringComparison.OrdinalIgnoreCase); at >= 0; at = text.IndexOf(phrase, at + 1, StringComparison.OrdinalIgnoreCase))
        {
            var before = at > 0 && char.IsAsciiLetter(text[at - 1]);
            var after = at + phrase.Length < text.Length && char.IsAsciiLetter(text[at + phrase.Length]);
            if (!before && !after) return true;
        }
        return false;
    }
}
