using System.Net;

namespace MailApi.Mail.Routing;

/// <summary>What a zone says now.</summary>
/// <param name="Answer">What was said.</param>
/// <param name="Server">The name of the zone's server that said it; null: the configured resolvers did, perhaps from their caches.</param>
/// <param name="Fallback">Why no server of the zone was heard; null if one was. For people.</param>
public sealed record ZoneAnswer<T>(DnsAnswer<T> Answer, string? Server, string? Fallback);

/// <summary>
/// Asks the servers of a zone themselves, without recursion, so that a record that was published a second ago is seen, and one that was
/// corrected is not seen as it was. The zone and its servers are found through the configured resolvers; where no server of it can be
/// reached the configured resolvers answer, past our own cache. A look-up that only passes our cache by would still meet that of the
/// resolver, which keeps a record's absence for as long as the zone's SOA says, often an hour: that is why this is more than a flag.
/// </summary>
/// <param name="dns">Finds the servers, and answers in their place.</param>
/// <param name="options">Says which addresses may be asked.</param>
/// <param name="time">For the deadlines.</param>
public sealed class AuthoritativeResolver(DnsResolver dns, DnsOptions options, TimeProvider time)
{
    /// <summary>Servers of one zone that are asked, at most. RFC 2182 §5 recommends three.</summary>
    public const int ServersMax = 4;

    /// <summary>Labels above the name that are tried for a zone.</summary>
    public const int LabelsMax = 12;

    /// <inheritdoc cref="DnsResolver.Txt"/>
    public Task<ZoneAnswer<string>> Txt(string name, CancellationToken ct) => Ask(DnsReading.Txt, name, ct);

    /// <inheritdoc cref="DnsResolver.Mx"/>
    public Task<ZoneAnswer<MxHost>> Mx(string domain, CancellationToken ct) => Ask(DnsReading.Mx, domain, ct);

    /// <inheritdoc cref="DnsResolver.Cname"/>
    public Task<ZoneAnswer<string>> Cname(string name, CancellationToken ct) => Ask(DnsReading.Cname, name, ct);

    public Task<ZoneAnswer<IPAddress>> A(string host, CancellationToken ct) => Ask(DnsReading.A, host, ct);

    public Task<ZoneAnswer<IPAddress>> Aaaa(string host, CancellationToken ct) => Ask(DnsReading.Aaaa, host, ct);

    private async Task<ZoneAnswer<T>> Ask<T>(DnsReading<T> reading, string name, CancellationToken ct)
    {
        if (!HostName.IsValid(name.TrimEnd('.')) || DnsName.Canonical(name) is not { } canonical)
            return new ZoneAnswer<T>(new DnsAnswer<T>.NoSuchDomain(), null, "The name cannot exist.");
        name = canonical;
        using var deadline = new CancellationTokenSource(options.WalkDeadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        string fallback;
        try
        {
            (var answer, fallback) = await AskAuthorities(reading, name, either.Token);
            if (answer is not null) return answer;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            fallback = $"The name servers of {name} did not answer in time.";
        }
        return new ZoneAnswer<T>(await dns.Ask(reading, name, fresh: true, ct), null, fallback);
    }

    /// <summary>From alias to alias, each at its own zone.</summary>
    private async Task<(ZoneAnswer<T>?, string Fallback)> AskAuthorities<T>(DnsReading<T> reading, string name, CancellationToken ct)
    {
        var seen = new HashSet<string>();
        while (seen.Add(name) && seen.Count <= AliasChain.HopsMax + 1)
        {
            if (!HostName.IsValid(name)) return (new ZoneAnswer<T>(new DnsAnswer<T>.NoSuchDomain(), null, "The alias leads to a name that cannot exist."), "");
            var (message, server, fallback) = await AskAuthority(name, reading.Type, ct);
            if (message is null) return (null, fallback);
            var records = message.Answers.Where(record => record.Name == name && record.Type == reading.Type).ToList();
            if (records.Count > 0) return (new ZoneAnswer<T>(new DnsAnswer<T>.Found(reading.Read(records)), server, null), "");
            // Beyond its first alias the answer speaks of names that the server may not be responsible for.
            if (message.Answers.FirstOrDefault(record => record.Name == name && record.Type == RecordType.Cname) is not { } alias)
            {
                DnsAnswer<T> none = message.Code == 3 ? new DnsAnswer<T>.NoSuchDomain() : new DnsAnswer<T>.NoData();
                return (new ZoneAnswer<T>(none, server, null), "");
            }
            name = RecordData.Name(alias);
        }
        return (new ZoneAnswer<T>(new DnsAnswer<T>.Failed("the aliases have no end"), null, null), "");
    }

    private async Task<(DnsMessage?, string? Server, string Fallback)> AskAuthority(string name, RecordType type, CancellationToken ct)
    {
        if (await FindZone(name, ct) is not var (zone, hosts)) return (null, null, $"The zone of {name} could not be found.");
        var names = hosts.Where(HostName.IsValid).Order(StringComparer.Ordinal).Take(ServersMax).ToList();
        var answers = await Task.WhenAll(names.Select(host => dns.Addresses(host, ct)));
        var servers = new Dictionary<IPEndPoint, string>();
        foreach (var (host, answer) in names.Zip(answers))
        {
            if (answer is not DnsAnswer<IPAddress>.Found found) continue;
            // One of each kind; a machine without IPv6 finds out at once.
            foreach (var address in found.Values.Where(MayAsk).DistinctBy(address => address.AddressFamily))
                servers.TryAdd(new IPEndPoint(address, options.AuthorityPort), host);
        }
        if (servers.Count == 0) return (null, null, $"The name servers of the zone {zone} have no public address.");

        var heard = await AskServers([.. servers.Keys], name, type, ct);
        // A server that has not yet got the zone's last change says that nothing is there: another one is asked before that is believed.
        if (heard is { Message: { } first, Server: { } speaker } && first.Answers.Count == 0 && servers.Count > 1
            && await AskServers([.. servers.Keys.Where(other => !other.Equals(speaker) && servers[other] != servers[speaker])], name, type, ct) is { Message.Answers.Count: > 0 } second) heard = second;
        return heard.Message is not null
            ? (heard.Message, servers[heard.Server!], "")
            : (null, null, $"No name server of the zone {zone} answered for it ({heard.Reason}).");
    }

    private Task<Heard> AskServers(IReadOnlyList<IPEndPoint> servers, string name, RecordType type, CancellationToken ct) =>
        dns.Servers.Ask(servers, name, type, DnsAsk.None, message => message.IsAuthoritative && message.Code is 0 or 3, ct);

    private bool MayAsk(IPAddress address) => options.AllowPrivateNetworks || GlobalUnicast.Contains(address);

    /// <summary>The closest name at or above this one that has name servers.</summary>
    private async Task<(string Zone, IReadOnlyList<string> Hosts)?> FindZone(string name, CancellationToken ct)
    {
        for (var labels = Math.Min(DnsName.Labels(name), LabelsMax); labels > 0; labels--)
        {
            var candidate = DnsName.Last(name, labels);
            var (message, _) = await dns.Servers.Ask(candidate, RecordType.Ns, DnsAsk.None, ct);
            // Of an alias, these would be the servers of another name.
            var hosts = message?.Answers.Where(record => record.Type == RecordType.Ns && record.Name == candidate).Select(RecordData.Name).ToList();
            if (hosts is { Count: > 0 }) return (candidate, hosts);
        }
        return null;
    }
}
