using System.Net;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Authentication;

/// <summary>
/// One run of <c>check_host()</c> (RFC 7208 §4) with all that it includes. It ends: every step down into another record costs one of ten
/// look-ups, and a record that leads back to itself is told at once, since it could only use them up.
/// </summary>
internal sealed class SpfEvaluation(DnsResolver dns, SpfSender sender, DateTimeOffset now, CancellationToken ct)
{
    private readonly SpfMacroValues macros = new(dns, sender, now, ct);
    private int voids;

    /// <summary>Terms that cost a look-up so far.</summary>
    public int Lookups { get; private set; }

    public Task<SpfOutcome> Run() => sender.HasDomain
        ? CheckHost(sender.Domain, [])
        : Task.FromResult(new SpfOutcome(AuthenticationResult.None, sender.Domain.Length == 0 ? "there is no domain to check" : $"\"{sender.Domain}\" is not a full domain name"));

    /// <summary>RFC 7208 §6.2: exactly one TXT record of the right syntax, else nothing.</summary>
    public async Task<string?> OwnersWords(SpfOutcome outcome)
    {
        if (outcome.Explanation is not var (spec, domain) || await macros.Name(spec, domain) is not { } name) return null;
        return await dns.Txt(name, ct) is DnsAnswer<string>.Found { Values: [var text] } && SpfMacroString.TryParse(text, forExplanation: true, out var words, out _)
            ? await macros.Explanation(words, domain)
            : null;
    }

    /// <param name="domain">In lower case.</param>
    /// <param name="path">The domains whose records led here.</param>
    private async Task<SpfOutcome> CheckHost(string domain, IReadOnlyList<string> path) => await PublishedSpf.Find(dns, domain, ct) switch
    {
        PublishedSpf.One { Record: var record } => await Evaluate(record, domain, [.. path, domain]),
        PublishedSpf.None none => new SpfOutcome(AuthenticationResult.None, none.Why),
        PublishedSpf.Broken broken => new SpfOutcome(AuthenticationResult.PermError, broken.Why),
        PublishedSpf.Away away => new SpfOutcome(AuthenticationResult.TempError, away.Why),
        _ => throw new InvalidOperationException(),
    };

    /// <summary>From left to right until a mechanism matches (RFC 7208 §4.6.2); then redirect (§6.1), else neutral (§4.7).</summary>
    private async Task<SpfOutcome> Evaluate(SpfRecord record, string domain, IReadOnlyList<string> path)
    {
        List<string> missed = [];
        foreach (var term in record.Evaluated)
        {
            if (term.CostsLookup && ++Lookups > Spf.LookupsMax) return new SpfOutcome(AuthenticationResult.PermError, SpfWording.TooManyLookups(domain, term));
            if (term is SpfTerm.Redirect redirect) return await Follow(redirect, domain, path);
            var mechanism = (SpfTerm.Mechanism)term;
            var match = mechanism is SpfTerm.All all ? new SpfMatch.Yes(SpfWording.Last(domain, all, sender, missed)) : await Test(mechanism, domain, path);
            switch (match)
            {
                case SpfMatch.Yes yes:
                    var why = mechanism is SpfTerm.All ? yes.How : SpfWording.Matched(domain, mechanism, yes.How);
                    return new SpfOutcome(ResultOf(mechanism.Qualifier), why) { Explanation = record.Explanation is { Domain: var name } ? (name, domain) : null };
                case SpfMatch.Error error:
                    return error.Outcome;
                case SpfMatch.No no:
                    missed.Add(no.Seen);
                    break;
            }
        }
        return new SpfOutcome(AuthenticationResult.Neutral, SpfWording.NoMatch(domain, sender, missed));
    }

    private Task<SpfMatch> Test(SpfTerm.Mechanism mechanism, string domain, IReadOnlyList<string> path) => mechanism switch
    {
        SpfTerm.Network network => Task.FromResult(TestNetwork(network)),
        SpfTerm.Include include => TestInclude(include, domain, path),
        SpfTerm.A a => Named(a, a.Domain, domain, name => TestA(a, name, domain)),
        SpfTerm.Mx mx => Named(mx, mx.Domain, domain, name => TestMx(mx, name, domain)),
        SpfTerm.Reverse reverse => Named(reverse, reverse.Domain, domain, name => TestReverse(reverse, name, domain)),
        SpfTerm.Exists exists => Named(exists, exists.Domain, domain, name => TestExists(exists, name, domain)),
        _ => throw new InvalidOperationException(),
    };

