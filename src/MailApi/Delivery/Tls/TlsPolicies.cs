using MailApi.Mail.Routing;
using MailApi.Mail.Smtp;
using MailApi.Mail.Tls;
using Route = MailApi.Mail.Routing.Route;

namespace MailApi.Delivery.Tls;

/// <summary>
/// What each mail host of a route must prove: what the operator demands, else what TLSA records demand (DANE), else the domain's MTA-STS policy, which
/// must not override DANE (RFC 8461 §2), else nothing. A host that may not be used is taken out of the route before anyone connects to it.
/// </summary>
internal sealed class TlsPolicies(Dane dane, MtaSts sts, TlsResults results, TlsSettings settings)
{
    private static readonly DaneAnswer NoDane = new DaneAnswer.None();

    /// <param name="found">From the router; what is not found stays as it is.</param>
    /// <param name="domain">The recipient's.</param>
    /// <param name="requireTls">The message says REQUIRETLS (RFC 8689).</param>
    /// <param name="ct">Ends the look-ups.</param>
    public async Task<RouteResult> Apply(RouteResult found, string domain, bool requireTls, CancellationToken ct)
    {
        if (found is not RouteResult.Found { Route: var route }) return found;
        if (route.MxIsSecure is not { } isSecure) return requireTls ? ThroughRelay(route) : found;

        var tlsa = await Task.WhenAll(route.Hosts.Select(host => Tlsa(host.Name, domain, isSecure, ct)));
        var policy = tlsa.All(answer => answer is DaneAnswer.Published) || route.Hosts.All(host => settings.For(domain, host.Name) is not null) ? null : await sts.Find(domain, ct);
        var verdicts = route.Hosts.Zip(tlsa, (host, answer) => Judge(host.Name, domain, answer, policy)).Select(verdict => requireTls ? Required(verdict, isSecure) : verdict).ToList();
        foreach (var verdict in verdicts)
            if (verdict.Refusal is { } result) results.Count(domain, verdict.Policy, result, verdict.Host);

        List<RouteHost> hosts = [.. route.Hosts.Zip(verdicts).Where(pair => pair.Second.Demand is not null).Select(pair => pair.First with { Demand = pair.Second.Demand! })];
        if (hosts.Count == 0) return NoHost(domain, verdicts, requireTls);
        return new RouteResult.Found(route with { Hosts = hosts, TlsSessions = session => results.Count(domain, session) });
    }

    private async Task<DaneAnswer> Tlsa(string host, string domain, bool isSecure, CancellationToken ct) =>
        settings.Dane && isSecure && settings.For(domain, host) is null or TlsLevel.Dane ? await dane.Find(host, domain, ct) : NoDane;

    private Verdict Judge(string host, string domain, DaneAnswer tlsa, StsPolicy? policy)
    {
        var byHand = settings.For(domain, host);
        return byHand switch
        {
            TlsLevel.Opportunistic => Verdict.Use(host, TlsDemand.Opportunistic),
            TlsLevel.Encrypt => Verdict.Use(host, new TlsDemand { Proof = TlsProof.Encryption, IsEnforced = true }),
            TlsLevel.Verify => Verdict.Use(host, Named(host)),
            _ => (tlsa, policy) switch
            {
                (DaneAnswer.Failed failed, _) => new Verdict(host, null, TlsPolicyType.Tlsa, TlsResult.DnssecInvalid, failed.Reason),
                (DaneAnswer.Published { Demand.Proof: TlsProof.Encryption }, _) when byHand == TlsLevel.Dane => new Verdict(host, null, TlsPolicyType.Tlsa, TlsResult.TlsaInvalid, "none of its TLSA records is usable"),
                (DaneAnswer.Published published, _) => Verdict.Use(host, published.Demand),
                _ when byHand == TlsLevel.Dane => new Verdict(host, null, TlsPolicyType.NoPolicyFound, TlsResult.DaneRequired, "it has no TLSA records in a signed zone"),
                (_, null) => Verdict.Use(host, TlsDemand.Opportunistic),
                (_, { Mode: StsMode.Enforce }) when !policy.Allows(host) => new Verdict(host, null, TlsPolicyType.Sts, TlsResult.CertificateHostMismatch, "the MTA-STS policy does not name it"),
                (_, { Mode: StsMode.Enforce }) => Verdict.Use(host, Named(host) with { Policy = TlsPolicyType.Sts }),
                // Looked at and told. Without a name none is right.
                _ => Verdict.Use(host, Named(host) with { Policy = TlsPolicyType.Sts, IsEnforced = false, Names = policy.Allows(host) ? [host] : [] }),
            },
        };
    }

    private static TlsDemand Named(string host) => new() { Proof = TlsProof.Name, IsEnforced = true, Names = [host] };

    /// <summary>
    /// RFC 8689 §4.2.1: the host's name comes from a signed zone or is one that the MTA-STS policy (in whatever mode) or the operator names, and the
    /// host proves it.
    /// </summary>
    private static Verdict Required(Verdict verdict, bool isSecure) => verdict.Demand switch
    {
        null => verdict,
        { Proof: TlsProof.Tlsa } demand => verdict with { Demand = demand with { RequireTls = true } },
        { Proof: TlsProof.Name, Names.Count: > 0 } demand => verdict with { Demand = demand with { IsEnforced = true, RequireTls = true } },
        { Policy: var policy } when isSecure => verdict with { Demand = Named(verdict.Host) with { Policy = policy, RequireTls = true } },
        _ => verdict with { Demand = null, Why = "nothing proves that it is the domain's (neither DNSSEC nor an MTA-STS policy)" },
    };

    private static RouteResult NoHost(string domain, List<Verdict> verdicts, bool requireTls)
    {
        var whys = string.Join("; ", verdicts.Select(verdict => verdict.Refusal is { } result ? $"{verdict.Host}: {result.Word()}, {verdict.Why}" : $"{verdict.Host}: {verdict.Why}"));
        return requireTls && verdicts.TrueForAll(verdict => verdict.Refusal is not TlsResult.DnssecInvalid)
            ? new RouteResult.Refused(Reply.From(550, $"5.7.10 the message demands TLS (REQUIRETLS) that {domain} does not offer: {whys}"))
            : new RouteResult.Temporary(Reply.From(451, $"4.7.5 no mail host of {domain} may be used as its TLS policy is broken ({whys}). Its keeper must mend it; to send all the same, set Delivery__Tls__Policies__{domain}=Opportunistic"));
    }

    private static RouteResult ThroughRelay(Route route) => route.Tls is TlsPolicy.StartTls or TlsPolicy.Implicit
        ? new RouteResult.Found(route with { Hosts = [.. route.Hosts.Select(host => host with { Demand = Named(host.Name) with { RequireTls = true } })] })
        : new RouteResult.Refused(Reply.From(550, "5.7.10 the message demands TLS (REQUIRETLS), and the relay is spoken to without a valid certificate"));

    /// <param name="Demand">Null: the host may not be used.</param>
    /// <param name="Refusal">What is told of a host that may not be used.</param>
    private sealed record Verdict(string Host, TlsDemand? Demand, TlsPolicyType Policy, TlsResult? Refusal, string Why)
    {
        public static Verdict Use(string host, TlsDemand demand) => new(host, demand, demand.Policy, null, "");
    }
}
