using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace MailApi.Testing.Reports;

/// <summary>Mail of one source in a report that is made up.</summary>
public sealed record SampleRow(string Ip, int Count)
{
    public string Dkim { get; init; } = "pass";
    public string Spf { get; init; } = "pass";
    public string Disposition { get; init; } = "none";

    /// <summary>In From.</summary>
    public string? HeaderFrom { get; init; }

    /// <summary>Domain, selector and result; null for mail without a signature.</summary>
    public (string Domain, string Selector, string Result)? Signature { get; init; }
    public (string Domain, string Result)? Sender { get; init; }
    public string? Override { get; init; }
}

/// <summary>Reports about a domain, of days that are not long ago.</summary>
public static class ReportSamples
{
    /// <summary>RFC 9990, for the whole UTC day.</summary>
    public static string Dmarc(string domain, DateOnly day, string id, string organization = "receiver.example", params SampleRow[] rows)
    {
        var begin = new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero).ToUnixTimeSeconds();
        var xml = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"""
            <?xml version="1.0" encoding="UTF-8"?>
            <feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0"><version>1.0</version>
            <report_metadata><org_name>{organization}</org_name><email>dmarc@{organization}</email><report_id>{id}</report_id>
            <date_range><begin>{begin}</begin><end>{begin + 86_399}</end></date_range></report_metadata>
            <policy_published><domain>{domain}</domain><p>none</p></policy_published>
            """));
        foreach (var row in rows) xml.Append(Record(row, domain));
        return xml.Append("</feedback>").ToString();
    }

    /// <summary>Sessions under an MTA-STS policy, and failures as word, host and number.</summary>
    public static string Tls(string domain, DateOnly day, string id, int successes, params (string Result, string Mx, int Sessions)[] failures)
    {
        var details = string.Join(',', failures.Select(failure => string.Create(CultureInfo.InvariantCulture,
            $$"""{"result-type":"{{failure.Result}}","receiving-mx-hostname":"{{failure.Mx}}","failed-session-count":{{failure.Sessions}}}""")));
        return string.Create(CultureInfo.InvariantCulture, $$"""
            {"organization-name":"Receiver Inc.","date-range":{"start-datetime":"{{day:yyyy-MM-dd}}T00:00:00Z","end-datetime":"{{day:yyyy-MM-dd}}T23:59:59Z"},"contact-info":"tls@receiver.example",
            "report-id":"{{id}}","policies":[{"policy":{"policy-type":"sts","policy-string":["version: STSv1"],"policy-domain":"{{domain}}"},
            "summary":{"total-successful-session-count":{{successes}},"total-failure-session-count":{{failures.Sum(failure => failure.Sessions)}}},"failure-details":[{{details}}]}]}
            """);
    }

    public static byte[] Gzip(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true)) gzip.Write(Encoding.UTF8.GetBytes(text));
        return packed.ToArray();
    }

    /// <summary>A mail with the file attached.</summary>
    public static byte[] Mail(string to, string contentType, byte[] file) => Encoding.ASCII.GetBytes($"""
        From: reports@receiver.example
        To: {to}
        Subject: Report
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary="=_b"

        --=_b
        Content-Type: text/plain

        A report is attached.
        --=_b
        Content-Type: {contentType}
        Content-Transfer-Encoding: base64

        {Convert.ToBase64String(file, Base64FormattingOptions.InsertLineBreaks)}
        --=_b--

        """.ReplaceLineEndings("\r\n"));

    private static string Record(SampleRow row, string domain)
    {
        var from = row.HeaderFrom ?? domain;
        var why = row.Override is null ? "" : $"<reason><type>{row.Override}</type></reason>";
        var dkim = row.Signature is { } signature ? $"<dkim><domain>{signature.Domain}</domain><selector>{signature.Selector}</selector><result>{signature.Result}</result></dkim>" : "";
        var spf = row.Sender is { } sender ? $"<spf><domain>{sender.Domain}</domain><scope>mfrom</scope><result>{sender.Result}</result></spf>" : "";
        return string.Create(CultureInfo.InvariantCulture, $"""
            <record><row><source_ip>{row.Ip}</source_ip><count>{row.Count}</count><policy_evaluated><disposition>{row.Disposition}</disposition><dkim>{row.Dkim}</dkim><spf>{row.Spf}</spf>{why}</policy_evaluated></row>
            <identifiers><header_from>{from}</header_from></identifiers><auth_results>{dkim}{spf}</auth_results></record>
            """);
    }
}