    /// <summary>A name that cannot exist is not asked for, and matches nothing.</summary>
    private async Task<SpfMatch> Named(SpfTerm term, SpfMacroString? spec, string domain, Func<string, Task<SpfMatch>> test) =>
        (spec is null ? domain : await macros.Name(spec, domain)) is { } name ? await test(name) : Miss(term, "no valid name");

    private SpfMatch TestNetwork(SpfTerm.Network network)
    {
        if (!SpfAddress.SharePrefix(sender.Client, network.Address, network.PrefixBits)) return new SpfMatch.No(SpfWording.Clip(network.Text));
        return new SpfMatch.Yes(sender.Client.Equals(network.Address) ? $"that is {sender.Client} itself" : $"{sender.Client} lies in {network.Address}/{network.PrefixBits}");
    }

    private async Task<SpfMatch> TestA(SpfTerm.A a, string name, string domain) => await macros.Addresses(name) switch
    {
        DnsAnswer<IPAddress>.Found found => Compare(a, found.Values, a.Prefix, address => $"{name} has the address {address}"),
        DnsAnswer<IPAddress>.Failed failed => Away(a, domain, $"the addresses of {name} cannot be looked up: {failed.Reason}"),
        _ => Void(a, domain, "no address"),
    };

    private async Task<SpfMatch> TestMx(SpfTerm.Mx mx, string name, string domain)
    {
        switch (await dns.Mx(name, ct))
        {
            case DnsAnswer<MxHost>.Failed failed:
                return Away(mx, domain, $"the mail hosts of {name} cannot be looked up: {failed.Reason}");
            case DnsAnswer<MxHost>.Found { Values: var hosts } when hosts.Count > Spf.HostsMax:
                return Broken(mx, domain, $"{name} has more than {Spf.HostsMax} mail hosts, which is all that receivers look at");
            case DnsAnswer<MxHost>.Found { Values: var hosts }:
                return await TestHosts(mx, name, domain, hosts);
            default:
                // RFC 7208 §5.4: the domain itself is not its implicit mail host here.
                return Void(mx, domain, "no mail host");
        }
    }

    private async Task<SpfMatch> TestHosts(SpfTerm.Mx mx, string name, string domain, IReadOnlyList<MxHost> hosts)
    {
        List<IPAddress> all = [];
        foreach (var host in hosts.Where(host => host.Host.Length > 0))
        {
            switch (await macros.Addresses(host.Host))
            {
                case DnsAnswer<IPAddress>.Failed failed:
                    return Away(mx, domain, $"the addresses of the mail host {host.Host} cannot be looked up: {failed.Reason}");
                case DnsAnswer<IPAddress>.Found found:
                    if (Compare(mx, found.Values, mx.Prefix, address => $"{host.Host}, a mail host of {name}, has the address {address}") is SpfMatch.Yes yes) return yes;
                    all.AddRange(found.Values);
                    break;
            }
        }
        return all.Count == 0 ? Void(mx, domain, "no address") : Miss(mx, SpfWording.List([.. all.Select(address => address.ToString())]));
    }

    private async Task<SpfMatch> TestReverse(SpfTerm.Reverse reverse, string name, string domain)
    {
        var client = await macros.Confirmed();
        if (client.Names.FirstOrDefault(known => SpfMacroValues.IsAtOrBelow(known, name)) is { } match)
            return new SpfMatch.Yes($"the reverse name of {sender.Client} is {match}, which has that address too");
        return client.IsVoid ? Void(reverse, domain, "the client has no reverse name") : Miss(reverse, client.Names.Count == 0 ? "the client has no confirmed reverse name" : SpfWording.List(client.Names));
    }

    /// <summary>An A record whatever the client's family (RFC 7208 §5.7).</summary>
    private async Task<SpfMatch> TestExists(SpfTerm.Exists exists, string name, string domain) => await dns.A(name, ct) switch
    {
        DnsAnswer<IPAddress>.Found => new SpfMatch.Yes($"the name {SpfWording.Clip(name)} exists"),
        DnsAnswer<IPAddress>.Failed failed => Away(exists, domain, $"{SpfWording.Clip(name)} cannot be looked up: {failed.Reason}"),
        _ => Void(exists, domain, $"{SpfWording.Clip(name)} does not exist"),
    };

