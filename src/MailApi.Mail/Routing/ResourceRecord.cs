namespace MailApi.Mail.Routing;

/// <summary>Resource record types (IANA's registry of DNS parameters), with their numbers on the wire.</summary>
public enum RecordType
{
    A = 1,
    Ns = 2,
    Cname = 5,
    Soa = 6,

    /// <summary>PTR.</summary>
    Reverse = 12,

    Mx = 15,
    Txt = 16,
    Aaaa = 28,
    Srv = 33,
    Dname = 39,
    Opt = 41,
    Ds = 43,
    Rrsig = 46,
    Nsec = 47,
    Dnskey = 48,
    Nsec3 = 50,
    Tlsa = 52,
}

/// <summary>A record of the class IN.</summary>
/// <param name="Name">As <see cref="DnsName"/> writes it.</param>
/// <param name="Type">Of <see cref="Data"/>.</param>
/// <param name="Ttl">Seconds.</param>
/// <param name="Data">In canonical form (RFC 4034 §6.2): names uncompressed and in lower case. Well formed for the types that are read.</param>
internal sealed record ResourceRecord(string Name, RecordType Type, uint Ttl, byte[] Data);
