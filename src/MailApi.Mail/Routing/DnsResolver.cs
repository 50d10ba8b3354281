using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;

namespace MailApi.Mail.Routing;

/// <summary>
/// Looks names up and tells "does not exist", "has no such record" and "cannot be known now" apart. Answers are cached by their time to live,
/// at most an hour; failures for <see cref="FailureAge"/>, so that one broken domain does not hold many deliveries up.
/// </summary>
public sealed class DnsResolver(DnsOptions options, TimeProvider time)
{
    /// <summary>Of more mail exchangers than this, those with the lowest preferences are kept.</summary>
    public const int MxMax = 50;
    public const int AddressesMax = 30;
    public const int TxtMax = 100;
    public const int NamesMax = 30;

    public static readonly TimeSpan FailureAge = TimeSpan.FromSeconds(30);

    /// <summary>RFC 2308 §5 asks for one to three hours at most; mail set up minutes ago should not wait that long.</summary>
    public static readonly TimeSpan NegativeAgeMax = TimeSpan.FromMinutes(5);

    private readonly LookupClient client = new(Settings(options));
    private readonly AnswerCache cache = new(time);

    /// <summary>In order of preference. A null MX (RFC 7505) is one host with an empty name.</summary>
    public Task<DnsAnswer<MxHost>> Mx(string domain, CancellationToken ct) =>
        Ask(domain, QueryType.MX, MxMax, answer => answer.MxRecords().OrderBy(mx => mx.Preference).Select(mx => new MxHost(Plain(mx.Exchange.Value), mx.Preference)), ct);

    /// <summary>The text of each record, its strings joined (RFC 7208 §3.3).</summary>
    public Task<DnsAnswer<string>> Txt(string name, CancellationToken ct) =>
        Ask(name, QueryType.TXT, TxtMax, answer => answer.TxtRecords().Select(txt => string.Concat(txt.Text)), ct);

    public Task<DnsAnswer<IPAddress>> A(string host, CancellationToken ct) =>
        Ask(host, QueryType.A, AddressesMax, answer => answer.ARecords().Select(record => record.Address), ct);

    public Task<DnsAnswer<IPAddress>> Aaaa(string host, CancellationToken ct) =>
        Ask(host, QueryType.AAAA, AddressesMax, answer => answer.AaaaRecords().Select(record => record.Address), ct);

    /// <summary>The names that an address is said to have (PTR). Anyone may claim any name: confirm it by <see cref="Addresses"/>.</summary>
    public Task<DnsAnswer<string>> Names(IPAddress address, CancellationToken ct) =>
        Ask(address.GetArpaName(), QueryType.PTR, NamesMax, answer => answer.PtrRecords().Select(record => Plain(record.PtrDomainName.Value)), ct);

    /// <summary>A and AAAA records, IPv4 first. An address literal is its own address.</summary>
    public async Task<DnsAnswer<IPAddress>> Addresses(string host, CancellationToken ct)
    {
        if (IPAddress.TryParse(host, out var literal)) return new DnsAnswer<IPAddress>.Found([literal]);

        var v6 = options.UseIPv6 && Socket.OSSupportsIPv6 ? Aaaa(host, ct) : Task.FromResult<DnsAnswer<IPAddress>>(new DnsAnswer<IPAddress>.NoData());
        var answers = await Task.WhenAll(A(host, ct), v6);

        var found = answers.OfType<DnsAnswer<IPAddress>.Found>().SelectMany(answer => answer.Values).ToList();
        if (found.Count > 0) return new DnsAnswer<IPAddress>.Found(found);
        return answers.OfType<DnsAnswer<IPAddress>.Failed>().FirstOrDefault()
            ?? answers.FirstOrDefault(answer => answer is DnsAnswer<IPAddress>.NoSuchDomain)
            ?? answers[0];
    }

    private async Task<DnsAnswer<T>> Ask<T>(string name, QueryType type, int max, Func<IEnumerable<DnsResourceRecord>, IEnumerable<T>> read, CancellationToken ct)
    {
        name = Plain(name);
        if (!HostName.IsValid(name)) return new DnsAnswer<T>.NoSuchDomain();
        if (cache.Find<T>(name, type) is { } known) return known;

        var (answer, age) = await AskServers(name, type, max, read, ct);
        cache.Keep(name, type, answer, age);
        return answer;
    }

    private async Task<(DnsAnswer<T>, TimeSpan Age)> AskServers<T>(
        string name, QueryType type, int max, Func<IEnumerable<DnsResourceRecord>, IEnumerable<T>> read, CancellationToken ct)
    {
        IDnsQueryResponse response;
        try
        {
            response = await client.QueryAsync(name, type, cancellationToken: ct);
        }
        catch (Exception e) when (e is DnsResponseException or DnsResponseParseException or DnsXidMismatchException or OperationCanceledException)
        {
            // DnsClient reports cancellation as a time-out.
            ct.ThrowIfCancellationRequested();
            var reason = e is DnsResponseException { Code: not (DnsResponseCode.ConnectionTimeout or DnsResponseCode.Unassigned) } known ? known.DnsError : "no answer";
            return (new DnsAnswer<T>.Failed(reason), FailureAge);
        }

        if (response.Header.ResponseCode == DnsHeaderResponseCode.NotExistentDomain) return (new DnsAnswer<T>.NoSuchDomain(), NegativeAge(response));
        if (response.Header.ResponseCode != DnsHeaderResponseCode.NoError) return (new DnsAnswer<T>.Failed(response.Header.ResponseCode.ToString()), FailureAge);

        var values = read(response.Answers).Take(max).ToList();
        if (values.Count == 0) return (new DnsAnswer<T>.NoData(), NegativeAge(response));
        return (new DnsAnswer<T>.Found(values), TimeSpan.FromSeconds(response.Answers.Min(record => record.InitialTimeToLive)));
    }

    /// <summary>RFC 2308 §5: the lesser of the SOA record's own age and its minimum; without an SOA record nothing is kept.</summary>
    private static TimeSpan NegativeAge(IDnsQueryResponse response)
    {
        if (response.Authorities.SoaRecords().FirstOrDefault() is not { } soa) return TimeSpan.Zero;
        var age = TimeSpan.FromSeconds(Math.Min(soa.InitialTimeToLive, soa.Minimum));
        return age < NegativeAgeMax ? age : NegativeAgeMax;
    }

    private static string Plain(string name) => name.TrimEnd('.').ToLowerInvariant();

    private static LookupClientOptions Settings(DnsOptions options)
    {
        var settings = options.Servers.Count == 0 ? new LookupClientOptions() : new LookupClientOptions([.. options.Servers.Select(server => new NameServer(server))]);
        settings.AutoResolveNameServers = options.Servers.Count == 0;
        settings.Timeout = options.Timeout;
        settings.Retries = options.Retries;
        settings.UseTcpFallback = true;
        settings.UseCache = false;
        // The recursive servers given are equals: an empty answer of one is an answer.
        settings.ContinueOnEmptyResponse = false;
        // Keeps answers clear of IP fragments (DNS flag day 2020).
        settings.ExtendedDnsBufferSize = 1232;
        return settings;
    }
}
