using System.Runtime.InteropServices;

namespace MailApi.Mail.Reports;

/// <summary>
/// Unpacked octets, read once and forwards. It ends where the octets would become too many, or too many for what they were packed into, or where they are
/// damaged: <see cref="Error"/> then says so. Nothing is kept but the first octets.
/// </summary>
internal sealed class Expansion : Stream
{
    private const int StartOctets = 256;
    private const int BlockOctets = 16 * 1024;
    private const int RatioFrom = 1024 * 1024;

    private readonly Stream inner;
    private readonly long packed;
    private readonly ExpansionBudget budget;
    private readonly byte[] start = new byte[StartOctets];
    private readonly int startLength;
    private int replayed;
    private long expanded;

    /// <param name="inner">Unpacks.</param>
    /// <param name="packed">Octets that it unpacks.</param>
    /// <param name="budget">Octets that may come of them, and of what is beside them.</param>
    public Expansion(Stream inner, long packed, ExpansionBudget budget)
    {
        (this.inner, this.packed, this.budget) = (inner, packed, budget);
        while (startLength < StartOctets && Take(start.AsSpan(startLength)) is > 0 and var read) startLength += read;
    }

    /// <summary>What is wrong, as the end of "It cannot be read: …"; null while nothing is.</summary>
    public string? Error { get; private set; }

    /// <summary>The first octets, to tell by what this is.</summary>
    public ReadOnlySpan<byte> Start => start.AsSpan(0, startLength);

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public static MemoryStream Over(ReadOnlyMemory<byte> octets) => MemoryMarshal.TryGetArray(octets, out var segment)
        ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
        : new MemoryStream(octets.ToArray(), writable: false);

    public override int Read(Span<byte> buffer)
    {
        if (replayed == startLength) return Take(buffer);
        var count = Math.Min(buffer.Length, startLength - replayed);
        start.AsSpan(replayed, count).CopyTo(buffer);
        replayed += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>All of it, or its first octets. What there is when <see cref="Error"/> says something is of no use.</summary>
    public byte[] ToArray(int octetsMax)
    {
        using var all = new MemoryStream();
        var block = new byte[BlockOctets];
        while (all.Length < octetsMax && Read(block.AsSpan(0, (int)Math.Min(block.Length, octetsMax - all.Length))) is > 0 and var read) all.Write(block, 0, read);
        return all.ToArray();
    }

    public override void Flush()
    {
        // Nothing is written.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }

    private int Take(Span<byte> buffer)
    {
        if (Error is not null) return 0;
        int read;
        try
        {
            read = inner.Read(buffer);
        }
        catch (InvalidDataException)
        {
            Error = "its packed octets are damaged or cut off";
            return 0;
        }
        expanded += read;
        budget.Take(read);
        if (budget.IsSpent) Error = $"it has more than {ReportLimits.XmlOctetsMax / 1024 / 1024} MiB when it is unpacked";
        else if (expanded > RatioFrom && expanded > packed * ReportLimits.RatioMax) Error = $"it grows more than {ReportLimits.RatioMax}-fold when it is unpacked, which no report does";
        return Error is null ? read : 0;
    }
}
