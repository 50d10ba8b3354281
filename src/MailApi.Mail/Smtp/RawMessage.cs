using MimeKit;
using MimeKit.IO;

namespace MailApi.Mail.Smtp;

/// <summary>
/// Octets in the shape of a <see cref="MimeMessage"/>, since MailKit sends nothing else. <c>MimeMessage.WriteTo</c> is not virtual, but writes each
/// header as its raw field, a colon and its raw value, then an empty line and whatever the body writes: so the whole header goes in as the "raw value"
/// of its first field and the rest as a body of our own. Nothing is parsed, folded or encoded.
/// </summary>
internal sealed class RawMessage : MimeMessage
{
    private RawMessage(Header header, RawBody body, long bytes) : base((IEnumerable<Header>)[header])
    {
        Bytes = bytes;
        Body = body;
    }

    /// <summary>As for SIZE (RFC 1870): CRLF counted, stuffed dots not.</summary>
    public long Bytes { get; }

    /// <param name="transmission">Whose content is sent.</param>
    /// <param name="beforeDot">Runs when all content is with the receiver; MailKit sends the final dot once it has returned.</param>
    /// <exception cref="ArgumentException">The content is not lines with CRLF, a header, an empty line and a body.</exception>
    public static RawMessage Of(Transmission transmission, Func<CancellationToken, Task> beforeDot)
    {
        CheckLines(transmission.Content);
        var (header, body) = Split(transmission.Content);
        var colon = header.IndexOf((byte)':');
        if (colon < 1 || header.AsSpan(0, colon).ContainsAnyExceptInRange((byte)33, (byte)126)) throw new ArgumentException("the content does not begin with a header field");

        // A constructor would read and fold the value after the field's own grammar.
        if (!Header.TryParse((byte[])[.. header.AsSpan(0, colon + 1), .. "\r\n"u8], out var first)) throw new ArgumentException("the content does not begin with a header field");
        first.SetRawValue(header[(colon + 1)..]);
        return new RawMessage(first, new RawBody(body, transmission.EightBit, beforeDot), transmission.Content.Sum(part => (long)part.Length));
    }

    /// <summary>A stray CR or LF could end the message early at some receiver (SMTP smuggling): it must not reach the wire.</summary>
    private static void CheckLines(IReadOnlyList<ReadOnlyMemory<byte>> content)
    {
        var afterCr = false;
        var atLineEnd = false;
        foreach (var part in content)
        {
            var text = part.Span;
            while (!text.IsEmpty)
            {
                if (afterCr != (text[0] == '\n')) throw new ArgumentException("the content has a CR or LF that is no line end");
                if (afterCr)
                {
                    text = text[1..];
                    (afterCr, atLineEnd) = (false, true);
                    continue;
                }
                atLineEnd = false;
                var next = text.IndexOfAny((byte)'\r', (byte)'\n');
                if (next >= 0 && text[next] == '\n') throw new ArgumentException("the content has a CR or LF that is no line end");
                afterCr = next >= 0;
                text = next < 0 ? default : text[(next + 1)..];
            }
        }
        if (!atLineEnd) throw new ArgumentException("the content does not end with a line end");
    }

    /// <summary>Header fields with their CRLF, and what follows the empty line.</summary>
    private static (byte[] Header, List<ReadOnlyMemory<byte>> Body) Split(IReadOnlyList<ReadOnlyMemory<byte>> content)
    {
        if (content.Count == 0) throw new ArgumentException("there is no content");
        List<byte> header = [];
        for (var i = 0; i < content.Count; i++)
        {
            // Any empty line will do: this is where MailKit stops writing "the header" and the body takes over.
            var part = content[i].Span;
            var end = part.StartsWith("\r\n"u8) ? 0 : part.IndexOf("\r\n\r\n"u8) is var found and >= 0 ? found + 2 : -1;
            header.AddRange(end < 0 ? part : part[..end]);
            if (end >= 0) return ([.. header], [content[i][(end + 2)..], .. content.Skip(i + 1)]);
        }
        if (content.Count == 1) throw new ArgumentException("the content has no empty line between header and body");
        // It lies across two parts.
        return Split([header.ToArray()]);
    }
}

/// <summary>Writes octets as they are, then holds MailKit before the final dot. A <see cref="Multipart"/> so that a part can ask for BODY=8BITMIME.</summary>
internal sealed class RawBody : Multipart
{
    /// <summary>MailKit stuffs dots in a copy of what it is given at once.</summary>
    private const int BlockBytes = 32 * 1024;

    private readonly List<ReadOnlyMemory<byte>> content;
    private readonly Func<CancellationToken, Task> beforeDot;

    public RawBody(List<ReadOnlyMemory<byte>> content, bool eightBit, Func<CancellationToken, Task> beforeDot)
    {
        (this.content, this.beforeDot) = (content, beforeDot);
        if (eightBit) Add(new MimePart { ContentTransferEncoding = ContentEncoding.EightBit });
        Headers.Clear();
    }

    public override async Task WriteToAsync(FormatOptions options, Stream stream, bool contentOnly, CancellationToken cancellationToken = default)
    {
        foreach (var part in this.content)
        {
            for (var rest = part; !rest.IsEmpty; rest = rest[Math.Min(BlockBytes, rest.Length)..])
            {
                await stream.WriteAsync(rest[..Math.Min(BlockBytes, rest.Length)], cancellationToken);
            }
        }
        await stream.FlushAsync(cancellationToken);
        if (stream is FilteredStream filtered) await filtered.Source.FlushAsync(cancellationToken);
        await this.beforeDot(cancellationToken);
    }

    public override void WriteTo(FormatOptions options, Stream stream, bool contentOnly, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("only ever sent asynchronously");
}
