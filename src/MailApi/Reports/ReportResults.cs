using MailApi.Api;
using MailApi.Mail.Reports;
using MailApi.Mail.Tls;
using MailApi.Storage;

namespace MailApi.Reports;

/// <summary>A report as it is stored: who reports what for when, and the rows, those that count most first.</summary>
internal sealed record ReportResults
{
    /// <summary>How sessions came out that a report counts among the failures and says no more of.</summary>
    public const string Unspecified = "unspecified";

    private const int ResultsMax = 5;
    private const int NameCharactersMax = 255;

    public required ReportKind Kind { get; init; }
    public required string Organization { get; init; }
    public required string ReportId { get; init; }

    /// <summary>As published, or the first of the policies'.</summary>
    public required string PolicyDomain { get; init; }
    public required DateTimeOffset Begin { get; init; }
    public required DateTimeOffset End { get; init; }
    public IReadOnlyList<DmarcRow> Dmarc { get; init; } = [];
    public IReadOnlyList<TlsRow> Tls { get; init; } = [];

    /// <summary>
    /// Of the UTC day that the middle lies in: reporters in other zones have days of their own.
    /// </summary>
    public long Day => (Begin + (End - Begin) / 2).ToUnixTimeMilliseconds() / (long)TimeSpan.FromDays(1).TotalMilliseconds;

    public static ReportResults Of(DmarcReport report) => new()
    {
        Kind = ReportKind.Dmarc,
        Organization = Cut(report.Organization),
        ReportId = Cut(report.ReportId),
        PolicyDomain = Cut(report.Published.Domain),
        Begin = report.Begin,
        End = report.End,
        Dmarc = [.. report.Records.GroupBy(Row).Select(alike => alike.Key with { Messages = alike.Sum(record => record.Count) }).OrderByDescending(row => row.Messages)],
    };

    /// <param name="report">The report.</param>
    /// <param name="policies">Those of its policies that are about the domain.</param>
    public static ReportResults Of(TlsReport report, IReadOnlyList<TlsReportPolicy> policies) => new()
    {
        Kind = ReportKind.Tls,
        Organization = Cut(report.Organization),
        ReportId = Cut(report.ReportId),
        PolicyDomain = Cut(policies[0].Domain),
        Begin = report.Begin,
        End = report.End,
        Tls = [.. policies.SelectMany(Rows).GroupBy(row => row with { Sessions = 0 }).Select(alike => alike.Key with { Sessions = alike.Sum(row => row.Sessions) }).OrderByDescending(row => row.Sessions)],
    };

    /// <summary>With at most so many rows and a few: what is beyond is summed up by how it came out, so that no message is lost.</summary>
    public ReportResults WithRows(int max) => this with
    {
        Dmarc = [.. Dmarc.Take(max), .. Dmarc.Skip(max).GroupBy(row => (row.Disposition, row.DkimAligned, row.SpfAligned)).Select(rest => new DmarcRow
        {
            Source = "", HeaderFrom = "", Disposition = rest.Key.Disposition, DkimAligned = rest.Key.DkimAligned, SpfAligned = rest.Key.SpfAligned,
            SpfDomain = "", SpfResult = ReportedResult.Unknown, Dkim = "[]", Overrides = "[]", Messages = rest.Sum(row => row.Messages),
        })],
        Tls = [.. Tls.Take(max), .. Tls.Skip(max).GroupBy(row => (row.PolicyType, row.ResultType)).Select(rest => new TlsRow
        {
            PolicyDomain = "", PolicyType = rest.Key.PolicyType, ResultType = rest.Key.ResultType, ReceivingMx = "", Reason = "", Sessions = rest.Sum(row => row.Sessions),
        })],
    };

    private static DmarcRow Row(DmarcReportRecord record)
    {
        // Of several results of SPF, receivers use that of the envelope sender; the greeting's counts for bounces alone.
        var spf = record.Spf.FirstOrDefault(result => result.Scope != "helo") ?? (record.Spf.Count > 0 ? record.Spf[0] : null);
        return new DmarcRow
        {
            Source = record.Source.ToString(),
            HeaderFrom = Cut(record.HeaderFrom),
            Disposition = record.Disposition,
            DkimAligned = record.DkimAligned,
            SpfAligned = record.SpfAligned,
            SpfDomain = Cut(spf?.Domain ?? ""),
            SpfResult = spf?.Result ?? ReportedResult.None,
            Dkim = JsonText.From([.. record.Dkim.Take(ResultsMax).SelectMany(result => new[] { Cut(result.Domain), Cut(result.Selector), result.Result.ToText() })]),
            Overrides = JsonText.From([.. record.Overrides.Select(why => Cut(why.Type)).Distinct().Order(StringComparer.Ordinal).Take(ResultsMax)]),
            Messages = 0,
        };
    }

    private static IEnumerable<TlsRow> Rows(TlsReportPolicy policy)
    {
        var row = new TlsRow { PolicyDomain = Cut(policy.Domain), PolicyType = policy.Type.Word(), ResultType = TlsResult.Success.Word(), ReceivingMx = "", Reason = "", Sessions = policy.Successes };
        if (policy.Successes > 0) yield return row;
        foreach (var failure in policy.Details)
            yield return row with { ResultType = failure.Result.Word(), ReceivingMx = Cut(failure.ReceivingMx ?? ""), Reason = Cut(failure.ReasonCode ?? failure.AdditionalInformation ?? ""), Sessions = failure.Sessions };
        if (policy.Failures - policy.Details.Sum(failure => failure.Sessions) is > 0 and var rest) yield return row with { ResultType = Unspecified, Sessions = rest };
    }

    private static string Cut(string text) => text.Length <= NameCharactersMax ? text : text[..(char.IsHighSurrogate(text[NameCharactersMax - 1]) ? NameCharactersMax - 1 : NameCharactersMax)];
}

/// <summary>A row of <c>dmarc_results</c>.</summary>
internal sealed record DmarcRow
{
    public required string Source { get; init; }
    public required string HeaderFrom { get; init; }
    public required DmarcDisposition Disposition { get; init; }
    public required bool DkimAligned { get; init; }
    public required bool SpfAligned { get; init; }
    public required string SpfDomain { get; init; }
    public required ReportedResult SpfResult { get; init; }

    /// <summary>JSON: domain, selector, result, domain, ….</summary>
    public required string Dkim { get; init; }

    /// <summary>JSON: types.</summary>
    public required string Overrides { get; init; }
    public required long Messages { get; init; }
}

/// <summary>A row of <c>tls_report_results</c>.</summary>
internal sealed record TlsRow
{
    public required string PolicyDomain { get; init; }
    public required string PolicyType { get; init; }
    public required string ResultType { get; init; }
    public required string ReceivingMx { get; init; }
    public required string Reason { get; init; }
    public required long Sessions { get; init; }
}
