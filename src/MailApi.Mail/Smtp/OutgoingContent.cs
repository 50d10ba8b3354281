using System.Buffers;

namespace MailApi.Mail.Smtp;

/// <summary>Content on its way: dots are stuffed (RFC 5321 §4.5.2) and what is small is gathered, so that little is written often and nothing is held whole.</summary>
internal sealed class OutgoingContent(Conversation conversation) : IDisposable
{
    /// <summary>Most messages with their final dot fit in one.</summary>
    private const int BlockBytes = 32 * 1024;

    private static readonly byte[] Dot = [(byte)'.'];

    private readonly byte[] block = ArrayPool<byte>.Shared.Rent(BlockBytes);
    private int held;
    private bool atLineStart = true;

    /// <summary>Sends all but what still fits into the last block.</summary>
    public async ValueTask Append(ReadOnlyMemory<byte> part)
    {
        while (!part.IsEmpty)
        {
            if (atLineStart && part.Span[0] == '.') await Put(Dot);
            var feed = part.Span.IndexOf("\n."u8);
            var piece = feed < 0 ? part : part[..(feed + 1)];
            atLineStart = piece.Span[^1] == '\n';
            await Put(piece);
            part = part[piece.Length..];
        }
    }

    /// <summary>Sends what is held, within the time that already runs.</summary>
    public ValueTask Flush()
    {
        var octets = block.AsMemory(0, held);
        held = 0;
        return octets.IsEmpty ? ValueTask.CompletedTask : conversation.Write(octets);
    }

    /// <summary>Sends what is held and the final dot.</summary>
    public ValueTask End()
    {
        // Put has left room for it.
        ".\r\n"u8.CopyTo(block.AsSpan(held));
        held += 3;
        return Flush();
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(block);

    /// <summary>
    /// Looks at what is to be sent: lines that end in CRLF, a header, an empty line, a body. A stray CR or LF could end the message early at some receiver
    /// (SMTP smuggling) and must not reach the wire.
    /// </summary>
    /// <exception cref="ArgumentException">It is something else.</exception>
    public static void Check(IReadOnlyList<ReadOnlyMemory<byte>> content)
    {
        var beginning = content.FirstOrDefault(part => !part.IsEmpty).Span;
        var colon = beginning.IndexOf((byte)':');
        if (colon < 1 || beginning[..colon].ContainsAnyExceptInRange((byte)33, (byte)126)) throw new ArgumentException("the content does not begin with a header field");

        bool afterCr = false, atLineStart = true, inBody = false;
        foreach (var part in content)
        {
            for (var text = part.Span; !text.IsEmpty;)
            {
                if (afterCr != (text[0] == '\n')) throw new ArgumentException("the content has a CR or LF that is no line end");
                if (afterCr)
                {
                    text = text[1..];
                    (afterCr, atLineStart) = (false, true);
                    continue;
                }
                var end = text.IndexOfAny((byte)'\r', (byte)'\n');
                if (end >= 0 && text[end] == '\n') throw new ArgumentException("the content has a CR or LF that is no line end");
                inBody |= atLineStart && end == 0;
                afterCr = end >= 0;
                atLineStart = false;
                text = end < 0 ? default : text[(end + 1)..];
            }
        }
        if (!atLineStart) throw new ArgumentException("the content does not end with a line end");
        if (!inBody) throw new ArgumentException("the content has no empty line between header and body");
    }

    private async ValueTask Put(ReadOnlyMemory<byte> piece)
    {
        while (!piece.IsEmpty)
        {
            if (held == BlockBytes - 3)
            {
                conversation.AwaitBlock();
                await Flush();
                CrashPoint.Pass("mid-body");
            }
            var fitting = piece[..Math.Min(piece.Length, BlockBytes - 3 - held)];
            fitting.CopyTo(block.AsMemory(held));
            held += fitting.Length;
            piece = piece[fitting.Length..];
        }
    }
}
