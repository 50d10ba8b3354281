using System.Text;
using MailApi.Mail.Dnssec;
using MailApi.Mail.Routing;
using MailApi.Mail.Tls;

namespace MailApi.Bench.Fuzz;

/// <summary>Answers of name servers, with the records of DNSSEC: no message, or one whose every record can be used, compared, and its proofs followed.</summary>
internal static class DnsTarget
{
    private const string Zone = "example.net";
    private static readonly byte[] Wire = [7, .. "example"u8, 3, .. "net"u8, 0];

    public static readonly byte[][] Seeds =
    [
        Message(Question(RecordType.Mx), [Record(RecordType.Mx, [0, 10, 2, .. "mx"u8, 0xC0, 12]), Record(RecordType.Mx, [0, 0, 0])], []),
        Message(Question(RecordType.Txt), [Record(RecordType.Txt, [6, .. "v=spf1"u8, 5, .. " -all"u8]), Record(RecordType.Txt, [3, 0xFF, 0xC3, 0xA9])], []),
        Message(Question(RecordType.A), [Record(RecordType.Cname, [1, (byte)'a', 0xC0, 12]), Record(RecordType.A, [192, 0, 2, 1]), Record(RecordType.Aaaa, new byte[16])], [Record(RecordType.Ns, [2, .. "ns"u8, 0xC0, 12])]),
        Message(Question(RecordType.A), [], [Record(RecordType.Soa, [0xC0, 12, 4, .. "host"u8, 0xC0, 12, .. new byte[16], 0, 0, 14, 16])]),
        Message(Question(RecordType.Dnskey), [Record(RecordType.Dnskey, [1, 1, 3, 13, .. new byte[64]]), Record(RecordType.Dnskey, [1, 0, 3, 8, 3, 1, 0, 1, .. new byte[128]]), Record(RecordType.Dnskey, [1, 0, 3, 15, .. new byte[32]]), Signature(RecordType.Dnskey, 13, 64)], []),
        Message(Question(RecordType.Ds), [Record(RecordType.Ds, [1, 2, 13, 2, .. new byte[32]]), Signature(RecordType.Ds, 8, 128), Signature(RecordType.Ds, 15, 64)], []),
        Message(Question(RecordType.Tlsa), [Record(RecordType.Tlsa, [3, 1, 1, .. new byte[32]]), Record(RecordType.Srv, [0, 1, 0, 1, 1, 187, 1, (byte)'s', 0xC0, 12])],
            [Record(RecordType.Nsec, [1, (byte)'b', .. Wire, 0, 7, 0x40, 1, 0, 0, 0, 3, 0x80]), Signature(RecordType.Nsec, 10, 128)]),
        Message(Question(RecordType.A), [], [
            // The hash of no name, so that what is proved is by chance.
            [32, .. "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"u8, 0xC0, 12, .. Head(RecordType.Nsec3, 5 + 2 + 21 + 8), 1, 0, 0, 5, 2, 0xAA, 0xBB, 20, .. new byte[20], 0, 6, 0x40, 1, 0, 0, 0, 3],
            Signature(RecordType.Nsec3, 13, 64)]),
    ];

    public static readonly string[] Words = ["\u0000\u0001\u0000\u0001", "\u0003net\u0000", "\u0007example", "\u0000\u002e\u0000\u0001", "\u0000\u002f\u0000\u0001", "\u0000\u0032\u0000\u0001", "\u0000\u0030\u0000\u0001", "\u0001*", "\\"];

    public static string Try(byte[] input)
    {
        if (DnsMessage.TryParse(input) is not { } message) return "none";
        var records = message.Answers.Concat(message.Authorities).ToList();
        var shape = new SortedSet<string>(records.Take(200).Select(Use), StringComparer.Ordinal);
        _ = message.IsReferral;
        if (message.Soa(Zone) is { } soa && RecordData.NegativeAge(soa) < TimeSpan.Zero) throw new InvalidOperationException("An age below nought.");
        return $"{message.CodeName} {message.IsResponse} {message.Question?.Type} {string.Join(',', shape)} {Prove(records)}";
    }

