using System.Buffers;

namespace MailApi.Mail.Smtp.Listener;

/// <summary>
/// Takes off the dots that the client put before lines that begin with one, and finds the end of the content (RFC 5321 §4.5.2), wherever the network cut it.
/// A line begins after CRLF and nowhere else, and only CRLF.CRLF is the end.
/// </summary>
internal sealed class DotStuffing
{
    private enum At
    {
        LineStart,
        InLine,
        Cr,

        /// <summary>After a dot at the start of a line; it is withheld.</summary>
        Dot,

        /// <summary>After such a dot and a CR; both are withheld.</summary>
        DotCr,
    }

    // The CRLF of the DATA command counts as the one before the final dot: the content may be empty.
    private At at = At.LineStart;

    public bool HasEnded { get; private set; }

    /// <summary>Moves content from <paramref name="arrived"/> to <paramref name="content"/>; answers the position after the last octet taken.</summary>
    public SequencePosition Take(ReadOnlySequence<byte> arrived, Content content)
    {
        var taken = 0L;
        foreach (var segment in arrived)
        {
            taken += Take(segment.Span, content);
            if (HasEnded) break;
        }
        return arrived.GetPosition(taken);
    }

    /// <summary>Appends in runs that are as long as nothing must be left out; answers how many octets were taken: all, unless the end was found.</summary>
    private int Take(ReadOnlySpan<byte> span, Content content)
    {
        var run = 0;
        var index = 0;
        while (index < span.Length)
        {
            switch (at)
            {
                case At.InLine:
                    var cr = span[index..].IndexOf((byte)'\r');
                    (index, at) = cr < 0 ? (span.Length, At.InLine) : (index + cr + 1, At.Cr);
                    break;
                case At.Cr when span[index] == '\n':
                    (index, at) = (index + 1, At.LineStart);
                    break;
                case At.LineStart when span[index] == '.':
                    content.Append(span[run..index]);
                    (index, at) = (index + 1, At.Dot);
                    run = index;
                    break;
                case At.Dot when span[index] == '\r':
                    (index, at) = (index + 1, At.DotCr);
                    run = index;
                    break;
                case At.DotCr when span[index] == '\n':
                    HasEnded = true;
                    return index + 1;
                case At.DotCr:
                    // Not the end, so the CR is content. It stands alone, which the content notices.
                    content.Append("\r"u8);
                    at = At.InLine;
                    break;
                default:
                    at = At.InLine;
                    break;
            }
        }
        content.Append(span[run..]);
        return span.Length;
    }
}
