using System.Data.Common;
using MailApi.Api;
using MailApi.Mail.Reports;
using MailApi.Mail.Tls;
using MailApi.Storage;

namespace MailApi.Reports;

/// <summary>A span of UTC days of one domain, whose reports are asked for.</summary>
internal sealed record ReportSpan(TenantId Tenant, DomainId Domain, DateOnly From, DateOnly To)
{
    public (string, object?)[] Args => [("tenant", Tenant.Value), ("domain", Domain.Value), ("from", Days.Number(From)), ("to", Days.Number(To))];
}

/// <summary>UTC days as the tables have them, counted since 1970.</summary>
internal static class Days
{
    private static readonly DateOnly First = DateOnly.FromDateTime(DateTime.UnixEpoch);

    public static long Number(DateOnly day) => day.DayNumber - First.DayNumber;

    public static DateOnly Of(long number) => First.AddDays((int)number);
}

/// <summary>Sums of a source, or of all.</summary>
internal sealed record SourceSums(string Source, ReportTotals Totals, long SpfPass, long SpfFail, DateOnly FirstSeen, DateOnly LastSeen);

/// <summary>Sessions that came out alike.</summary>
internal sealed record TlsSum(string ResultType, string PolicyType, string PolicyDomain, string ReceivingMx, string Reason, long Sessions, DateOnly FirstSeen, DateOnly LastSeen);

/// <summary>Sums up what reports brought. Every answer has a bound, and sums are of everything all the same.</summary>
internal sealed class ReportQueries(Db db)
{
    /// <summary>Combinations of what mail of the sources shown proved; those of least mail fall out.</summary>
    private const int DetailsMax = 5_000;

    private const int ReportersMax = 100;
    private const int TlsSumsMax = 500;

    private const string Where = "tenant_id = @tenant and domain_id = @domain and day between @from and @to";

    private const string Sums = """
        cast(coalesce(sum(messages), 0) as bigint), cast(coalesce(sum(case when dkim_aligned or spf_aligned then messages else 0 end), 0) as bigint),
        cast(coalesce(sum(case when spf_aligned then messages else 0 end), 0) as bigint), cast(coalesce(sum(case when dkim_aligned then messages else 0 end), 0) as bigint),
        cast(coalesce(sum(case when disposition = 'quarantine' then messages else 0 end), 0) as bigint), cast(coalesce(sum(case when disposition = 'reject' then messages else 0 end), 0) as bigint),
        count(distinct source), cast(coalesce(sum(case when spf_result = 'pass' then messages else 0 end), 0) as bigint),
        cast(coalesce(sum(case when spf_result in ('fail', 'softFail', 'permError', 'tempError') then messages else 0 end), 0) as bigint), coalesce(min(day), 0), coalesce(max(day), 0)
        """;

    /// <summary>The first and the last day that reports about a domain are kept of; null where there are none.</summary>
    public async Task<(DateOnly First, DateOnly Last)?> Kept(TenantId tenant, DomainId domain, CancellationToken ct) => (await db.QueryAs(tenant,
        "select min(day), max(day) from reports where tenant_id = @tenant and domain_id = @domain", row => row.IsDBNull(0) ? ((DateOnly, DateOnly)?)null : (Days.Of(row.GetInt64(0)), Days.Of(row.GetInt64(1))), ct,
        ("tenant", tenant.Value), ("domain", domain.Value)))[0];

    public async Task<ReportTotals> Totals(ReportSpan span, CancellationToken ct) =>
        (await db.QueryAs(span.Tenant, $"select '', {Sums} from dmarc_results where {Where}", ReadSums, ct, span.Args))[0].Totals;

    public Task<List<SourceSums>> Sources(ReportSpan span, int limit, CancellationToken ct) => db.QueryAs(span.Tenant,
        $"select source, {Sums} from dmarc_results where {Where} group by source order by sum(messages) desc, source limit @limit", ReadSums, ct, [.. span.Args, ("limit", limit)]);

    /// <summary>What mail of those sources proved, the most frequent first.</summary>
    public Task<List<SourceDetail>> Details(ReportSpan span, int limit, CancellationToken ct) => db.QueryAs(span.Tenant, $"""
        select r.source, r.header_from, r.dkim_aligned, r.spf_aligned, r.spf_domain, r.spf_result, r.dkim, r.overrides, p.organization, cast(sum(r.messages) as bigint)
        from dmarc_results r join reports p on p.id = r.report_id
        where r.tenant_id = @tenant and r.domain_id = @domain and r.day between @from and @to
          and r.source in (select source from dmarc_results where {Where} group by source order by sum(messages) desc, source limit @limit)
        group by r.source, r.header_from, r.dkim_aligned, r.spf_aligned, r.spf_domain, r.spf_result, r.dkim, r.overrides, p.organization
        order by sum(r.messages) desc, r.source
        limit @details
        """, ReadDetail, ct, [.. span.Args, ("limit", limit), ("details", DetailsMax)]);

