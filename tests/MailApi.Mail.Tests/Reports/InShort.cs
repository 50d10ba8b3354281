using MailApi.Mail.Reports;

namespace MailApi.Mail.Tests.Reports;

/// <summary>Reports as lines of <c>testdata/reports/expected.tsv</c>.</summary>
internal static class InShort
{
    public static string Of(ReportFinding finding) => finding switch
    {
        ReportFinding.Dmarc { Report: var report } => $"dmarc {report.Organization} | {report.ReportId} | {Policy(report.Published)} | {Range(report.Begin, report.End)} | {Records(report)}",
        ReportFinding.Tls { Report: var report } => $"tls {report.Organization} | {report.ReportId} | {Range(report.Begin, report.End)} | {string.Join(" | ", report.Policies.Select(Policy))}",
        ReportFinding.None none => "none " + none.Reason,
        _ => "",
    };

    private static string Policy(DmarcReportPolicy policy) => string.Join(' ', new[]
    {
        policy.Domain, Tag("p", policy.Policy), Tag("sp", policy.SubdomainPolicy), Tag("np", policy.NonexistentPolicy), policy.StrictDkim ? "adkim=s" : null, policy.StrictSpf ? "aspf=s" : null,
        Tag("pct", policy.Percent), Tag("fo", policy.FailureOptions), policy.IsTesting ? "testing" : null, policy.DiscoveryMethod,
    }.OfType<string>());

    private static string Records(DmarcReport report)
    {
        long Sum(Func<DmarcReportRecord, bool> which) => report.Records.Where(which).Sum(record => record.Count);
        string? Part(string name, long count) => count == 0 ? null : $"{name} {count}";
        var overrides = report.Records.SelectMany(record => record.Overrides).Select(why => why.Comment.Length > 0 ? $"{why.Type}:{why.Comment}" : why.Type).ToList();
        return string.Join(' ', new[]
        {
            $"records {report.Records.Count} messages {Sum(_ => true)} pass {Sum(record => record.Passes)}",
            Part("quarantine", Sum(record => record.Disposition == DmarcDisposition.Quarantine)), Part("reject", Sum(record => record.Disposition == DmarcDisposition.Reject)),
            Part("skipped", report.RecordsSkipped), overrides.Count > 0 ? "overrides " + string.Join(',', overrides) : null, report.Errors.Count > 0 ? "errors " + string.Join(',', report.Errors) : null,
        }.OfType<string>());
    }

    private static string Policy(TlsReportPolicy policy) =>
        $"{policy.Type} {policy.Domain} ok {policy.Successes} failed {policy.Failures} {string.Join(", ", policy.Details.Select(detail => $"{detail.Result} {detail.Sessions}"))}".TrimEnd();

    private static string Range(DateTimeOffset begin, DateTimeOffset end) => FormattableString.Invariant($"{begin.UtcDateTime:yyyy-MM-dd}..{end.UtcDateTime:yyyy-MM-dd}");

    private static string? Tag(string name, object? value) => value is null ? null : $"{name}={value}";
}