    /// <summary>Reads the record as whoever asked for its type would.</summary>
    private static string Use(ResourceRecord record)
    {
        CheckName(record.Name);
        switch (record.Type)
        {
            case RecordType.A or RecordType.Aaaa: return RecordData.Address(record).AddressFamily.ToString();
            case RecordType.Mx: CheckName(RecordData.Mx(record).Host); break;
            case RecordType.Ns or RecordType.Cname or RecordType.Reverse or RecordType.Dname: CheckName(RecordData.Name(record)); break;
            case RecordType.Txt: CheckText(RecordData.Text(record)); break;
            case RecordType.Soa: _ = RecordData.NegativeAge(record); break;
            case RecordType.Ds: return $"Ds {DsData.TryRead(record) is { } ds && Signatures.Knows(ds) && !Signatures.Matches(ds, Zone, new DnskeyData(256, ds.Algorithm, [], []))}";
            case RecordType.Dnskey: return $"Dnskey {DnskeyData.TryRead(record)?.Algorithm is 8 or 10 or 13 or 14 or 15}";
            case RecordType.Rrsig: return $"Rrsig {RrsigData.TryRead(record) is { } signature && CheckName(signature.Signer)}";
            case RecordType.Nsec: return $"Nsec {NsecData.TryRead(record) is { } nsec && CheckName(nsec.Next) && nsec.Types.Has(RecordType.A)}";
            case RecordType.Nsec3: return $"Nsec3 {Nsec3Data.TryRead(record) is { } nsec3 && nsec3.Types.Has(RecordType.A)}";
            case RecordType.Tlsa: return $"Tlsa {TlsaRecord.TryRead(record.Data)?.IsUsable}";
        }
        return Enum.IsDefined(record.Type) ? record.Type.ToString() : "other";
    }

    /// <summary>Follows the signatures and the proofs of absence, as if their keys had been traced to the root.</summary>
    private static string Prove(List<ResourceRecord> records)
    {
        var keys = records.Where(record => record.Type == RecordType.Dnskey).Select(DnskeyData.TryRead).OfType<DnskeyData>().ToList();
        var signatures = new Signatures(TimeProvider.System);
        var good = 0;
        foreach (var group in records.Where(record => record.Type != RecordType.Rrsig).GroupBy(record => (record.Name, record.Type)).Take(20))
            if (signatures.Verify([.. group], records, Zone, keys).Good is not null) good++;
        if (good > 0) throw new InvalidOperationException("A signature that nobody made is good.");
        var denial = new Denial(Zone, [.. records.Where(record => record.Type == RecordType.Nsec).Select(NsecData.TryRead).OfType<NsecData>()],
            [.. records.Where(record => record.Type == RecordType.Nsec3).Select(Nsec3Data.TryRead).OfType<Nsec3Data>()]);
        return $"{denial.Of("a.b." + Zone, RecordType.A)} {denial.OfDelegation("c." + Zone)} {denial.OfCloser("d.e." + Zone, 2)}";
    }

    /// <summary>A name that came off the wire goes back on it, and is equal to itself.</summary>
    private static bool CheckName(string name)
    {
        if (DnsName.ToWire(name) is null || DnsName.Canonical(name) != name) throw new InvalidOperationException($"The name {name} is not what it is.");
        if (DnsName.Compare(name, name) != 0 || !DnsName.IsWithin(name, DnsName.Parent(name))) throw new InvalidOperationException($"The name {name} is not in its place.");
        return true;
    }

    private static void CheckText(string text)
    {
        if (Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) != text) throw new InvalidOperationException("A text that cannot be stored.");
    }

    private static byte[] Message(byte[] question, byte[][] answers, byte[][] authorities) =>
        [0, 1, 0x84, 0, 0, 1, 0, (byte)answers.Length, 0, (byte)authorities.Length, 0, 1, .. question, .. answers.SelectMany(it => it), .. authorities.SelectMany(it => it), 0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0];

    private static byte[] Question(RecordType type) => [.. Wire, 0, (byte)type, 0, 1];

    /// <summary>Of the question's name.</summary>
    private static byte[] Record(RecordType type, byte[] data) => [0xC0, 12, .. Head(type, data.Length), .. data];

    private static byte[] Head(RecordType type, int length) => [0, (byte)type, 0, 1, 0, 0, 1, 0, (byte)(length >> 8), (byte)length];

    private static byte[] Signature(RecordType covered, byte algorithm, int length) =>
        Record(RecordType.Rrsig, [0, (byte)covered, algorithm, 2, 0, 0, 1, 0, 0x7F, 0, 0, 0, 0, 0, 0, 1, 1, 2, .. Wire, .. new byte[length]]);
}