    public async Task<ReportsReceived> Received(ReportSpan span, CancellationToken ct)
    {
        var kinds = await db.QueryAs(span.Tenant, $"select kind, count(*), max(received_at) from reports where {Where} group by kind",
            row => (Kind: EnumText.Parse<ReportKind>(row.GetString(0)), Count: row.GetInt64(1), LastAt: row.Instant(2)), ct, span.Args);
        return new ReportsReceived
        {
            Dmarc = kinds.Where(kind => kind.Kind == ReportKind.Dmarc).Sum(kind => kind.Count),
            Tls = kinds.Where(kind => kind.Kind == ReportKind.Tls).Sum(kind => kind.Count),
            LastAt = kinds.Count == 0 ? null : kinds.Max(kind => kind.LastAt),
        };
    }

    public Task<List<Reporter>> Reporters(ReportSpan span, CancellationToken ct) => db.QueryAs(span.Tenant,
        $"select organization, kind, count(*), min(day), max(day) from reports where {Where} group by organization, kind order by count(*) desc, organization, kind limit @limit",
        row => new Reporter
        {
            Organization = row.GetString(0),
            Kind = EnumText.Parse<ReportKind>(row.GetString(1)),
            Reports = row.GetInt64(2),
            FirstSeen = Days.Of(row.GetInt64(3)),
            LastSeen = Days.Of(row.GetInt64(4)),
        }, ct, [.. span.Args, ("limit", ReportersMax)]);

    public async Task<(long Successes, long Failures)> TlsTotals(ReportSpan span, CancellationToken ct) => (await db.QueryAs(span.Tenant, $"""
        select cast(coalesce(sum(case when result_type = @success then sessions else 0 end), 0) as bigint), cast(coalesce(sum(case when result_type <> @success then sessions else 0 end), 0) as bigint)
        from tls_report_results where {Where}
        """, row => (row.GetInt64(0), row.GetInt64(1)), ct, [.. span.Args, ("success", TlsResult.Success.Word())]))[0];

    public Task<List<TlsSum>> TlsFailures(ReportSpan span, CancellationToken ct) => db.QueryAs(span.Tenant, $"""
        select result_type, policy_type, policy_domain, receiving_mx, reason, cast(sum(sessions) as bigint), min(day), max(day)
        from tls_report_results
        where {Where} and result_type <> @success
        group by result_type, policy_type, policy_domain, receiving_mx, reason
        order by sum(sessions) desc, result_type
        limit @limit
        """,
        row => new TlsSum(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetInt64(5), Days.Of(row.GetInt64(6)), Days.Of(row.GetInt64(7))),
        ct, [.. span.Args, ("success", TlsResult.Success.Word()), ("limit", TlsSumsMax)]);

    private static SourceSums ReadSums(DbDataReader row)
    {
        var (messages, pass, quarantined, rejected) = (row.GetInt64(1), row.GetInt64(2), row.GetInt64(5), row.GetInt64(6));
        return new SourceSums(row.GetString(0), new ReportTotals
        {
            Messages = messages,
            DmarcPass = pass,
            DmarcFail = messages - pass,
            SpfAligned = row.GetInt64(3),
            DkimAligned = row.GetInt64(4),
            Dispositions = new ReportDispositions { None = messages - quarantined - rejected, Quarantine = quarantined, Reject = rejected },
            Sources = row.GetInt64(7),
        }, row.GetInt64(8), row.GetInt64(9), Days.Of(row.GetInt64(10)), Days.Of(row.GetInt64(11)));
    }

    private static SourceDetail ReadDetail(DbDataReader row) => new()
    {
        Source = row.GetString(0),
        HeaderFrom = row.GetString(1),
        Passes = row.GetBoolean(2) || row.GetBoolean(3),
        DkimAligned = row.GetBoolean(2),
        SpfAligned = row.GetBoolean(3),
        SpfDomain = row.GetString(4),
        SpfResult = EnumText.Parse<ReportedResult>(row.GetString(5)),
        Dkim = [.. row.Texts(6).Chunk(3).Select(result => new ReportedDkim(result[0], result[1], EnumText.Parse<ReportedResult>(result[2])))],
        Overrides = row.Texts(7),
        Reporter = row.GetString(8),
        Messages = row.GetInt64(9),
    };
}
