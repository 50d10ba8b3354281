using System.Globalization;
using System.Text;
using MimeKit;

namespace MailApi.Mail.Smtp.Submission;

/// <summary>
/// What of a message is the same whenever its program composes it: all but the fields that tell of this once (<c>Date</c>, <c>Message-ID</c>, <c>Received</c>), and the
/// texts of its boundaries (RFC 2046 §5.1.1), in the place of which stand their ordinals. What it encloses as a message stays as it is.
/// </summary>
public static class LastingOctets
{
    private const int BoundariesMax = 100;

    /// <summary>Of a Content-Type that is looked into: no program writes a longer one, and reading takes many times its size.</summary>
    private const int FieldOctetsMax = 8 << 10;

    /// <summary>RFC 2046 §5.1.1 allows 70, and blanks behind them.</summary>
    private const int DelimiterOctetsMax = 200;

    private static readonly string[] OfThisOnce = ["Date", "Message-ID", "Received"];

    /// <param name="message">All of its lines end with CRLF.</param>
    /// <returns>In pieces, one behind the other; most are the message's own octets.</returns>
    public static IEnumerable<ReadOnlyMemory<byte>> Of(ReadOnlyMemory<byte> message)
    {
        var ordinals = new Dictionary<string, string>(StringComparer.Ordinal);
        var (rest, isPart, hasHeader) = (message, false, true);
        while (true)
        {
            while (hasHeader && !rest.IsEmpty && !rest.Span.StartsWith("\r\n"u8) && !rest.Span.StartsWith("--"u8))
            {
                var field = rest[..SubmittedHeader.FieldEnd(rest.Span)];
                rest = rest[field.Length..];
                if (isPart || !Array.Exists(OfThisOnce, name => Is(field.Span, name))) yield return Is(field.Span, "Content-Type") ? WithOrdinal(field, ordinals) : field;
            }
            if (NextDelimiter(rest.Span, ordinals) is not var (begin, line, ordinal))
            {
                yield return rest;
                yield break;
            }
            yield return rest[..begin];
            // "--1--" ends a multipart: what follows is no part and has no header.
            yield return Encoding.ASCII.GetBytes(ordinal);
            rest = rest[(begin + line)..];
            (isPart, hasHeader) = (true, !ordinal.EndsWith("--\r\n", StringComparison.Ordinal));
        }
    }

    private static bool Is(ReadOnlySpan<byte> field, string name) => field.IndexOf((byte)':') is >= 0 and var colon && Ascii.EqualsIgnoreCase(field[..colon].TrimEnd(" \t"u8), name);

    /// <summary>The field with the ordinal of the boundary that it declares.</summary>
    private static ReadOnlyMemory<byte> WithOrdinal(ReadOnlyMemory<byte> field, Dictionary<string, string> ordinals)
    {
        if (field.Length > FieldOctetsMax) return field;
        var text = Encoding.Latin1.GetString(field.Span);
        if (!ContentType.TryParse(text[(text.IndexOf(':', StringComparison.Ordinal) + 1)..], out var type) || type.Boundary is not { Length: > 0 } boundary) return field;
        var parameter = text.IndexOf("boundary", StringComparison.OrdinalIgnoreCase) + "boundary".Length;
        var at = text.IndexOf(boundary, parameter, StringComparison.Ordinal);
        if (at < 0 || (ordinals.Count == BoundariesMax && !ordinals.ContainsKey(boundary))) return field;
        // With an octet that text lines have not (RFC 2045 §2.7, §2.8), so that none reads like one.
        ordinals.TryAdd(boundary, "\0" + ordinals.Count.ToString(CultureInfo.InvariantCulture));
        return Encoding.Latin1.GetBytes(string.Concat(text.AsSpan(0, at), ordinals[boundary], text.AsSpan(at + boundary.Length)));
    }

    /// <summary>Where the next line with one of the boundaries begins, how long it is, and how it reads with the ordinal; null where there is none.</summary>
    private static (int Begin, int Length, string Line)? NextDelimiter(ReadOnlySpan<byte> rest, Dictionary<string, string> ordinals)
    {
        if (ordinals.Count == 0) return null;
        for (var begin = 0; begin < rest.Length;)
        {
            var end = rest[begin..].IndexOf("\r\n"u8);
            var length = end < 0 ? rest.Length - begin : end;
            if (length <= DelimiterOctetsMax && rest[begin..].StartsWith("--"u8))
            {
                var name = Encoding.Latin1.GetString(rest.Slice(begin + 2, length - 2)).TrimEnd(' ', '\t');
                var line = end < 0 ? length : length + 2;
                if (ordinals.TryGetValue(name, out var ordinal)) return (begin, line, $"--{ordinal}\r\n");
                if (name.EndsWith("--", StringComparison.Ordinal) && ordinals.TryGetValue(name[..^2], out ordinal)) return (begin, line, $"--{ordinal}--\r\n");
            }
            var next = rest[begin..].IndexOf("\r\n--"u8);
            if (next < 0) return null;
            begin += next + 2;
        }
        return null;
    }
}
