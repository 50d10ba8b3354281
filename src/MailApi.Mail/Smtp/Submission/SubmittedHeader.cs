using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using MailApi.Mail.Composition;

namespace MailApi.Mail.Smtp.Submission;

/// <summary>
/// Splits a message into its fields and its body. Strict where readers differ: a line that is neither a field nor the continuation of one is refused and not
/// taken for the beginning of the body.
/// </summary>
internal static class SubmittedHeader
{
    /// <summary>Room for a thousand recipients and what they are wrapped in.</summary>
    public const int BytesMax = 256 << 10;

    public const int FieldsMax = 500;

    // RFC 5322 §3.6.8: visible ASCII but the colon. A field of a message has fewer to choose from, see HeaderRules.
    private static readonly SearchValues<byte> NameOctets = SearchValues.Create([.. Enumerable.Range('!', '~' - '!' + 1).Where(octet => octet != ':').Select(octet => (byte)octet)]);

    // What may stand in a line besides CR and LF, which the listener has held to pairs: all but control characters, the blank of folding excepted.
    private static readonly SearchValues<byte> Forbidden = SearchValues.Create([.. Enumerable.Range(0, 0x20).Where(octet => octet is not ('\t' or '\r' or '\n')).Select(octet => (byte)octet), 0x7F]);

    /// <param name="message">All of its lines end with CRLF.</param>
    /// <param name="fields">In order.</param>
    /// <param name="body">What follows the empty line; nothing where there is none.</param>
    /// <param name="fault">Why it is no header.</param>
    public static bool TrySplit(ReadOnlyMemory<byte> message, out List<SubmittedField> fields, out ReadOnlyMemory<byte> body, [NotNullWhen(false)] out string? fault)
    {
        fields = [];
        body = default;
        var rest = message;
        while (!rest.IsEmpty && !rest.Span.StartsWith("\r\n"u8))
        {
            var end = FieldEnd(rest.Span);
            var field = rest[..end];
            if (message.Length - rest.Length + end > BytesMax || fields.Count == FieldsMax)
            {
                fault = $"The header has at most {BytesMax} octets and {FieldsMax} fields.";
                return false;
            }
            fault = Add(fields, field);
            if (fault is not null) return false;
            rest = rest[end..];
        }
        if (!rest.IsEmpty) body = rest[2..];
        fault = null;
        return true;
    }

    /// <summary>Behind the CRLF that no blank follows. The last line of a message may lack it.</summary>
    internal static int FieldEnd(ReadOnlySpan<byte> rest)
    {
        var end = 0;
        do
        {
            var line = rest[end..].IndexOf("\r\n"u8);
            if (line < 0) return rest.Length;
            end += line + 2;
        }
        while (end < rest.Length && rest[end] is (byte)' ' or (byte)'\t');
        return end;
    }

    private static string? Add(List<SubmittedField> fields, ReadOnlyMemory<byte> field)
    {
        var octets = field.Span;
        if (!octets.EndsWith("\r\n"u8)) return "The header ends within a line.";
        var colon = octets.IndexOf((byte)':');
        // Blanks before the colon are an obsolete form (RFC 5322 §4.5.8), and one in which two readers see different fields.
        var name = colon < 0 ? "" : Encoding.Latin1.GetString(octets[..colon]);
        if (colon <= 0 || name.Length > HeaderRules.NameCharsMax || octets[..colon].ContainsAnyExcept(NameOctets)) return $"Line {fields.Count + 1} of the header is no field, such as Subject: text.";
        if (octets.ContainsAny(Forbidden)) return $"{name} holds a control character.";
        fields.Add(new SubmittedField(name, field));
        return null;
    }
}
