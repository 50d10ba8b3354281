using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace MailApi.Mail.Smtp;

/// <summary>
/// An SMTP reply (RFC 5321 §4.2): the three-digit code, the enhanced status code (RFC 3463) where the text begins with one, and the text
/// of all lines joined by a blank, without codes.
/// </summary>
public sealed partial record Reply(int Code, string? Enhanced, string Text)
{
    public const int TextCharsMax = 1000;

    /// <summary>C0, DEL, C1, and the separators of lines and paragraphs.</summary>
    private static readonly SearchValues<char> Controls = SearchValues.Create(
        [.. Enumerable.Range(0, 0xA0).Where(c => c is < 0x20 or >= 0x7F).Select(c => (char)c), '\u2028', '\u2029']);

    public bool IsPositive => Code is >= 200 and < 400;
    public bool IsTransient => Code is >= 400 and < 500;
    public bool IsPermanent => Code >= 500;

    /// <summary>
    /// Splits the text of a reply from its enhanced code. Control characters become blanks, since the other side wrote them,
    /// and the text is cut at <see cref="TextCharsMax"/>.
    /// </summary>
    public static Reply From(int code, string text)
    {
        text = WithoutControls(text).Trim();
        string? enhanced = null;
        if (EnhancedCode().Match(text) is { Success: true } match && match.ValueSpan[0] == (char)('0' + code / 100))
        {
            enhanced = match.Groups[1].Value;
            // Multi-line replies repeat the code on each line; "5.1.1" in "15.1.1" or "5.1.10" is another thing.
            var repeated = enhanced;
            text = string.Join(' ', text.Split(' ').Where(word => word != repeated));
        }
        return new Reply(code, enhanced, text.Truncate(TextCharsMax));
    }

    /// <summary>A text of the other side or of the system without control characters, cut at <see cref="TextCharsMax"/>.</summary>
    internal static string Printable(string text) => WithoutControls(text).Trim().Truncate(TextCharsMax);

    /// <summary>A blank for each run of them.</summary>
    private static string WithoutControls(string text)
    {
        var rest = text.AsSpan();
        if (!rest.ContainsAny(Controls)) return text;
        var printable = new StringBuilder(text.Length);
        while (rest.IndexOfAny(Controls) is >= 0 and var at)
        {
            printable.Append(rest[..at]).Append(' ');
            rest = rest[at..];
            rest = rest.IndexOfAnyExcept(Controls) is >= 0 and var next ? rest[next..] : [];
        }
        return printable.Append(rest).ToString();
    }

    public override string ToString() => Enhanced is null ? $"{Code} {Text}" : $"{Code} {Enhanced} {Text}";

    [GeneratedRegex(@"^([245]\.\d{1,3}\.\d{1,3})(?: |$)", RegexOptions.NonBacktracking)]
    private static partial Regex EnhancedCode();
}
