using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace MailApi.Testing;

/// <summary>Messages on the wire (RFC 1035 §4), as far as an authoritative server needs them.</summary>
internal static class DnsWire
{
    public const int HeaderBytes = 12;
    private const ushort Internet = 1;
    private const ushort Opt = 41;
    private const ushort EdnsPayloadBytes = 1232;

    /// <summary>A name as labels, without compression.</summary>
    public static byte[] Name(string name)
    {
        var wire = new List<byte>();
        foreach (var label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            var bytes = Encoding.ASCII.GetBytes(label);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, 63, name);
            wire.Add((byte)bytes.Length);
            wire.AddRange(bytes);
        }
        return [.. wire, 0];
    }

    /// <summary>Reads a query with one question; null when it is none.</summary>
    public static DnsQuery? Parse(ReadOnlySpan<byte> message)
    {
        if (message.Length < HeaderBytes || (message[2] & 0xF8) != 0 || Number(message, 4) != 1) return null;
        var labels = new List<string>();
        var at = HeaderBytes;
        while (at < message.Length && message[at] is > 0 and <= 63 and var length && at + 1 + length < message.Length)
        {
            labels.Add(Encoding.ASCII.GetString(message.Slice(at + 1, length)));
            at += 1 + length;
        }
        if (at + 5 > message.Length || message[at] != 0) return null;
        var end = at + 5;
        // An OPT record is the root name, its type, and the peer's payload size in the place of the class (RFC 6891 §6.1.2).
        var edns = Number(message, 10) > 0 && message.Length >= end + 11 && message[end] == 0 && Number(message, end + 1) == Opt;
        return new DnsQuery
        {
            Id = Number(message, 0),
            RecursionDesired = (message[2] & 1) != 0,
            Name = string.Join('.', labels).ToLowerInvariant(),
            Type = (DnsType)Number(message, at + 1),
            Question = message[HeaderBytes..end].ToArray(),
            PayloadBytesMax = edns ? Math.Max((ushort)512, Number(message, end + 3)) : 512,
            HasEdns = edns,
        };
    }

    /// <summary>Writes an answer; one that is longer than <paramref name="bytesMax"/> becomes an empty one with TC.</summary>
    public static byte[] Answer(DnsQuery query, DnsAnswer answer, int bytesMax)
    {
        var wire = new ArrayBufferWriter<byte>(512);
        Put(wire, query.Id);
        // QR, AA, TC, RD; RA, AD, RCODE.
        Put(wire, (ushort)((answer.IsReferral ? 0x8000 : 0x8400) | (answer.IsTruncated ? 0x0200 : 0) | (query.RecursionDesired ? 0x0100 : 0)
            | 0x0080 | (answer.IsAuthenticated ? 0x0020 : 0) | answer.Code));
        Put(wire, 1);
        Put(wire, (ushort)answer.Records.Count);
        Put(wire, (ushort)(answer.Authority is null ? 0 : 1));
        Put(wire, (ushort)(query.HasEdns ? 1 : 0));
        wire.Write(query.Question);
        // The question's own name is at the end of the header: thousands of records of one name fit into an answer.
        foreach (var (owner, record) in answer.Records) Put(wire, owner == query.Name ? [0xC0, HeaderBytes] : Name(owner), record);
        if (answer.Authority is var (zone, authority)) Put(wire, Name(zone), authority);
        if (query.HasEdns)
        {
            wire.Write((ReadOnlySpan<byte>)[0]);
            Put(wire, Opt);
            Put(wire, EdnsPayloadBytes);
            wire.Write((ReadOnlySpan<byte>)[0, 0, 0, 0, 0, 0]);
        }
        return wire.WrittenCount <= bytesMax ? wire.WrittenSpan.ToArray() : Answer(query, DnsAnswer.Truncated, int.MaxValue);
    }

    private static void Put(ArrayBufferWriter<byte> wire, byte[] owner, DnsRecord record)
    {
        wire.Write(owner);
        Put(wire, (ushort)record.Type);
        Put(wire, Internet);
        BinaryPrimitives.WriteUInt32BigEndian(wire.GetSpan(4), (uint)record.TimeToLive.TotalSeconds);
        wire.Advance(4);
        Put(wire, (ushort)record.Data.Length);
        wire.Write(record.Data);
    }

    private static void Put(ArrayBufferWriter<byte> wire, ushort number)
    {
        BinaryPrimitives.WriteUInt16BigEndian(wire.GetSpan(2), number);
        wire.Advance(2);
    }

    private static ushort Number(ReadOnlySpan<byte> message, int at) => BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
}

/// <summary>A question as it came; <see cref="Question"/> is echoed byte for byte, since clients compare its case.</summary>
internal sealed record DnsQuery
{
    public required ushort Id { get; init; }
    public required bool RecursionDesired { get; init; }
    public required string Name { get; init; }
    public required DnsType Type { get; init; }
    public required byte[] Question { get; init; }
    public required int PayloadBytesMax { get; init; }
    public required bool HasEdns { get; init; }
}

/// <summary>An answer before it is written.</summary>
internal sealed record DnsAnswer(int Code, IReadOnlyList<(string Owner, DnsRecord Record)> Records)
{
    public static readonly DnsAnswer Truncated = new(0, []) { IsTruncated = true };

    public bool IsTruncated { get; init; }
    public bool IsAuthenticated { get; init; }

    /// <summary>Not from an authority: without AA.</summary>
    public bool IsReferral { get; init; }

    /// <summary>The SOA that makes an empty answer cacheable (RFC 2308).</summary>
    public (string Zone, DnsRecord Soa)? Authority { get; init; }
}
