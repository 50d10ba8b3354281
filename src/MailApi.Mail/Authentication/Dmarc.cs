using MailApi.Mail.Dkim;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Authentication;

/// <summary>Evaluates DMARC (RFC 9989, which replaced 7489): does SPF or DKIM confirm the domain that a reader sees in From?</summary>
public sealed class Dmarc(DnsResolver dns)
{
    private readonly OrganizationalDomain organizations = new(dns);

    /// <param name="author">The domain of From, in A-labels.</param>
    /// <param name="spf">Of the return path.</param>
    /// <param name="dkim">Of every signature.</param>
    /// <param name="ct">Ends the look-ups.</param>
    public async Task<DmarcVerdict> Check(string author, SpfVerdict spf, IReadOnlyList<SignatureVerdict> dkim, CancellationToken ct)
    {
        var walk = await organizations.Of(author, ct);
        var strictSpf = walk.Policy?.Record.StrictSpf ?? false;
        var strictDkim = walk.Policy?.Record.StrictDkim ?? false;
        var spfAligned = await IsAligned(walk, spf.Domain, strictSpf, ct);
        var signers = new List<bool?>();
        foreach (var signature in dkim) signers.Add(await IsAligned(walk, signature.Domain, strictDkim, ct));

        var verdict = DmarcVerdict.NotApplicable with
        {
            Domain = author,
            Walk = walk,
            SpfDomainAligned = spfAligned,
            SignersAligned = signers,
            SpfAligned = spf.Result == AuthenticationResult.Pass && spfAligned == true,
            DkimAligned = dkim.Zip(signers).Any(pair => pair.First.Result == AuthenticationResult.Pass && pair.Second == true),
        };
        if (walk.Policy is not { } published) return walk.FailedAt is null ? verdict : verdict with { Result = AuthenticationResult.TempError };

        var isSubdomain = published.Domain != author;
        var isNonexistent = isSubdomain && published.Record.NonexistentPolicy is not null && !await Exists(author, ct);
        if (published.Record.For(isSubdomain, !isNonexistent) is not { } policy) return verdict with { Result = AuthenticationResult.PermError };

        verdict = verdict with { Policy = policy, IsNonexistent = isNonexistent };
        if (verdict.SpfAligned || verdict.DkimAligned) return verdict with { Result = AuthenticationResult.Pass };
        if (MayPassLater(spf, dkim, verdict)) return verdict with { Result = AuthenticationResult.TempError };
        return verdict with { Result = AuthenticationResult.Fail, Disposition = published.Record.IsTesting ? OneLess(policy) : policy };
    }

    /// <summary>§4.4: the same name, or (relaxed) names of one organization. Null where the DNS does not tell.</summary>
    private async Task<bool?> IsAligned(TreeWalk author, string domain, bool strict, CancellationToken ct)
    {
        domain = domain.TrimEnd('.').ToLowerInvariant();
        if (domain.Length == 0) return false;
        if (domain == author.Domain) return true;
        if (strict) return false;
        if (author.FailedAt is not null) return null;
        var other = await organizations.Of(domain, ct);
        return other.FailedAt is null ? other.OrganizationalDomain == author.OrganizationalDomain : null;
    }

    /// <summary>§5.3.6: while one that might have confirmed the domain could not be judged, nothing is concluded against the message.</summary>
    private static bool MayPassLater(SpfVerdict spf, IReadOnlyList<SignatureVerdict> dkim, DmarcVerdict verdict) =>
        dkim.Zip(verdict.SignersAligned, (signature, aligned) => (signature.Result, Aligned: aligned)).Append((spf.Result, Aligned: verdict.SpfDomainAligned))
            .Any(one => one.Result == AuthenticationResult.TempError && one.Aligned != false || one.Result == AuthenticationResult.Pass && one.Aligned is null);

    /// <summary>§3.2.12: a name without A, AAAA and MX records counts as one that does not exist. What cannot be known counts as existing.</summary>
    private async Task<bool> Exists(string domain, CancellationToken ct)
    {
        var (a, aaaa, mx) = (dns.A(domain, ct), dns.Aaaa(domain, ct), dns.Mx(domain, ct));
        return Has(await a) || Has(await aaaa) || Has(await mx);

        static bool Has<T>(DnsAnswer<T> answer) => answer is DnsAnswer<T>.Found or DnsAnswer<T>.Failed;
    }

    /// <summary>§4.7, <c>t=y</c>.</summary>
    private static DmarcPolicy OneLess(DmarcPolicy policy) => policy == DmarcPolicy.Reject ? DmarcPolicy.Quarantine : DmarcPolicy.None;
}
