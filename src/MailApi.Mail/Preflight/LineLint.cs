using System.Text;
using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>The octets as lines (RFC 5321 §4.5.3.1.6, RFC 5322 §2.1.1), of the header and of the body alike.</summary>
internal static class LineLint
{
    public const int LineOctetsMax = 998;
    public const int LineOctetsPreferred = 78;

    public static Check LineLength(RenderedMessage message)
    {
        var (longest, number, long78) = Measure(message.Raw);
        if (longest > LineOctetsMax)
            return Fail("lineLength", Headers,
                $"Line {number} has {longest} characters; more than {LineOctetsMax} are not allowed (RFC 5322 §2.1.1), and servers cut or refuse such lines.",
                "Send the text as quoted-printable or base64, and fold long headers.");
        return long78 == 0
            ? Pass("lineLength", Headers, "No line is longer than it may be.")
            : Warn("lineLength", Headers, $"{long78} lines are longer than the {LineOctetsPreferred} characters that RFC 5322 §2.1.1 recommends.",
                "Fold long headers before a word, and send texts as quoted-printable.");
    }

    public static Check LineEnds(RenderedMessage message)
    {
        var raw = message.Raw.AsSpan();
        var stray = StrayLineEnd(raw);
        if (stray is not null)
            return Fail("lineEnds", Headers, $"The message holds a lone {stray}. Some servers take it for the end of a line, or even of the message, and others do not.",
                "End every line with CR LF.");
        return raw.Contains((byte)0)
            ? Fail("lineEnds", Headers, "The message holds a NUL character, which RFC 5322 forbids.", "Take it out, or send the part as base64.")
            : Pass("lineEnds", Headers, "Every line ends with CR LF.");
    }

    public static Check EightBitHeaders(RenderedMessage message)
    {
        var names = message.Fields.Where(field => !Ascii.IsValid(field.Octets.Span)).Select(field => Shown.Text(field.Name)).Distinct().ToList();
        if (names.Count == 0) return Pass("eightBitHeaders", Headers, "The header is plain ASCII, as every server can read it.");

        var needed = message.From is { } from && !Ascii.IsValid(from.LocalPart) || (message.Mime?.To.Mailboxes.Any(to => !Ascii.IsValid(to.LocalPart)) ?? false);
        var utf8 = message.Fields.All(field => System.Text.Unicode.Utf8.IsValid(field.Octets.Span));
        return needed && utf8
            ? Warn("eightBitHeaders", Headers, $"{Shown.List(names)} holds an address in non-ASCII letters: only receivers with SMTPUTF8 (RFC 6531) can take the message.",
                "Ask the customer for an address in plain letters as well.")
            : Fail("eightBitHeaders", Headers, $"{Shown.List(names)} holds raw non-ASCII characters; many servers garble or refuse them.",
                "Write them as encoded words (RFC 2047).");
    }

    /// <summary>The longest line, its number, and how many beyond 78 could have been broken at a blank.</summary>
    private static (int Longest, int Number, int Long78) Measure(ReadOnlySpan<byte> raw)
    {
        var (longest, number, long78, line) = (0, 0, 0, 0);
        while (!raw.IsEmpty)
        {
            line++;
            var end = raw.IndexOf((byte)'\n');
            var text = (end < 0 ? raw : raw[..end]).TrimEnd((byte)'\r');
            if (text.Length > longest) (longest, number) = (text.Length, line);
            if (text.Length > LineOctetsPreferred && text[1..].TrimEnd(" \t"u8).IndexOfAny(" \t"u8) is >= 0 and var blank && IsBreakable(text, blank + 1)) long78++;
            raw = end < 0 ? [] : raw[(end + 1)..];
        }
        return (longest, number, long78);
    }

    /// <summary>A header name and one long word, such as an address of a page, cannot be folded further.</summary>
    private static bool IsBreakable(ReadOnlySpan<byte> line, int blank) =>
        line[..blank].IndexOf((byte)':') != blank - 1 || line[(blank + 1)..].TrimEnd(" \t"u8).IndexOfAny(" \t"u8) >= 0;

    private static string? StrayLineEnd(ReadOnlySpan<byte> raw)
    {
        while (raw.IndexOfAny((byte)'\r', (byte)'\n') is >= 0 and var at)
        {
            if (raw[at] == '\n') return "LF";
            if (at + 1 >= raw.Length || raw[at + 1] != '\n') return "CR";
            raw = raw[(at + 2)..];
        }
        return null;
    }
}
