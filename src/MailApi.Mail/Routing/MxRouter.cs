using System.Net;
using System.Security.Cryptography;
using System.Text;
using MailApi.Mail.Dnssec;
using MailApi.Mail.Smtp;

namespace MailApi.Mail.Routing;

/// <summary>What the router may do.</summary>
public sealed record RoutingOptions
{
    /// <summary>The port of mail exchangers; other than 25 only in tests.</summary>
    public int MxPort { get; init; } = 25;

    /// <summary>Let mail hosts have addresses that are not global unicast (loopback, RFC 1918, link-local …).</summary>
    public bool AllowPrivateNetworks { get; init; }
}

/// <summary>Finds the mail hosts of a domain (RFC 5321 §5.1), or of a relay.</summary>
/// <param name="dns">Looks up.</param>
/// <param name="options">What is allowed.</param>
/// <param name="random">Shuffles hosts of equal preference; <see cref="Random.Shared"/> where several flows ask at once.</param>
/// <param name="secure">Tells whether MX records can be believed, for DANE; null: nobody asks.</param>
public sealed class MxRouter(DnsResolver dns, RoutingOptions options, Random random, SecureLookups? secure = null)
{
    /// <summary>Hosts tried in one attempt. RFC 5321 §5.1 asks for at least two.</summary>
    public const int HostsMax = 5;

    /// <summary>Addresses tried of each host, in each family.</summary>
    public const int AddressesPerHostMax = 2;

    /// <summary>Hosts whose addresses are looked up, at most, to find <see cref="HostsMax"/> of them.</summary>
    public const int LookupsMax = 20;

    /// <summary>In <see cref="RouteResult.Temporary"/>: a relay has addresses, and none that may be connected to.</summary>
    public const string NoUsableAddress = "4.4.4";

    /// <param name="domain">In A-labels.</param>
    /// <param name="ct">Ends the look-ups.</param>
    public async Task<RouteResult> Find(string domain, CancellationToken ct)
    {
        var plain = dns.Mx(domain, ct);
        if (secure is null) return await Find(domain, await plain, isSecure: false, ct);
        var proven = await secure.Find(domain, RecordType.Mx, ct);
        var answer = await plain;
        return proven.State switch
        {
            DnssecState.Secure => await Find(domain, Hosts(domain, proven.Answer), isSecure: true, ct),
            DnssecState.Insecure => await Find(domain, answer, isSecure: false, ct),
            // RFC 7672 §2.1.2: as if it could not be looked up.
            _ => Defer("4.4.3", $"the mail hosts of {domain} cannot be believed now (DNSSEC): {proven.Reason}"),
        };
    }

    private async Task<RouteResult> Find(string domain, DnsAnswer<MxHost> answer, bool isSecure, CancellationToken ct) => answer switch
    {
        DnsAnswer<MxHost>.Found found => await Explicit(domain, found.Values, isSecure, ct),
        // RFC 5321 §5.1: without MX records the domain itself is its mail host, with preference 0.
        DnsAnswer<MxHost>.NoData => await Explicit(domain, [new MxHost(domain, 0)], isSecure, ct),
        DnsAnswer<MxHost>.NoSuchDomain => Refuse(550, "5.1.2", $"the domain {domain} does not exist"),
        DnsAnswer<MxHost>.Failed failed => Defer("4.4.3", $"the mail hosts of {domain} cannot be looked up now: {failed.Reason}"),
        var other => throw new InvalidOperationException(other.ToString()),
    };

    /// <summary>The way to a relay. Whatever is wrong with the relay is no fault of the recipient: it is never <see cref="RouteResult.Refused"/>.</summary>
    public async Task<RouteResult> Find(RelayOptions relay, CancellationToken ct)
    {
        var name = relay.Host.TrimEnd('.').ToLowerInvariant();
        if (await Addresses(name, ct) is not { } addresses) return Defer("4.4.3", $"the relay {name} has no address now");
        if (addresses.Count == 0) return Defer(NoUsableAddress, $"the relay {name} has no public address");
        return new RouteResult.Found(new Route
        {
            Site = $"relay:{name}:{relay.EffectivePort}",
            Hosts = [new RouteHost(name, addresses, relay.EffectivePort)],
            Tls = relay.Tls,
            Credentials = relay.Credentials,
        });
    }

