using MailApi.Mail.Reports;

namespace MailApi.Bench.Fuzz;

/// <summary>The readers of DMARC and TLS reports: a report whose parts are there, or a reason in words.</summary>
internal static class ReportTarget
{
    public static readonly string[] DmarcWords =
    [
        "<record>", "</record>", "<row>", "<count>", "-1", "99999999999999999999", "<source_ip>", "::1", "<!DOCTYPE a [<!ENTITY b \"c\">]>", "&b;", "<![CDATA[", "]]>", "<?xml version=\"1.1\"?>", "<auth_results>", "<dkim>", "<spf>", "xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\"",
        "<policy_evaluated>", "<reason>", "<begin>", "</feedback>",
    ];

    public static readonly string[] TlsWords =
    [
        "\"policies\"", "\"policy\"", "\"summary\"", "\"failure-details\"", "\"result-type\"", "\"date-range\"", "\"start-datetime\"", "1e400", "-0", "null", "[[[[", "{\"a\":", "\\ud800", "\"total-successful-session-count\"", "\"report-id\"",
    ];

    public static string TryDmarc(byte[] octets)
    {
        if (!DmarcReport.TryRead(octets, out var report, out var reason)) return Told(reason);
        return Held(report.Records.Count <= ReportLimits.RecordsMax && report.Published.Domain.Length > 0, $"read {Math.Min(report.Records.Count, 8)}");
    }

    public static string TryTls(byte[] octets)
    {
        if (!TlsReport.TryRead(octets, out var report, out var reason)) return Told(reason);
        return Held(report.Policies.Count is > 0 and <= ReportLimits.RecordsMax, $"read {Math.Min(report.Policies.Count, 8)}");
    }

    public static string TryFile(byte[] octets)
    {
        _ = ReportAttachments.InMail(octets);
        return ReportAttachments.InOctets(octets) is ReportFinding.None none ? Told(none.Reason) : "found";
    }

    private static string Told(string? reason) => Held(reason is { Length: > 0 and < 1000 }, reason!);

    private static string Held(bool holds, string outcome) => holds ? outcome : throw new InvalidOperationException($"That may not be: {outcome}");
}
