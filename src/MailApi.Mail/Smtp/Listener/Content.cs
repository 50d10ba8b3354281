using System.Buffers;

namespace MailApi.Mail.Smtp.Listener;

/// <summary>
/// The octets of a message while they come in, in one pooled array that grows up to the limit. Watches the line ends: a CR or LF that stands alone is what
/// one server takes for a line end and another does not, and so smuggles commands between them. After its first fault it holds nothing.
/// </summary>
internal sealed class Content(ReceptionLimits limits)
{
    private const int FirstBytes = 8 << 10;

    private byte[] octets = [];
    private int length;
    private int lineLength;
    private bool isAfterCr;

    /// <summary>Why the message must be refused, or null.</summary>
    public Reply? Fault { get; private set; }

    public ReadOnlyMemory<byte> Octets => octets.AsMemory(0, length);

    public void Append(ReadOnlySpan<byte> part)
    {
        if (Fault is null) Inspect(part);
        if (Fault is null && (long)length + part.Length > limits.MessageBytesMax) Fault = Replies.TooLarge(limits);
        if (Fault is null && length + part.Length > octets.Length && !TryGrow(length + part.Length)) Fault = Replies.TooMuchUnderWay;
        if (Fault is not null)
        {
            Release();
            return;
        }
        part.CopyTo(octets.AsSpan(length));
        length += part.Length;
    }

    /// <summary>No more octets come: a CR at the very end is one that stands alone.</summary>
    public void End()
    {
        if (isAfterCr) Fault ??= Replies.BareLineEndInContent;
    }

    /// <summary>Gives the memory back; the octets are gone.</summary>
    public void Release()
    {
        GiveBack();
        (octets, length) = ([], 0);
    }

    private void Inspect(ReadOnlySpan<byte> part)
    {
        while (part.Length > 0 && Fault is null)
        {
            if (isAfterCr)
            {
                if (part[0] != '\n') Fault = Replies.BareLineEndInContent;
                (isAfterCr, lineLength) = (false, 0);
                part = part[1..];
                continue;
            }
            var end = part.IndexOfAny((byte)'\r', (byte)'\n');
            lineLength += end < 0 ? part.Length : end;
            if (lineLength + 2 > limits.TextLineBytesMax) Fault = Replies.TextLineTooLong(limits);
            if (end < 0) return;
            if (part[end] == '\n') Fault = Replies.BareLineEndInContent;
            isAfterCr = part[end] == '\r';
            part = part[(end + 1)..];
        }
    }

    private bool TryGrow(int needed)
    {
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Math.Max(Math.Max(FirstBytes, 2L * octets.Length), needed), limits.MessageBytesMax));
        if (limits.Budget?.TryTake(larger.Length) == false)
        {
            ArrayPool<byte>.Shared.Return(larger);
            return false;
        }
        octets.AsSpan(0, length).CopyTo(larger);
        GiveBack();
        octets = larger;
        return true;
    }

    private void GiveBack()
    {
        if (octets.Length == 0) return;
        limits.Budget?.Give(octets.Length);
        ArrayPool<byte>.Shared.Return(octets);
    }
}
