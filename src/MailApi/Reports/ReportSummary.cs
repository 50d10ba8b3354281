using System.Net;
using MailApi.Domains;
using MailApi.Mail.Reports;

namespace MailApi.Reports;

/// <summary>Puts together what receivers reported about a domain.</summary>
internal sealed class ReportSummary(ReportQueries queries, EgressSourceOf egressOf, DomainOptions options)
{
    /// <summary>Names of a kind that are shown for a source or a result.</summary>
    private const int NamesMax = 20;

    /// <param name="domain">Whose.</param>
    /// <param name="from">The first day.</param>
    /// <param name="to">The last day.</param>
    /// <param name="sourcesMax">Sources to show.</param>
    /// <param name="ct">Ends the look-ups.</param>
    public async Task<DomainReports> Of(Domain domain, DateOnly from, DateOnly to, int sourcesMax, CancellationToken ct)
    {
        var span = new ReportSpan(domain.Tenant, domain.Id, from, to);
        var ours = egressOf(domain.Tenant, domain.Name, domain.Categories).Addresses.Select(Text).ToHashSet();
        var totals = await queries.Totals(span, ct);
        var details = (await queries.Details(span, sourcesMax, ct)).ToLookup(detail => detail.Source);
        var sources = (await queries.Sources(span, sourcesMax, ct)).ConvertAll(sums => Source(sums, ours.Count == 0 ? null : ours.Contains(sums.Source), [.. details[sums.Source]]));
        var oursFail = sources.Where(source => source.Ours == true).Sum(source => source.Messages - source.DmarcPass);
        return new DomainReports
        {
            Id = domain.Id,
            Domain = domain.Name,
            From = from,
            To = to,
            Explanation = Explanations.Of(domain.Name, domain.Observed?.Dmarc?.Policy, totals, oursFail, options.Reports.ByMail),
            ReportsReceived = await queries.Received(span, ct),
            Totals = totals,
            Sources = sources,
            FurtherSources = totals.Sources - sources.Count,
            Reporters = await queries.Reporters(span, ct),
            Tls = await Tls(span, ct),
        };
    }

    private static ReportSource Source(SourceSums sums, bool? ours, List<SourceDetail> details)
    {
        var dkimPass = details.Where(detail => detail.Dkim.Any(result => result.Result == ReportedResult.Pass)).Sum(detail => detail.Messages);
        return new ReportSource
        {
            Ip = sums.Source.Length == 0 ? null : sums.Source,
            Ours = sums.Source.Length == 0 ? null : ours,
            Messages = sums.Totals.Messages,
            DmarcPass = sums.Totals.DmarcPass,
            Spf = new ReportedSpfCounts { Pass = sums.SpfPass, Fail = sums.SpfFail, Aligned = sums.Totals.SpfAligned, Domains = Names(details.Select(detail => detail.SpfDomain)) },
            Dkim = new ReportedDkimCounts
            {
                // A reporter may tell that it was aligned and no more.
                Pass = Math.Max(dkimPass, sums.Totals.DkimAligned),
                Fail = sums.Totals.Messages - Math.Max(dkimPass, sums.Totals.DkimAligned),
                Aligned = sums.Totals.DkimAligned,
                Selectors = Names(details.SelectMany(detail => detail.Dkim).Select(result => result.Selector)),
                Domains = Names(details.SelectMany(detail => detail.Dkim).Select(result => result.Domain)),
            },
            Dispositions = sums.Totals.Dispositions,
            Overrides = details.SelectMany(detail => detail.Overrides.Select(type => (Type: type, detail.Messages))).GroupBy(pair => pair.Type).OrderByDescending(type => type.Sum(pair => pair.Messages))
                .Take(NamesMax).ToDictionary(type => type.Key, type => type.Sum(pair => pair.Messages)),
            HeaderFrom = Names(details.Select(detail => detail.HeaderFrom)),
            Reporters = Names(details.Select(detail => detail.Reporter)),
            FirstSeen = sums.FirstSeen,
            LastSeen = sums.LastSeen,
            Explanation = Explanations.Of(ours == true, sums, details),
        };
    }

    private async Task<ReportedTls> Tls(ReportSpan span, CancellationToken ct)
    {
        var (successes, failures) = await queries.TlsTotals(span, ct);
        var sums = failures == 0 ? [] : await queries.TlsFailures(span, ct);
        return new ReportedTls
        {
            Successes = successes,
            Failures = failures,
            Results = [.. sums.GroupBy(sum => sum.ResultType).OrderByDescending(result => result.Sum(sum => sum.Sessions)).Select(result => new ReportedTlsFailure
            {
                ResultType = result.Key,
                Sessions = result.Sum(sum => sum.Sessions),
                ReceivingMx = Names(result.Select(sum => sum.ReceivingMx)),
                PolicyTypes = Names(result.Select(sum => sum.PolicyType)),
                PolicyDomains = Names(result.Select(sum => sum.PolicyDomain)),
                Reasons = Names(result.Select(sum => sum.Reason)),
                FirstSeen = result.Min(sum => sum.FirstSeen),
                LastSeen = result.Max(sum => sum.LastSeen),
                Explanation = TlsExplanations.Of(result.Key),
            })],
        };
    }

    /// <summary>In the order given, the most frequent first.</summary>
    private static IReadOnlyList<string> Names(IEnumerable<string> names) => [.. names.Where(name => name.Length > 0).Distinct().Take(NamesMax)];

    private static string Text(IPAddress address) => (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
}
