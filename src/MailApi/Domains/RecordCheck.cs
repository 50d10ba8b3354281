using MailApi.Api;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dnssec;
using MailApi.Mail.Routing;

namespace MailApi.Domains;

/// <summary>Looks up what stands in the place of a domain's records, at the servers that have authority over them.</summary>
internal sealed class RecordCheck(AuthoritativeResolver zone, DnsResolver dns, Spf spf, OrganizationalDomain organization, DnssecValidator dnssec, DomainOptions options, TimeProvider time)
{
    /// <summary>All look-ups of one check together; what has not answered by then counts as not known, and what has counts.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <exception cref="OperationCanceledException"><paramref name="ct"/> ended it.</exception>
    public async Task<Observations> Run(Domain domain, TimeSpan patience, CancellationToken ct)
    {
        using var deadline = new CancellationTokenSource(patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        var issued = DomainRecords.For(domain with { Observed = null }, options);
        // What was remembered of these names, their absence above all, would let a diagnosis contradict this check for as long as it is kept.
        foreach (var record in issued) dns.Forget(record.Name);
        var walk = InTime(organization.Of(domain.Name, both.Token), ct);
        var chain = InTime(dnssec.Validate(domain.Name, both.Token), ct);
        var costs = Task.WhenAll(new[] { DomainRecords.ReturnPathHost(domain.Name), domain.Name }.Select(name => InTime(spf.CountLookups(name, both.Token), ct)));
        var records = await Task.WhenAll(issued.Select(record => Look(domain, record, walk, both.Token, ct)));

        var (tree, verdict, before) = (await walk, await chain, domain.Observed);
        return new Observations
        {
            Records = records,
            Dnssec = verdict is null ? before?.Dnssec : new DnssecObservation(verdict.State.ToText(), verdict.Reason),
            Spf = [.. (await costs).OfType<SpfLookups>().Select(cost => new SpfObservation(cost.Domain, cost.Count, cost.Problems))],
            Dmarc = tree is null ? before?.Dmarc : Applies(domain.Name, tree),
            OrganizationalDomain = tree is { FailedAt: null } ? tree.OrganizationalDomain : before?.OrganizationalDomain,
        };
    }

    /// <summary>Null where it took too long.</summary>
    private static async Task<T?> InTime<T>(Task<T> look, CancellationToken ct) where T : class
    {
        try
        {
            return await look;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task<Observation> Look(Domain domain, DomainRecord record, Task<TreeWalk?> walk, CancellationToken either, CancellationToken ct)
    {
        var finding = await InTime(Find(domain, record, walk, either), ct) ?? new Finding.Unknown("no answer in time");
        if (finding is not Finding.Unknown unknown) return ((Finding.Known)finding).Value;
        var before = domain.Observed?.Of(record);
        return new Observation
        {
            Type = record.Type,
            Name = record.Name,
            State = before?.State ?? RecordState.Unchecked,
            Observed = before?.Observed,
            Proposed = before?.Proposed,
            Note = $"It cannot be looked up now: {unknown.Reason}. The state is that of the last look-up.",
            IsUncertain = true,
        };
    }

    private async Task<Finding> Find(Domain domain, DomainRecord record, Task<TreeWalk?> walk, CancellationToken ct) =>
        record switch
        {
            { Purpose: RecordPurpose.Ownership } => await Ownership(record, ct),
            { Type: "MX" } => Judge(await zone.Mx(record.Name, ct), record, RecordRules.Mx),
            { Type: "CNAME" } => Judge(await zone.Cname(record.Name, ct), record, RecordRules.Alias),
            { Purpose: RecordPurpose.ReturnPath or RecordPurpose.Spf } => Judge(await zone.Txt(record.Name, ct), record,
                (found, wanted) => RecordRules.Spf(found, wanted, options.SpfIncludeOrDefault)),
            { Purpose: RecordPurpose.Dkim } => Judge(await zone.Txt(record.Name, ct), record, RecordRules.Dkim),
            { Purpose: RecordPurpose.Dmarc } => await Dmarc(domain, record, walk, ct),
            { Purpose: RecordPurpose.TlsRpt } => Judge(await zone.Txt(record.Name, ct), record, (found, wanted) => RecordRules.TlsRpt(found, wanted, options.Reports.Tls(domain.Id, domain.Name))),
            _ => Judge(await zone.Txt(record.Name, ct), record, RecordRules.Text),
        };

    /// <summary>The token stands in the domain's own zone: behind an alias, a wildcard one above all, it proves somebody else's zone.</summary>
    private async Task<Finding> Ownership(DomainRecord record, CancellationToken ct) => (await zone.Cname(record.Name, ct)).Answer switch
    {
        DnsAnswer<string>.Found alias => new Finding.Known(RecordRules.OwnershipElsewhere(record, alias.Values[0])),
        DnsAnswer<string>.Failed failed => new Finding.Unknown(failed.Reason),
        _ => Judge(await zone.Txt(record.Name, ct), record, RecordRules.Text),
    };

    private async Task<Finding> Dmarc(Domain domain, DomainRecord record, Task<TreeWalk?> walk, CancellationToken ct)
    {
        var own = Judge(await zone.Txt(record.Name, ct), record, (found, wanted) => RecordRules.Dmarc(found, wanted, options.Reports.DmarcMailbox(domain.Name)));
        if (own is not Finding.Known { Value.State: RecordState.Missing } known) return own;
        var tree = await walk;
        if (tree is null || (tree.FailedAt is not null && tree.Policy is null)) return new Finding.Unknown($"_dmarc.{tree?.FailedAt ?? domain.Name} did not answer");
        return tree.Policy is { } policy && policy.Domain != domain.Name ? new Finding.Known(RecordRules.DmarcAbove(record, policy, options.Reports.DmarcMailbox(domain.Name))) : known;
    }

    private static DmarcObservation? Applies(string domain, TreeWalk tree) =>
        tree.Policy is { } policy && policy.Record.For(isSubdomain: policy.Domain != domain, exists: true) is { } asked
            ? new DmarcObservation(policy.Domain, asked.ToText(), policy.Record.Text)
            : null;

    private static Finding Judge<T>(ZoneAnswer<T> answer, DomainRecord record, Func<IReadOnlyList<T>, DomainRecord, Observation> rule) => answer.Answer switch
    {
        DnsAnswer<T>.Found found => new Finding.Known(rule(found.Values, record)),
        DnsAnswer<T>.Failed failed => new Finding.Unknown(failed.Reason),
        _ => new Finding.Known(rule([], record)),
    };

    private abstract record Finding
    {
        public sealed record Known(Observation Value) : Finding;

        public sealed record Unknown(string Reason) : Finding;
    }
}
