using System.Buffers.Binary;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Dnssec;

/// <summary>A digest of a child zone's key, published in its parent (RFC 4034 §5.1).</summary>
internal sealed record DsData(ushort Tag, byte Algorithm, byte DigestType, byte[] Digest)
{
    public static DsData? TryRead(ResourceRecord record) =>
        record.Data is { Length: > 4 } data ? new DsData(BinaryPrimitives.ReadUInt16BigEndian(data), data[2], data[3], data[4..]) : null;
}

/// <summary>A key of a zone (RFC 4034 §2.1).</summary>
internal sealed record DnskeyData(ushort Flags, byte Algorithm, byte[] Key, byte[] Data)
{
    private const int ZoneKey = 0x0100, Revoked = 0x0080;

    /// <summary>RFC 4034 appendix B.</summary>
    public ushort Tag { get; } = TagOf(Data);

    /// <summary>Null if it is not a key that may sign a zone: no zone key, revoked (RFC 5011 §2.1), or of another protocol.</summary>
    public static DnskeyData? TryRead(ResourceRecord record)
    {
        if (record.Data is not { Length: > 4 } data || data[2] != 3) return null;
        var flags = BinaryPrimitives.ReadUInt16BigEndian(data);
        return (flags & ZoneKey) != 0 && (flags & Revoked) == 0 ? new DnskeyData(flags, data[3], data[4..], data) : null;
    }

    private static ushort TagOf(byte[] data)
    {
        uint sum = 0;
        for (var i = 0; i < data.Length; i++) sum += (i & 1) != 0 ? data[i] : (uint)data[i] << 8;
        return (ushort)(sum + (sum >> 16));
    }
}

/// <summary>A signature over all records of one name and type (RFC 4034 §3.1).</summary>
/// <param name="Head">Everything but the signature, which is signed too.</param>
internal sealed record RrsigData(
    RecordType Covered, byte Algorithm, byte Labels, uint OriginalTtl, uint Expiration, uint Inception, ushort Tag, string Signer, byte[] Signature, byte[] Head)
{
    public static RrsigData? TryRead(ResourceRecord record)
    {
        var data = record.Data.AsSpan();
        var at = 18;
        if (data.Length <= at || DnsName.Read(data, ref at) is not { } signer) return null;
        return new RrsigData(
            (RecordType)BinaryPrimitives.ReadUInt16BigEndian(data), data[2], data[3], BinaryPrimitives.ReadUInt32BigEndian(data[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(data[8..]), BinaryPrimitives.ReadUInt32BigEndian(data[12..]), BinaryPrimitives.ReadUInt16BigEndian(data[16..]),
            signer, data[at..].ToArray(), data[..at].ToArray());
    }
}

/// <summary>Says that there is no name between its owner and the next one, and which types the owner has (RFC 4034 §4).</summary>
internal sealed record NsecData(string Owner, string Next, TypeBitmap Types)
{
    public static NsecData? TryRead(ResourceRecord record)
    {
        var at = 0;
        return DnsName.Read(record.Data, ref at) is { } next ? new NsecData(record.Name, next, new TypeBitmap(record.Data[at..])) : null;
    }
}

/// <summary>The same with hashes of names (RFC 5155 §3).</summary>
internal sealed record Nsec3Data(string Owner, byte Algorithm, bool OptOut, ushort Iterations, byte[] Salt, byte[] Next, TypeBitmap Types)
{
    public static Nsec3Data? TryRead(ResourceRecord record)
    {
        var data = record.Data;
        if (data.Length < 6) return null;
        var salt = data[4];
        var at = 5 + salt;
        if (at >= data.Length || at + 1 + data[at] > data.Length) return null;
        var next = data[at];
        return new Nsec3Data(
            record.Name, data[0], (data[1] & 1) != 0, BinaryPrimitives.ReadUInt16BigEndian(data.AsSpan(2)),
            data[5..at], data[(at + 1)..(at + 1 + next)], new TypeBitmap(data[(at + 1 + next)..]));
    }
}

/// <summary>Windows of 256 types, each a number, a length and up to 32 octets of bits (RFC 4034 §4.1.2). An unreadable rest has no types.</summary>
internal sealed class TypeBitmap(byte[] data)
{
    public static readonly TypeBitmap Empty = new([]);

    public bool Has(RecordType type)
    {
        var (window, octet, bit) = ((int)type >> 8, ((int)type & 0xFF) >> 3, 0x80 >> ((int)type & 7));
        for (var at = 0; at + 2 <= data.Length; at += 2 + data[at + 1])
        {
            if (data[at] == window) return octet < data[at + 1] && at + 2 + octet < data.Length && (data[at + 2 + octet] & bit) != 0;
        }
        return false;
    }
}
