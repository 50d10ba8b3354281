using System.Buffers;
using System.Text;

namespace MailApi.Mail.Dkim;

/// <summary>A header field as it stands in the message, its closing CRLF included.</summary>
/// <param name="Name">In lower case.</param>
/// <param name="Octets">From the name to the CRLF.</param>
internal sealed record RawField(string Name, ReadOnlyMemory<byte> Octets)
{
    /// <summary>What follows the colon; all of a line without one.</summary>
    public ReadOnlyMemory<byte> Value => Octets[(Octets.Span.IndexOf((byte)':') + 1)..];
}

/// <summary>A message as DKIM sees it: header fields and a body, not a MIME tree. Nothing is parsed that a signature does not cover.</summary>
internal sealed record RawMessage(IReadOnlyList<RawField> Fields, ReadOnlyMemory<byte> Body)
{
    /// <summary>Mail has a few dozen. What follows this many is taken for the body, and no signature will match.</summary>
    public const int FieldsMax = 5_000;

    private static readonly byte[] CrLf = "\r\n"u8.ToArray();

    public static RawMessage Parse(ReadOnlyMemory<byte> message)
    {
        var fields = new List<RawField>();
        while (!message.IsEmpty && fields.Count < FieldsMax)
        {
            if (message.Span.StartsWith(CrLf)) return new RawMessage(fields, message[CrLf.Length..]);
            var end = EndOfField(message.Span);
            fields.Add(new RawField(NameOf(message.Span[..end]), message[..end]));
            message = message[end..];
        }
        return new RawMessage(fields, message);
    }

    /// <summary>
    /// The fields that an <c>h=</c> list of names selects: of several with one name the last comes first (RFC 6376 §5.4.2);
    /// a name with no field left selects nothing. A signature never covers itself (§3.5).
    /// </summary>
    public IEnumerable<RawField> Select(IEnumerable<string> names, RawField? itself = null)
    {
        var left = Fields.Where(field => !ReferenceEquals(field, itself))
            .GroupBy(field => field.Name).ToDictionary(group => group.Key, group => new Stack<RawField>(group));
        foreach (var name in names)
        {
            if (left.TryGetValue(name.ToLowerInvariant(), out var fields) && fields.TryPop(out var field)) yield return field;
        }
    }

    /// <summary>
    /// Makes CRLF of every bare LF, as of a message that was stored in a file. A MIME parser would not give back all octets as they came.
    /// </summary>
    public static ReadOnlyMemory<byte> WithCrLf(ReadOnlyMemory<byte> message)
    {
        var octets = message.Span;
        if (octets.Count((byte)'\n') == octets.Count("\r\n"u8)) return message;
        var text = new ArrayBufferWriter<byte>(octets.Length + octets.Length / 16);
        for (var i = 0; i < octets.Length; i++)
        {
            if (octets[i] == '\n' && (i == 0 || octets[i - 1] != '\r')) text.Write("\r\n"u8);
            else text.Write(octets.Slice(i, 1));
        }
        return text.WrittenMemory;
    }

    /// <summary>Behind the first CRLF that no blank follows, which would continue the field (RFC 5322 §2.2.3).</summary>
    private static int EndOfField(ReadOnlySpan<byte> text)
    {
        for (var end = 0; ;)
        {
            var line = text[end..].IndexOf(CrLf);
            if (line < 0) return text.Length;
            end += line + CrLf.Length;
            if (end >= text.Length || text[end] is not ((byte)' ' or (byte)'\t')) return end;
        }
    }

    private static string NameOf(ReadOnlySpan<byte> field)
    {
        var colon = field.IndexOf((byte)':');
        return Encoding.Latin1.GetString(field[..Math.Max(colon, 0)]).Trim(' ', '\t').ToLowerInvariant();
    }
}