    /// <summary>The table of RFC 7208 §5.2.</summary>
    private async Task<SpfMatch> TestInclude(SpfTerm.Include include, string domain, IReadOnlyList<string> path)
    {
        if (await Descend(include, include.Domain, domain, path) is not { } inner) return Broken(include, domain, "it names no valid domain");
        return inner.Result switch
        {
            AuthenticationResult.Pass => new SpfMatch.Yes(inner.Why),
            AuthenticationResult.Fail or AuthenticationResult.SoftFail or AuthenticationResult.Neutral => new SpfMatch.No(SpfWording.Clip(include.Text)),
            AuthenticationResult.TempError => Away(include, domain, inner.Why),
            _ => Broken(include, domain, inner.Why),
        };
    }

    /// <summary>RFC 7208 §6.1: the other record's result is this one's, but that it must have one.</summary>
    private async Task<SpfOutcome> Follow(SpfTerm.Redirect redirect, string domain, IReadOnlyList<string> path)
    {
        var inner = await Descend(redirect, redirect.Domain, domain, path) ?? new SpfOutcome(AuthenticationResult.None, "it names no valid domain");
        return inner with
        {
            Result = inner.Result == AuthenticationResult.None ? AuthenticationResult.PermError : inner.Result,
            Why = $"the SPF record of {domain} leaves the answer to another by \"{SpfWording.Clip(redirect.Text)}\"; {inner.Why}",
        };
    }

    private async Task<SpfOutcome?> Descend(SpfTerm term, SpfMacroString spec, string domain, IReadOnlyList<string> path)
    {
        if (await macros.Name(spec, domain) is not { } name) return null;
        return path.Contains(name)
            ? new SpfOutcome(AuthenticationResult.PermError, $"\"{SpfWording.Clip(term.Text)}\" leads in a circle ({string.Join(" → ", path.SkipWhile(step => step != name))} → {name})")
            : await CheckHost(name, path);
    }

    private SpfMatch Compare(SpfTerm term, IReadOnlyList<IPAddress> addresses, SpfPrefix prefix, Func<IPAddress, string> say)
    {
        var bits = sender.Client.GetAddressBytes().Length == 4 ? prefix.V4Bits : prefix.V6Bits;
        if (addresses.FirstOrDefault(address => SpfAddress.SharePrefix(sender.Client, address, bits)) is not { } match)
            return Miss(term, SpfWording.List([.. addresses.Select(address => address.ToString())]));
        return new SpfMatch.Yes(match.Equals(sender.Client) ? say(match) : $"{say(match)}, and {sender.Client} lies in the same /{bits} network");
    }

    private static SpfMatch.No Miss(SpfTerm term, string seen) => new($"{SpfWording.Clip(term.Text)} ({seen})");

    private SpfMatch Void(SpfTerm term, string domain, string seen) => ++voids > Spf.VoidLookupsMax
        ? new SpfMatch.Error(new SpfOutcome(AuthenticationResult.PermError, SpfWording.TooManyVoids(domain, term)))
        : Miss(term, seen);

    private static SpfMatch.Error Away(SpfTerm term, string domain, string why) => new(new SpfOutcome(AuthenticationResult.TempError, Chain(term, domain, why)));

    private static SpfMatch.Error Broken(SpfTerm term, string domain, string why) => new(new SpfOutcome(AuthenticationResult.PermError, Chain(term, domain, why)));

    private static string Chain(SpfTerm term, string domain, string why) => $"the term \"{SpfWording.Clip(term.Text)}\" in the SPF record of {domain} leads to an error: {why}";

    private static AuthenticationResult ResultOf(SpfQualifier qualifier) => qualifier switch
    {
        SpfQualifier.Pass => AuthenticationResult.Pass,
        SpfQualifier.Fail => AuthenticationResult.Fail,
        SpfQualifier.SoftFail => AuthenticationResult.SoftFail,
        _ => AuthenticationResult.Neutral,
    };
}
