using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MailApi.Mail.Routing;

/// <summary>
/// Looks names up and tells "does not exist", "has no such record" and "cannot be known now" apart. Answers are cached by their time to live,
/// at most an hour; failures for <see cref="FailureAge"/>, so that one broken domain does not hold many deliveries up. Who asks what is
/// being asked already waits for the same answer.
/// </summary>
public sealed class DnsResolver(DnsOptions options, TimeProvider time)
{
    /// <summary>Of more mail exchangers than this, those with the lowest preferences are kept.</summary>
    public const int MxMax = 50;
    public const int AddressesMax = 30;
    public const int TxtMax = 100;
    public const int NamesMax = 30;

    /// <summary>Look-ups at once, each with a socket; more wait, within their deadline.</summary>
    public const int LookupsMax = 200;

    public static readonly TimeSpan FailureAge = TimeSpan.FromSeconds(30);

    /// <summary>RFC 2308 §5 asks for one to three hours at most; mail set up minutes ago should not wait that long.</summary>
    public static readonly TimeSpan NegativeAgeMax = TimeSpan.FromMinutes(5);

    private readonly AnswerCache cache = new(time);
    private readonly ConcurrentDictionary<(string Name, RecordType Type), Lazy<Task>> asking = new();

    /// <summary>In order of preference. A null MX (RFC 7505) is one host with an empty name.</summary>
    public Task<DnsAnswer<MxHost>> Mx(string domain, CancellationToken ct) => Ask(DnsReading.Mx, domain, fresh: false, ct);

    /// <summary>The text of each record, its strings joined (RFC 7208 §3.3).</summary>
    public Task<DnsAnswer<string>> Txt(string name, CancellationToken ct) => Ask(DnsReading.Txt, name, fresh: false, ct);

    public Task<DnsAnswer<IPAddress>> A(string host, CancellationToken ct) => Ask(DnsReading.A, host, fresh: false, ct);

    public Task<DnsAnswer<IPAddress>> Aaaa(string host, CancellationToken ct) => Ask(DnsReading.Aaaa, host, fresh: false, ct);

    /// <summary>The name that this one is an alias of, itself not followed further. In lower case, without the trailing dot.</summary>
    public Task<DnsAnswer<string>> Cname(string name, CancellationToken ct) => Ask(DnsReading.Cname, name, fresh: false, ct);

    /// <summary>The name servers of a zone; a name that is no zone has none.</summary>
    public Task<DnsAnswer<string>> Ns(string zone, CancellationToken ct) => Ask(DnsReading.Ns, zone, fresh: false, ct);

    /// <summary>The names that an address is said to have (PTR). Anyone may claim any name: confirm it by <see cref="Addresses"/>.</summary>
    public Task<DnsAnswer<string>> Names(IPAddress address, CancellationToken ct) => Ask(DnsReading.Ptr, DnsName.Reverse(address), fresh: false, ct);

    /// <summary>A and AAAA records, IPv4 first. An address literal is its own address; <c>localhost</c> is this machine, and no question to the DNS (RFC 6761 §6.3).</summary>
    public async Task<DnsAnswer<IPAddress>> Addresses(string host, CancellationToken ct)
    {
        if (IPAddress.TryParse(host, out var literal)) return new DnsAnswer<IPAddress>.Found([literal]);
        if (IsLocalhost(host)) return new DnsAnswer<IPAddress>.Found([IPAddress.Loopback]);

        var v6 = options.UseIPv6 && Socket.OSSupportsIPv6 ? Aaaa(host, ct) : Task.FromResult<DnsAnswer<IPAddress>>(new DnsAnswer<IPAddress>.NoData());
        var answers = await Task.WhenAll(A(host, ct), v6);

        var found = answers.OfType<DnsAnswer<IPAddress>.Found>().SelectMany(answer => answer.Values).ToList();
        if (found.Count > 0) return new DnsAnswer<IPAddress>.Found(found);
        return answers.OfType<DnsAnswer<IPAddress>.Failed>().FirstOrDefault()
            ?? answers.FirstOrDefault(answer => answer is DnsAnswer<IPAddress>.NoSuchDomain)
            ?? answers[0];
    }

