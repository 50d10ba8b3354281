using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;

namespace MailApi.Testing;

/// <summary>Resource record types (RFC 1035 §3.2.2 and successors), with their numbers on the wire.</summary>
public enum DnsType : ushort
{
    A = 1, Ns = 2, Cname = 5, Soa = 6, Reverse = 12, Mx = 15, Txt = 16, Aaaa = 28, Ds = 43, Dnskey = 48, Tlsa = 52, Any = 255,
}

/// <summary>What happens to every question about a name.</summary>
public enum DnsFailure
{
    /// <summary>RCODE 2.</summary>
    ServFail,

    /// <summary>RCODE 3, whatever records the name has.</summary>
    NxDomain,

    /// <summary>RCODE 5.</summary>
    Refused,

    /// <summary>No answer at all.</summary>
    Timeout,

    /// <summary>Over UDP an empty answer with TC; over TCP the real one.</summary>
    Truncated,

    /// <summary>An answer with the id of another question, and nothing else.</summary>
    WrongId,

    /// <summary>Three answers with other ids and an address of no use, then the real one: a forger who guesses.</summary>
    Forged,

    /// <summary>The right answer to a question about another name.</summary>
    WrongQuestion,

    /// <summary>The question's id, then octets that are no message.</summary>
    Garbage,

    /// <summary>RCODE 0 without any record, nor an SOA.</summary>
    Empty,

    /// <summary>RCODE 0 and the name servers of the root, from a server that is not responsible.</summary>
    Lame,

    /// <summary>The name's records, but owned by <c>other.</c> and the name.</summary>
    OtherName,
}

/// <summary>A question that was asked, the name in lower case.</summary>
public sealed record DnsQuestion(string Name, DnsType Type, bool OverTcp);

/// <summary>A record: its type, its time to live, and its data as it goes on the wire, names uncompressed.</summary>
public sealed record DnsRecord(DnsType Type, byte[] Data)
{
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The name that a CNAME points to.</summary>
    internal string? Target { get; init; }

    public static DnsRecord A(string address) => new(DnsType.A, IPAddress.Parse(address).GetAddressBytes());

    public static DnsRecord Aaaa(string address) => new(DnsType.Aaaa, IPAddress.Parse(address).GetAddressBytes());

    /// <summary>A null MX (RFC 7505) has the host <c>.</c>.</summary>
    public static DnsRecord Mx(ushort preference, string host) => new(DnsType.Mx, [(byte)(preference >> 8), (byte)preference, .. DnsWire.Name(host)]);

    /// <summary>Texts beyond 255 octets become several character strings (RFC 7208 §3.3).</summary>
    public static DnsRecord Txt(string text) =>
        new(DnsType.Txt, [.. Encoding.UTF8.GetBytes(text).Chunk(255).DefaultIfEmpty([]).SelectMany(part => part.Prepend((byte)part.Length))]);

    /// <summary>TXT of these strings, of up to 255 octets each, whatever they are.</summary>
    public static DnsRecord Strings(params IReadOnlyList<byte[]> strings) => new(DnsType.Txt, [.. strings.SelectMany(part => part.Prepend(checked((byte)part.Length)))]);

    public static DnsRecord Cname(string target) => new(DnsType.Cname, DnsWire.Name(target)) { Target = target };

    public static DnsRecord Ns(string host) => new(DnsType.Ns, DnsWire.Name(host));

    /// <summary>PTR.</summary>
    public static DnsRecord Reverse(string host) => new(DnsType.Reverse, DnsWire.Name(host));

    public static DnsRecord Tlsa(byte usage, byte selector, byte matching, byte[] data) => new(DnsType.Tlsa, [usage, selector, matching, .. data]);

    /// <summary>The serial number is 1.</summary>
    /// <param name="zone">Its owner.</param>
    /// <param name="negative">How long it is known that something is not there (RFC 2308); one second if nothing is said.</param>
    public static DnsRecord Soa(string zone, TimeSpan? negative = null)
    {
        var data = new ArrayBufferWriter<byte>();
        data.Write(DnsWire.Name($"ns.{zone}"));
        data.Write(DnsWire.Name($"hostmaster.{zone}"));
        foreach (var number in (uint[])[1, 3600, 600, 86_400, (uint)(negative?.TotalSeconds ?? 1)])
        {
            BinaryPrimitives.WriteUInt32BigEndian(data.GetSpan(4), number);
            data.Advance(4);
        }
        return new DnsRecord(DnsType.Soa, data.WrittenSpan.ToArray()) { TimeToLive = negative ?? TimeSpan.FromSeconds(1) };
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Type} ({Data.Length} octets)");
}
