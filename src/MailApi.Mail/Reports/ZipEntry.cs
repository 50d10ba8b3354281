using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace MailApi.Mail.Reports;

/// <summary>
/// A file in a zip archive (APPNOTE 6.3.10 §4.3). The class library's reader makes an object of every entry that a directory claims before it shows the first;
/// here the first few are looked at and nothing is made of the others.
/// </summary>
internal sealed record ZipEntry(string Name, ushort Flags, ushort Method, ReadOnlyMemory<byte> Packed)
{
    private const int EndOctets = 22;
    private const int CommentMax = ushort.MaxValue;
    private const int HeaderOctets = 46;
    private const int LocalHeaderOctets = 30;
    private const ushort Encrypted = 1;
    private const ushort Stored = 0;
    private const ushort Deflated = 8;

    /// <summary>The unpacking stream; null with a reason where it cannot be unpacked.</summary>
    public Stream? Open(out string? reason)
    {
        reason = (Flags & Encrypted) != 0 ? "its archive is encrypted"
            : Method is not (Stored or Deflated) ? $"its archive is packed by method {Method}, and reports are by 8 (deflate)"
            : null;
        if (reason is not null) return null;
        var packed = Expansion.Over(Packed);
        return Method == Stored ? packed : new DeflateStream(packed, CompressionMode.Decompress);
    }

    /// <summary>The first files of an archive, without folders and what macOS adds; null with a reason where it has no directory.</summary>
    public static IReadOnlyList<ZipEntry>? Read(ReadOnlyMemory<byte> zip, out string? reason)
    {
        reason = null;
        var octets = zip.Span;
        var tail = octets[Math.Max(0, octets.Length - EndOctets - CommentMax)..];
        var end = tail.LastIndexOf("PK\x05\x06"u8);
        if (end < 0 || tail.Length - end < EndOctets)
        {
            reason = "its archive has no directory: it was cut off";
            return null;
        }
        var entries = new List<ZipEntry>();
        long at = BinaryPrimitives.ReadUInt32LittleEndian(tail[(end + 16)..]);
        for (var index = 0; index < ReportLimits.ZipEntriesMax && at + HeaderOctets <= octets.Length; index++)
        {
            var header = octets[(int)at..];
            if (!header.StartsWith("PK\x01\x02"u8)) break;
            var (nameLength, extra, comment) = (U16(header, 28), U16(header, 30), U16(header, 32));
            if (HeaderOctets + nameLength > header.Length) break;
            var name = Encoding.UTF8.GetString(header.Slice(HeaderOctets, nameLength));
            if (Data(zip, BinaryPrimitives.ReadUInt32LittleEndian(header[42..]), BinaryPrimitives.ReadUInt32LittleEndian(header[20..])) is { } packed && IsFile(name))
                entries.Add(new ZipEntry(name, U16(header, 8), U16(header, 10), packed));
            at += HeaderOctets + nameLength + extra + comment;
        }
        return entries;
    }

    private static bool IsFile(string name) => !name.EndsWith('/') && !name.StartsWith("__MACOSX/", StringComparison.Ordinal) && !name.EndsWith(".DS_Store", StringComparison.Ordinal);

    /// <summary>The octets behind the local header; null where they would lie outside of the archive.</summary>
    private static ReadOnlyMemory<byte>? Data(ReadOnlyMemory<byte> zip, long offset, long length)
    {
        if (offset + LocalHeaderOctets > zip.Length) return null;
        var header = zip.Span[(int)offset..];
        var begin = offset + LocalHeaderOctets + U16(header, 26) + U16(header, 28);
        return header.StartsWith("PK\x03\x04"u8) && begin + length <= zip.Length ? zip.Slice((int)begin, (int)length) : null;
    }

    private static ushort U16(ReadOnlySpan<byte> header, int at) => BinaryPrimitives.ReadUInt16LittleEndian(header[at..]);
}
