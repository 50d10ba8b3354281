using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Reports;
using MailApi.Storage;

namespace MailApi.Reports;

/// <summary>
/// Takes reports about sending domains. Anyone can send one, and what it says is a stranger's word: it is shown as such, decides nothing, and how much of it is kept is bounded.
/// </summary>
internal sealed class ReportIntake(Db db, DomainRows domains) : IDisposable
{
    /// <summary>Of one domain within a day. Large senders get about a hundred.</summary>
    public const int ReportsPerDayMax = 500;

    public static readonly string TooMany = $"The domain got {ReportsPerDayMax} reports within a day, more than any has: no further ones are taken now.";

    /// <summary>Of one domain within a day; beyond it, only sums.</summary>
    public const int RowsPerDayMax = 20_000;

    /// <summary>Of one report; beyond it, only sums.</summary>
    public const int RowsPerReportMax = 2_000;

    /// <summary>At once: each may take a processor and a few hundred megabytes while it is read, and mail has to leave meanwhile.</summary>
    private static readonly int ReadersMax = Math.Clamp(Environment.ProcessorCount / 2, 1, 4);

    /// <summary>A receiver's clock may be ahead, and its day longer than ours.</summary>
    private const int DaysAheadMax = 2;

    private readonly SemaphoreSlim readers = new(ReadersMax, ReadersMax);

    /// <summary>A mail that came to a domain's report mailbox, as it was received.</summary>
    public Task<ReportTaking> Take(DomainId domain, ReadOnlyMemory<byte> message, CancellationToken ct) => Take(domain, message, ReportAttachments.InMail, ct);

    /// <summary>A file that was posted: a report, packed or not, or a mail with one.</summary>
    public Task<ReportTaking> TakeFile(DomainId domain, ReadOnlyMemory<byte> octets, CancellationToken ct) => Take(domain, octets, ReportAttachments.InEither, ct);

    public void Dispose() => readers.Dispose();

    private async Task<ReportTaking> Take(DomainId id, ReadOnlyMemory<byte> octets, Func<ReadOnlyMemory<byte>, ReportFinding> read, CancellationToken ct)
    {
        if (await domains.Find(id, tenant: null, ct) is not { } domain) return new ReportTaking.NotForDomain("");
        await readers.WaitAsync(ct);
        try
        {
            return read(octets) switch
            {
                ReportFinding.Dmarc { Report: var report } when IsRelated(report.Published.Domain, domain.Name) => await Store(domain, ReportResults.Of(report), ct),
                ReportFinding.Dmarc { Report: var report } => new ReportTaking.NotForDomain(report.Published.Domain),
                ReportFinding.Tls { Report: var report } => report.Policies.Where(policy => IsRelated(policy.Domain, domain.Name)).ToList() is { Count: > 0 } policies
                    ? await Store(domain, ReportResults.Of(report, policies), ct)
                    : new ReportTaking.NotForDomain(report.Policies[0].Domain),
                ReportFinding.None none => new ReportTaking.NotAReport(none.Reason),
                var other => throw new InvalidOperationException($"{other} is no finding."),
            };
        }
        finally
        {
            readers.Release();
        }
    }

    /// <summary>The domain itself, one above it, whose policy may hold for it, or one below it, as the return path's host is.</summary>
    private static bool IsRelated(string policyDomain, string domain) =>
        policyDomain == domain || policyDomain.EndsWith("." + domain, StringComparison.Ordinal)
        || policyDomain.Contains('.', StringComparison.Ordinal) && domain.EndsWith("." + policyDomain, StringComparison.Ordinal);