    private static bool IsLocalhost(string host) => host.TrimEnd('.') is var name
        && (name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase));

    /// <summary>Lets the next look-up of a name ask again: for names that are known to change just now.</summary>
    public void Forget(string name)
    {
        if (DnsName.Canonical(name) is { } canonical) cache.Forget(canonical);
    }

    /// <summary>What the look-ups of many steps ask through: the same resolvers within the same bounds.</summary>
    internal NameServers Servers { get; } = new(options, time);

    /// <param name="reading">What is asked for.</param>
    /// <param name="name">Whose.</param>
    /// <param name="fresh">Do not take the answer from our cache.</param>
    /// <param name="ct">Ends the wait; the look-up goes on for the others who wait for it, and for the cache.</param>
    internal async Task<DnsAnswer<T>> Ask<T>(DnsReading<T> reading, string name, bool fresh, CancellationToken ct)
    {
        if (!HostName.CanBeAsked(name.TrimEnd('.')) || DnsName.Canonical(name) is not { } canonical) return new DnsAnswer<T>.NoSuchDomain();
        name = canonical;
        if (!fresh && cache.Find<T>(name, reading.Type) is { } known) return known;
        ct.ThrowIfCancellationRequested();

        var key = (name, reading.Type);
        var shared = asking.GetOrAdd(key, _ => new Lazy<Task>(() => AskForAll(reading, name)));
        return await ((Task<DnsAnswer<T>>)shared.Value).WaitAsync(ct);
    }

    private async Task<DnsAnswer<T>> AskForAll<T>(DnsReading<T> reading, string name)
    {
        try
        {
            using var deadline = new CancellationTokenSource(options.Deadline, time);
            var (answer, age, octets) = await AskServers(reading, name, deadline.Token);
            cache.Keep(name, reading.Type, answer, age, octets);
            return answer;
        }
        finally
        {
            asking.TryRemove((name, reading.Type), out _);
        }
    }

    /// <summary>Mostly one question; more where a server does not follow aliases out of its own zones.</summary>
    private async Task<(DnsAnswer<T>, TimeSpan Age, int Octets)> AskServers<T>(DnsReading<T> reading, string name, CancellationToken deadline)
    {
        var ttl = (uint)AnswerCache.AgeMax.TotalSeconds;
        var seen = new HashSet<string>();
        for (var hops = 0; hops <= AliasChain.HopsMax && seen.Add(name);)
        {
            var (message, reason) = await AskUntil(name, reading.Type, deadline);
            // That there was no place to ask says nothing about the name.
            if (message is null) return (new DnsAnswer<T>.Failed(reason), reason == Heard.TooMany ? TimeSpan.Zero : FailureAge, 0);

            var chain = AliasChain.Follow(message.Answers, name, reading.Type);
            if (chain.Loops) break;
            ttl = Math.Min(ttl, chain.Ttl);
            if (chain.Records.Count > 0) return (new DnsAnswer<T>.Found(reading.Read(chain.Records)), TimeSpan.FromSeconds(ttl), message.Octets);
            if (message.Code == 3) return (new DnsAnswer<T>.NoSuchDomain(), NegativeAge(message, chain.End), 0);
            if (chain.Hops == 0 || message.Soa(chain.End) is not null) return (new DnsAnswer<T>.NoData(), NegativeAge(message, chain.End), 0);
            name = chain.End;
            hops += chain.Hops;
        }
        return (new DnsAnswer<T>.Failed("the aliases have no end"), FailureAge, 0);
    }

    private async Task<Heard> AskUntil(string name, RecordType type, CancellationToken deadline)
    {
        try
        {
            return await Servers.Ask(name, type, DnsAsk.None, deadline);
        }
        catch (OperationCanceledException)
        {
            return new Heard(null, Heard.NoAnswer);
        }
    }

    /// <summary>Without an SOA record nothing is kept (RFC 2308 §5).</summary>
    private static TimeSpan NegativeAge(DnsMessage message, string name)
    {
        if (message.Soa(name) is not { } soa) return TimeSpan.Zero;
        var age = RecordData.NegativeAge(soa);
        return age < NegativeAgeMax ? age : NegativeAgeMax;
    }
}
