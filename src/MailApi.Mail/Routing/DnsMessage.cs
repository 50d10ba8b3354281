using System.Buffers.Binary;

namespace MailApi.Mail.Routing;

/// <summary>What a question asks for besides its name and type.</summary>
[Flags]
internal enum DnsAsk
{
    None = 0,

    /// <summary>RD: of a resolver.</summary>
    Recursion = 1,

    /// <summary>DO (RFC 3225) and CD (RFC 4035 §3.2.2): with signatures, and not judged by the server.</summary>
    Signatures = 2,

    /// <summary>Without EDNS, for servers that do not know it.</summary>
    Plain = 4,
}

/// <summary>An answer as it came (RFC 1035 §4). Whatever is not well formed is no message.</summary>
internal sealed record DnsMessage
{
    /// <summary>Keeps answers clear of IP fragments (DNS flag day 2020).</summary>
    private const int UdpBytesMax = 1232;
    private const int HeaderBytes = 12;
    private const int Internet = 1;

    public required ushort Id { get; init; }
    public required bool IsResponse { get; init; }
    public required bool IsAuthoritative { get; init; }
    public required bool IsTruncated { get; init; }

    /// <summary>With the upper bits that EDNS adds.</summary>
    public required int Code { get; init; }

    /// <summary>Null: none is repeated, as with some refusals.</summary>
    public required (string Name, RecordType Type)? Question { get; init; }
    public required IReadOnlyList<ResourceRecord> Answers { get; init; }
    public required IReadOnlyList<ResourceRecord> Authorities { get; init; }
    public required int Octets { get; init; }

    /// <summary>The response code's name (RFC 6895 §2.3).</summary>
    public string CodeName => Code switch
    {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        9 => "NOTAUTH",
        _ => $"RCODE {Code}",
    };

    /// <summary>The octets of a question; null if the name cannot be asked for.</summary>
    public static byte[]? Query(ushort id, string name, RecordType type, DnsAsk ask)
    {
        if (DnsName.ToWire(name) is not { } wire) return null;
        var edns = !ask.HasFlag(DnsAsk.Plain);
        var signatures = ask.HasFlag(DnsAsk.Signatures);
        List<byte> query =
        [
            (byte)(id >> 8), (byte)id, (byte)(ask.HasFlag(DnsAsk.Recursion) ? 1 : 0), (byte)(signatures ? 0x10 : 0),
            0, 1, 0, 0, 0, 0, 0, (byte)(edns ? 1 : 0),
            .. wire, (byte)((int)type >> 8), (byte)type, 0, Internet,
        ];
        // RFC 6891 §6.1.2: the root, OPT, our size in the place of the class, then flags in that of the TTL.
        if (edns) query.AddRange([0, 0, (byte)RecordType.Opt, UdpBytesMax >> 8, UdpBytesMax & 0xFF, 0, 0, (byte)(signatures ? 0x80 : 0), 0, 0, 0]);
        return [.. query];
    }

    /// <summary>Null if it is malformed.</summary>
    public static DnsMessage? TryParse(ReadOnlySpan<byte> octets)
    {
        if (octets.Length < HeaderBytes) return null;
        var at = HeaderBytes;
        if (!TryQuestion(octets, ref at, out var question)) return null;
        if (Section(octets, Number(octets, 6), ref at) is not { } answers
            || Section(octets, Number(octets, 8), ref at) is not { } authorities
            || Section(octets, Number(octets, 10), ref at) is not { } additionals) return null;
        var extended = additionals.FirstOrDefault(record => record.Type == RecordType.Opt)?.Ttl >> 24 ?? 0;
        return new DnsMessage
        {
            Id = Number(octets, 0),
            IsResponse = (octets[2] & 0xF8) == 0x80,
            IsAuthoritative = (octets[2] & 4) != 0,
            IsTruncated = (octets[2] & 2) != 0,
            Code = (octets[3] & 0xF) | (int)(extended << 4),
            Question = question,
            Answers = answers,
            Authorities = authorities,
            Octets = octets.Length,
        };
    }

    /// <summary>The authority's SOA record for a negative answer about the name (RFC 2308 §2).</summary>
    public ResourceRecord? Soa(string name) => Authorities.FirstOrDefault(record => record.Type == RecordType.Soa && DnsName.IsWithin(name, record.Name));

    /// <summary>No answer but "ask those below": what a server says that is not responsible, however politely (RFC 2308 §2.1).</summary>
    public bool IsReferral => Code == 0 && !IsAuthoritative && Answers.Count == 0
        && Authorities.Any(record => record.Type == RecordType.Ns) && !Authorities.Any(record => record.Type == RecordType.Soa);

    private static bool TryQuestion(ReadOnlySpan<byte> octets, ref int at, out (string, RecordType)? question)
    {
        question = null;
        var count = Number(octets, 4);
        if (count == 0) return true;
        if (count != 1 || DnsName.Read(octets, ref at) is not { } name || at + 4 > octets.Length || Number(octets, at + 2) != Internet) return false;
        question = (name, (RecordType)Number(octets, at));
        at += 4;
        return true;
    }

    private static List<ResourceRecord>? Section(ReadOnlySpan<byte> octets, int count, ref int at)
    {
        var records = new List<ResourceRecord>();
        for (; count > 0; count--)
        {
            if (DnsName.Read(octets, ref at) is not { } name || at + 10 > octets.Length) return null;
            var (type, of, length) = ((RecordType)Number(octets, at), Number(octets, at + 2), Number(octets, at + 8));
            var ttl = BinaryPrimitives.ReadUInt32BigEndian(octets[(at + 4)..]);
            at += 10;
            if (at + length > octets.Length) return null;
            if (RecordData.Canonical(octets, type, at, length) is not { } data) return null;
            at += length;
            // RFC 2181 §8: a TTL with the highest bit set is zero.
            if (type == RecordType.Opt) records.Add(new ResourceRecord(name, type, ttl, data));
            else if (of == Internet) records.Add(new ResourceRecord(name, type, ttl > int.MaxValue ? 0 : ttl, data));
        }
        return records;
    }

    private static ushort Number(ReadOnlySpan<byte> octets, int at) => BinaryPrimitives.ReadUInt16BigEndian(octets[at..]);
}