    private Task<ReportTaking> Store(Domain domain, ReportResults report, CancellationToken ct) => db.WriteAs(domain.Tenant, async transaction =>
    {
        var (today, reports, rows) = (await transaction.Query("""
            select now_ms() / 86400000, count(*), cast(coalesce(sum(results), 0) as bigint) from reports where domain_id = @domain and received_at > now_ms() - 86400000
            """, row => (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)), ct, ("domain", domain.Id.Value)))[0];
        // Of the past every day will do: what was reported elsewhere before is handed in.
        if (report.Day > today + DaysAheadMax) return new ReportTaking.NotAReport("Its time lies in the future.");

        var kept = report.WithRows((int)Math.Clamp(RowsPerDayMax - rows, 0, RowsPerReportMax));
        var id = Guid.CreateVersion7();
        var inserted = reports >= ReportsPerDayMax ? 0 : await transaction.Execute("""
            insert into reports (id, tenant_id, domain_id, kind, organization, report_id, policy_domain, day, begins_at, ends_at, received_at, results)
            values (@id, @tenant, @domain, @kind, @organization, @report, @policyDomain, @day, @begins, @ends, now_ms(), @results)
            on conflict (domain_id, kind, organization, report_id) do nothing
            """, ct, ("id", id), ("tenant", domain.Tenant.Value), ("domain", domain.Id.Value), ("kind", report.Kind.ToText()), ("organization", report.Organization), ("report", report.ReportId),
            ("policyDomain", report.PolicyDomain), ("day", report.Day), ("begins", report.Begin.ToUnixTimeMilliseconds()), ("ends", report.End.ToUnixTimeMilliseconds()),
            ("results", (long)(kept.Dmarc.Count + kept.Tls.Count)));
        if (inserted == 0) return await IsThere(transaction, domain, report, ct)
            ? new ReportTaking.Duplicate(report.Kind, report.Organization, report.ReportId)
            : new ReportTaking.TooMany(TooMany);
        await transaction.Run([.. kept.Dmarc.Select((row, number) => Insert(id, number, domain, report.Day, row)), .. kept.Tls.Select((row, number) => Insert(id, number, domain, report.Day, row))], onRow: null, ct);
        return (ReportTaking)new ReportTaking.Stored(report.Kind, report.Organization, report.ReportId);
    }, ct);

    private static async Task<bool> IsThere(System.Data.Common.DbTransaction transaction, Domain domain, ReportResults report, CancellationToken ct) => (await transaction.Query(
        "select 1 from reports where domain_id = @domain and kind = @kind and organization = @organization and report_id = @report", _ => true, ct,
        ("domain", domain.Id.Value), ("kind", report.Kind.ToText()), ("organization", report.Organization), ("report", report.ReportId))).Count > 0;

    private static Statement Insert(Guid report, int number, Domain domain, long day, DmarcRow row) => new("""
        insert into dmarc_results (report_id, number, tenant_id, domain_id, day, source, header_from, disposition, dkim_aligned, spf_aligned, spf_domain, spf_result, dkim, overrides, messages)
        values (@report, @number, @tenant, @domain, @day, @source, @headerFrom, @disposition, @dkimAligned, @spfAligned, @spfDomain, @spfResult, @dkim, @overrides, @messages)
        """,
        ("report", report), ("number", (long)number), ("tenant", domain.Tenant.Value), ("domain", domain.Id.Value), ("day", day), ("source", row.Source), ("headerFrom", row.HeaderFrom),
        ("disposition", row.Disposition.ToText()), ("dkimAligned", row.DkimAligned), ("spfAligned", row.SpfAligned), ("spfDomain", row.SpfDomain), ("spfResult", row.SpfResult.ToText()),
        ("dkim", row.Dkim), ("overrides", row.Overrides), ("messages", row.Messages));

    private static Statement Insert(Guid report, int number, Domain domain, long day, TlsRow row) => new("""
        insert into tls_report_results (report_id, number, tenant_id, domain_id, day, policy_domain, policy_type, result_type, receiving_mx, reason, sessions)
        values (@report, @number, @tenant, @domain, @day, @policyDomain, @policyType, @resultType, @mx, @reason, @sessions)
        """,
        ("report", report), ("number", (long)number), ("tenant", domain.Tenant.Value), ("domain", domain.Id.Value), ("day", day), ("policyDomain", row.PolicyDomain), ("policyType", row.PolicyType),
        ("resultType", row.ResultType), ("mx", row.ReceivingMx), ("reason", row.Reason), ("sessions", row.Sessions));
}
