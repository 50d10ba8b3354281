using System.Net;
using System.Text;

namespace MailApi.Mail.Bounces;

/// <summary>The words of a message itself, without what it encloses or copies: in paragraphs, a line each.</summary>
internal sealed class NoticeText
{
    private const int CharsMax = 64 << 10;
    private const int ParagraphsMax = 200;

    /// <summary>The line after which a copy of the answered message begins, in lower case.</summary>
    private static readonly string[] CopyFollows =
    [
        "below this line is a copy of the message", "this is a copy of the message", "this is a copy of your message", "copy of the original message", "original message headers", "original message header", "original message follows", "original headers follow", "--- original message",
        "----original message", "message header follows", "message headers follow", "header of the original message", "unsent message below", "returned message follows", "returned message", "message text follows", "your original message", "your message follows", "transcript of your message",
        "原始邮件", "原邮件", "原信件", "邮件原文", "原始郵件", "退回的邮件内容", "исходное сообщение", "заголовки исходного", "оригинал письма", "оригинал сообщения", "ursprüngliche nachricht", "originalnachricht", "kopie der nachricht", "kopfzeilen der nachricht", "kopfzeilen ihrer", "元のメッセージ", "元メール", "原文メッセージ",
        "message d'origine", "mensaje original",
    ];

    private NoticeText(string notice, string copy)
    {
        Copy = copy;
        Whole = notice;
        Paragraphs = Split(notice);
    }

    public string Whole { get; }

    /// <summary>Each with its lines joined by line feeds.</summary>
    public IReadOnlyList<string> Paragraphs { get; }

    /// <summary>The copy of the answered message, from its first field on; empty where there is none.</summary>
    public string Copy { get; }

    public static NoticeText Of(IReadOnlyList<Part> parts)
    {
        var text = new StringBuilder();
        foreach (var part in parts.Where(IsOfNotice("text/plain"))) Append(text, part.Text());
        if (string.IsNullOrWhiteSpace(text.ToString()))
            foreach (var part in parts.Where(IsOfNotice("text/html"))) Append(text, FromHtml(part.Text()));
        var lines = text.ToString().ReplaceLineEndings("\n");
        var copy = CopyBegin(lines);
        return copy < 0 ? new NoticeText(lines, "") : new NoticeText(lines[..copy], AfterLine(lines, copy));
    }

    private static Func<Part, bool> IsOfNotice(string mediaType) => part => part.MediaType == mediaType && !IsEnclosed(part);

    private static bool IsEnclosed(Part part) => part.IsEnclosedMessage || (part.Parent is { } parent && IsEnclosed(parent));

    private static void Append(StringBuilder all, string text)
    {
        var room = CharsMax - all.Length;
        if (room > 0) all.Append(text, 0, Math.Min(text.Length, room)).Append("\n\n");
    }

    /// <summary>Words between the tags; what ends a block there ends a line here. No more than is read of a text.</summary>
    private static string FromHtml(string html)
    {
        if (html.Length > 2 * CharsMax) html = html[..(2 * CharsMax)];
        var text = new StringBuilder(html.Length);
        for (var at = 0; at < html.Length;)
        {
            if (html[at] != '<')
            {
                text.Append(html[at++] switch { '\r' or '\n' => ' ', var c => c });
                continue;
            }
            var tag = html.AsSpan(at + 1);
            var end = tag.IndexOf('>');
            if (end < 0) break;
            if (Hidden(tag) is { } close)
            {
                var closes = html.IndexOf(close, at, StringComparison.OrdinalIgnoreCase);
                at = closes < 0 ? html.Length : closes + close.Length;
                continue;
            }
            if (EndsLine(tag[..end])) text.Append('\n');
            at += end + 2;
        }
        return WebUtility.HtmlDecode(text.ToString());
    }

    private static string? Hidden(ReadOnlySpan<char> tag) => Starts(tag, "style") ? "</style>" : Starts(tag, "script") ? "</script>" : Starts(tag, "title") ? "</title>" : Starts(tag, "!--") ? "-->" : null;

    private static bool EndsLine(ReadOnlySpan<char> tag) =>
        Starts(tag, "br") || Starts(tag, "/p") || Starts(tag, "p") || Starts(tag, "/div") || Starts(tag, "div") || Starts(tag, "/tr") || Starts(tag, "/li") || Starts(tag, "li") || Starts(tag, "/h") || Starts(tag, "/table") || Starts(tag, "/pre") || Starts(tag, "hr");

    private static bool Starts(ReadOnlySpan<char> tag, string name) => tag.StartsWith(name, StringComparison.OrdinalIgnoreCase);

    private static int CopyBegin(string text)
    {
        for (var at = 0; at < text.Length;)
        {
            var end = text.IndexOf('\n', at);
            if (end < 0) end = text.Length;
            // A sentence that speaks of the copy is no heading of it.
            var line = text[at..end].Trim().ToLowerInvariant();
            if (line.Length is > 0 and < 100 && Array.Exists(CopyFollows, it => line.Contains(it, StringComparison.Ordinal)) && IsHeading(line)) return at;
            if (line.StartsWith("return-path: <", StringComparison.Ordinal) || line.StartsWith("received: from ", StringComparison.Ordinal) || line.StartsWith("received: by ", StringComparison.Ordinal)) return at;
            at = end + 1;
        }
        return -1;
    }

    private static bool IsHeading(string line) => line[0] is '-' or '=' or '*' or '_' or '>' or '【' or '+' || line[^1] is ':' or '-' or '=' or '：' or '*' or '】' || line.Length < 40 && line[^1] is not ('.' or '。' or ',' or '，');

    /// <summary>A heading is left out; a field of the copy itself is not.</summary>
    private static string AfterLine(string text, int at)
    {
        var end = text.IndexOf('\n', at);
        if (text.AsSpan(at).TrimStart().StartsWith("re", StringComparison.OrdinalIgnoreCase) && text.AsSpan(at, (end < 0 ? text.Length : end) - at).IndexOf(": ") > 0) return text[at..];
        return end < 0 ? "" : text[(end + 1)..];
    }

    private static List<string> Split(string text)
    {
        var paragraphs = new List<string>();
        var current = new StringBuilder();
        ReadOnlySpan<char> rest = text;
        while (rest.Length > 0 && paragraphs.Count < ParagraphsMax)
        {
            var line = FieldBlock.Line(ref rest).Trim();
            if (!line.IsEmpty) current.Append(current.Length > 0 ? "\n" : "").Append(line);
            if ((!line.IsEmpty && rest.Length > 0) || current.Length == 0) continue;
            paragraphs.Add(current.ToString());
            current.Clear();
        }
        return paragraphs;
    }
}
