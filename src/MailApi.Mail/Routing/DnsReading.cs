using System.Net;

namespace MailApi.Mail.Routing;

/// <summary>A type of records and what is made of them.</summary>
internal sealed record DnsReading<T>(RecordType Type, Func<IReadOnlyList<ResourceRecord>, IReadOnlyList<T>> Read);

/// <summary>The types that are looked up, each with its bound.</summary>
internal static class DnsReading
{
    public static readonly DnsReading<MxHost> Mx = new(RecordType.Mx, records => [.. records.Select(RecordData.Mx).OrderBy(mx => mx.Preference).Take(DnsResolver.MxMax)]);
    public static readonly DnsReading<string> Txt = new(RecordType.Txt, records => [.. records.Take(DnsResolver.TxtMax).Select(RecordData.Text)]);
    public static readonly DnsReading<IPAddress> A = new(RecordType.A, records => [.. records.Take(DnsResolver.AddressesMax).Select(RecordData.Address)]);
    public static readonly DnsReading<IPAddress> Aaaa = new(RecordType.Aaaa, records => [.. records.Take(DnsResolver.AddressesMax).Select(RecordData.Address)]);
    public static readonly DnsReading<string> Cname = new(RecordType.Cname, Names);
    public static readonly DnsReading<string> Ns = new(RecordType.Ns, Names);
    public static readonly DnsReading<string> Ptr = new(RecordType.Reverse, Names);

    private static IReadOnlyList<string> Names(IReadOnlyList<ResourceRecord> records) => [.. records.Take(DnsResolver.NamesMax).Select(RecordData.Name)];
}