    /// <summary>
    /// The addresses of a host that somebody named which may be connected to, and no others: none where it has no public one; null where it has no address
    /// now. Whoever connects takes these and does not look the name up again, so that a name which changes its answer in between gains nothing.
    /// </summary>
    public async Task<IReadOnlyList<IPAddress>?> Addresses(string host, CancellationToken ct) =>
        await dns.Addresses(host, ct) is DnsAnswer<IPAddress>.Found found ? Usable(found.Values) : null;

    private async Task<RouteResult> Explicit(string domain, IReadOnlyList<MxHost> records, bool isSecure, CancellationToken ct)
    {
        // RFC 7505: a single root name says that the domain takes no mail; beside other records it is a mistake and says nothing.
        if (records.All(mx => mx.Host.Length == 0)) return Refuse(556, "5.1.10", $"the domain {domain} does not accept mail (null MX)");

        var names = InOrder(records.Where(mx => HostName.IsValid(mx.Host))).Take(LookupsMax).ToList();
        string? failed = null, hidden = null;
        List<RouteHost> hosts = [];
        // A handful of look-ups at a time: mostly the first round is all there is.
        foreach (var round in names.Chunk(HostsMax))
        {
            var answers = await Task.WhenAll(round.Select(name => dns.Addresses(name, ct)));
            foreach (var (name, answer) in round.Zip(answers))
            {
                if (answer is DnsAnswer<IPAddress>.Failed) failed ??= name;
                if (answer is not DnsAnswer<IPAddress>.Found found) continue;
                if (Usable(found.Values) is { Count: > 0 } addresses) hosts.Add(new RouteHost(name, addresses, options.MxPort));
                else hidden ??= name;
            }
            if (hosts.Count >= HostsMax) break;
        }

        if (hosts.Count > 0) return new RouteResult.Found(new Route { Site = Site(records), Hosts = [.. hosts.Take(HostsMax)], MxIsSecure = isSecure });
        if (failed is not null) return Defer("4.4.3", $"the address of {failed}, a mail host of {domain}, cannot be looked up now");
        if (hidden is not null) return Refuse(550, "5.4.4", "the domain's mail hosts have no public address");
        return Refuse(550, "5.4.4", $"no mail host of {domain} has an address");
    }

    /// <summary>The records that were validated, which another answer's need not be.</summary>
    private static DnsAnswer<MxHost> Hosts(string domain, DnsAnswer<byte[]> answer) => answer switch
    {
        DnsAnswer<byte[]>.Found found => new DnsAnswer<MxHost>.Found(DnsReading.Mx.Read([.. found.Values.Select(data => new ResourceRecord(domain, RecordType.Mx, 0, data))])),
        DnsAnswer<byte[]>.NoData => new DnsAnswer<MxHost>.NoData(),
        _ => new DnsAnswer<MxHost>.NoSuchDomain(),
    };

    /// <summary>By preference, and at random among equals (RFC 5321 §5.1), each name once.</summary>
    private IEnumerable<string> InOrder(IEnumerable<MxHost> records)
    {
        var shuffled = records.ToArray();
        random.Shuffle(shuffled);
        return shuffled.OrderBy(mx => mx.Preference).Select(mx => mx.Host).Distinct();
    }

    private List<IPAddress> Usable(IEnumerable<IPAddress> addresses) =>
        [.. addresses.Where(address => options.AllowPrivateNetworks || GlobalUnicast.Contains(address)).GroupBy(address => address.AddressFamily).SelectMany(family => family.Take(AddressesPerHostMax))];

    private static string Site(IReadOnlyList<MxHost> records)
    {
        var names = records.Select(mx => mx.Host).Where(HostName.IsValid).Distinct().Order(StringComparer.Ordinal).ToList();
        var joined = string.Join(',', names);
        if (joined.Length <= Route.SiteCharsMax) return joined;
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(joined)).AsSpan(0, 16));
        return names[0].Length + hash.Length < Route.SiteCharsMax ? $"{names[0]},{hash}" : hash;
    }

    private static RouteResult.Refused Refuse(int code, string enhanced, string text) => new(new Reply(code, enhanced, text));

    private static RouteResult.Temporary Defer(string enhanced, string text) => new(new Reply(451, enhanced, text));
}
