using System.Text;
using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>The subject as filters and readers see it.</summary>
internal static class SubjectLint
{
    /// <summary>In columns, of which an ideograph takes two. Mail programs on telephones show 40 to 60.</summary>
    private const int ColumnsMax = 150;

    private const int CasedLettersMin = 10;

    private static readonly string[] ReplyMarks =
    [
        "re:", "re：", "fw:", "fwd:", "fw：", "fwd：", "aw:", "wg:", "sv:", "antw:", "tr:", "rv:", "回复:", "回复：", "答复:", "答复：", "转发:", "转发：", "回覆:", "回覆：", "轉寄:", "轉寄：",
    ];

    private static readonly string[] Excesses = ["!!", "??", "!?", "?!", "$$", "€€", "¥¥", "￥￥", "***", "★★"];

    public static Check SubjectText(RenderedMessage message)
    {
        var subject = message.Subject.Trim();
        if (subject.Length == 0)
            return Fail("subject", Subject, "The subject is empty; filters take that for spam, and readers do not open it.",
                "Say in a few words what the message is about, such as 'Your order 1027 has been shipped'.");
        var columns = subject.EnumerateRunes().Sum(rune => rune.Value >= 0x1100 ? 2 : 1);
        return columns > ColumnsMax
            ? Warn("subject", Subject, $"The subject is {columns} columns long; mail programs show some 60.", "Put what matters first, and the rest into the text.")
            : Pass("subject", Subject, $"The subject is '{Shown.Text(subject)}'.");
    }

    public static Check SubjectCapitals(RenderedMessage message)
    {
        var (upper, lower) = (message.Subject.Count(char.IsUpper), message.Subject.Count(char.IsLower));
        return upper + lower >= CasedLettersMin && upper > 4 * lower
            ? Warn("subjectCapitals", Subject, "The subject is written in capitals, which reads as shouting and counts as a sign of spam.",
                "Write it in usual letters.")
            : Pass("subjectCapitals", Subject, "The subject is not in capitals.");
    }

    public static Check SubjectPunctuation(RenderedMessage message)
    {
        var marks = message.Subject.Replace('！', '!').Replace('？', '?');
        var excess = Excesses.FirstOrDefault(mark => marks.Contains(mark, StringComparison.Ordinal))
            ?? (marks.Count(c => c == '!') > 2 ? "!" : null);
        return excess is null
            ? Pass("subjectPunctuation", Subject, "The subject has no more marks than it needs.")
            : Warn("subjectPunctuation", Subject, $"The subject has '{excess}' in it; excess marks count as a sign of spam.", "One mark is enough, or none.");
    }

    public static Check SubjectReply(RenderedMessage message, bool isMarketing)
    {
        var subject = message.Subject.TrimStart();
        var mark = ReplyMarks.FirstOrDefault(mark => subject.StartsWith(mark, StringComparison.OrdinalIgnoreCase));
        if (mark is null || message.Has("in-reply-to") || message.Has("references")) return Pass("subjectReply", Subject,
            "The subject does not pretend to be an answer.");
        var reason = $"The subject begins with '{subject[..mark.Length]}', but the message answers no other; Gmail calls that misleading, and filters count it.";
        const string cure = "Take the mark out. If it is an answer, set In-Reply-To to the Message-ID of the customer's mail.";
        return isMarketing ? Fail("subjectReply", Subject, reason, cure) : Warn("subjectReply", Subject, reason, cure);
    }
}
