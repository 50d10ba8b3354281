using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace MailApi.Mail.Routing;

/// <summary>Reads the data of records. Only <see cref="Canonical"/> meets what strangers sent; the others read what it has let through.</summary>
internal static class RecordData
{
    private static readonly Encoding StrictUtf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The data with its names uncompressed and in lower case; null if it is not of its type's shape.</summary>
    public static byte[]? Canonical(ReadOnlySpan<byte> message, RecordType type, int at, int length)
    {
        var data = message.Slice(at, length);
        return type switch
        {
            RecordType.A => length == 4 ? data.ToArray() : null,
            RecordType.Aaaa => length == 16 ? data.ToArray() : null,
            RecordType.Txt => IsText(data) ? data.ToArray() : null,
            RecordType.Ns or RecordType.Cname or RecordType.Reverse or RecordType.Dname => WithNames(message, at, length, before: 0, names: 1, after: 0),
            RecordType.Mx => WithNames(message, at, length, before: 2, names: 1, after: 0),
            RecordType.Srv => WithNames(message, at, length, before: 6, names: 1, after: 0),
            RecordType.Soa => WithNames(message, at, length, before: 0, names: 2, after: 20),
            RecordType.Rrsig => WithNames(message, at, length, before: 18, names: 1, after: null),
            _ => data.ToArray(),
        };
    }

    public static IPAddress Address(ResourceRecord record) => new(record.Data);

    public static string Name(ResourceRecord record)
    {
        var at = 0;
        return DnsName.Read(record.Data, ref at) ?? "";
    }

    public static MxHost Mx(ResourceRecord record)
    {
        var at = 2;
        return new MxHost(DnsName.Read(record.Data, ref at) ?? "", BinaryPrimitives.ReadUInt16BigEndian(record.Data));
    }

    /// <summary>The lesser of the record's own age and its minimum (RFC 2308 §5).</summary>
    public static TimeSpan NegativeAge(ResourceRecord soa) =>
        TimeSpan.FromSeconds(Math.Min(soa.Ttl, BinaryPrimitives.ReadUInt32BigEndian(soa.Data.AsSpan()[^4..])));

    /// <summary>All strings of a TXT record, joined. As UTF-8, or else each octet one character, so that none is lost.</summary>
    public static string Text(ResourceRecord record)
    {
        var octets = new byte[record.Data.Length];
        var length = 0;
        for (var at = 0; at < record.Data.Length; at += record.Data[at] + 1)
        {
            record.Data.AsSpan(at + 1, record.Data[at]).CopyTo(octets.AsSpan(length));
            length += record.Data[at];
        }
        try
        {
            return StrictUtf8.GetString(octets, 0, length);
        }
        catch (DecoderFallbackException)
        {
            return Encoding.Latin1.GetString(octets, 0, length);
        }
    }

    /// <summary>At least one string, each within the data (RFC 1035 §3.3.14).</summary>
    private static bool IsText(ReadOnlySpan<byte> data)
    {
        var at = 0;
        while (at < data.Length) at += data[at] + 1;
        return at == data.Length && at > 0;
    }

    private static byte[]? WithNames(ReadOnlySpan<byte> message, int at, int length, int before, int names, int? after)
    {
        var end = at + length;
        if (before > length) return null;
        List<byte> canonical = [.. message.Slice(at, before)];
        at += before;
        // A name may point back anywhere, but not reach beyond its record.
        for (; names > 0; names--)
        {
            if (DnsName.Read(message[..end], ref at) is not { } name || DnsName.ToWire(name) is not { } wire) return null;
            canonical.AddRange(wire);
        }
        if (after is { } exactly && end - at != exactly) return null;
        return [.. canonical, .. message[at..end]];
    }
}
