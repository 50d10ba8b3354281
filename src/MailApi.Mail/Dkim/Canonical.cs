using System.Buffers;
using System.Security.Cryptography;

namespace MailApi.Mail.Dkim;

/// <summary>The canonical forms of RFC 6376 §3.4. Only CRLF ends a line; a stray CR or LF is an octet like any other.</summary>
internal static class Canonical
{
    private const byte Blank = (byte)' ';
    private const byte Tab = (byte)'\t';

    /// <summary>The SHA-256 of the body and the length of its canonical form; <paramref name="length"/> is the signature's <c>l=</c>.</summary>
    public static (byte[] Sha256, int Length) HashBody(ReadOnlySpan<byte> body, bool relaxed, long? length = null)
    {
        var canonical = ArrayPool<byte>.Shared.Rent(body.Length + 2);
        try
        {
            var total = relaxed ? RelaxedBody(body, canonical) : SimpleBody(body, canonical);
            return (SHA256.HashData(canonical.AsSpan(0, (int)Math.Min(total, length ?? total))), total);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(canonical);
        }
    }

    /// <summary>Appends a field: name in lower case, value unfolded, runs of blanks as one (§3.4.2).</summary>
    public static void RelaxedField(RawField field, IBufferWriter<byte> to)
    {
        var raw = field.Value.Span;
        var value = to.GetSpan(field.Name.Length + 1 + raw.Length + 2);
        var end = System.Text.Encoding.Latin1.GetBytes(field.Name, value);
        value[end++] = (byte)':';
        var start = end;
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i..].StartsWith("\r\n"u8)) i++;
            else if (raw[i] is not (Blank or Tab)) value[end++] = raw[i];
            else if (end > start && value[end - 1] != Blank) value[end++] = Blank;
        }
        if (end > start && value[end - 1] == Blank) end--;
        "\r\n"u8.CopyTo(value[end..]);
        to.Advance(end + 2);
    }

    /// <summary>Blanks at line ends go, runs of blanks become one, empty lines at the end go (§3.4.4). Returns the octets written.</summary>
    private static int RelaxedBody(ReadOnlySpan<byte> body, Span<byte> to)
    {
        int written = 0, used = 0;
        while (!body.IsEmpty)
        {
            var end = body.IndexOf("\r\n"u8);
            var line = end < 0 ? body : body[..end];
            body = end < 0 ? [] : body[(end + 2)..];

            var start = written;
            line = line.TrimEnd(" \t"u8);
            foreach (var octet in line)
            {
                if (octet is not (Blank or Tab)) to[written++] = octet;
                else if (written == start || to[written - 1] != Blank) to[written++] = Blank;
            }
            var isEmpty = written == start;
            "\r\n"u8.CopyTo(to[written..]);
            written += 2;
            if (!isEmpty) used = written;
        }
        return used;
    }

    /// <summary>Empty lines at the end become one CRLF, which an empty body has too (§3.4.3).</summary>
    private static int SimpleBody(ReadOnlySpan<byte> body, Span<byte> to)
    {
        while (body.EndsWith("\r\n"u8)) body = body[..^2];
        body.CopyTo(to);
        "\r\n"u8.CopyTo(to[body.Length..]);
        return body.Length + 2;
    }
}
