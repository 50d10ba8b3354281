using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Xml;
using MailApi.Mail.Authentication;

namespace MailApi.Mail.Reports;

/// <summary>Goes through the XML of an aggregate report once, from front to back; order and number of elements do not matter.</summary>
internal sealed class DmarcReportReader
{
    private const int ErrorsMax = 10;

    private readonly BoundedXml xml;
    private readonly List<string> errors = [];
    private readonly List<DmarcReportRecord> records = [];
    private string? version;
    private string organization = "";
    private string? email;
    private string? contact;
    private string? generator;
    private string reportId = "";
    private DateTimeOffset? begin;
    private DateTimeOffset? end;
    private DmarcReportPolicy? published;
    private int skipped;

    private DmarcReportReader(BoundedXml xml) => this.xml = xml;

    /// <param name="octets">Unpacked.</param>
    /// <param name="report">The report.</param>
    /// <param name="reason">As the end of "It cannot be read: …".</param>
    public static bool TryRead(Expansion octets, [NotNullWhen(true)] out DmarcReport? report, [NotNullWhen(false)] out string? reason)
    {
        using var xml = new BoundedXml(octets);
        try
        {
            return new DmarcReportReader(xml).TryRead(out report, out reason);
        }
        catch (XmlException e)
        {
            (report, reason) = (null, xml.Reason(e));
            return false;
        }
    }

    private bool TryRead([NotNullWhen(true)] out DmarcReport? report, [NotNullWhen(false)] out string? reason)
    {
        report = null;
        xml.Root();
        var space = xml.Namespace;
        reason = xml.Name == "feedback" ? null : $"its outermost element is {ReportText.Clean(xml.Name)}, and that of a DMARC report is feedback";
        if (reason is not null) return false;

        xml.Children(Feedback);
        reason = published is null or { Domain: "" } ? "it does not say for which domain it is (policy_published)"
            : reportId.Length == 0 ? "it has no report_id"
            : organization.Length == 0 && email is null ? "it does not say who reports (org_name)"
            : (begin ?? end) is null ? "it does not say for which time it is (date_range)"
            : null;
        if (reason is not null) return false;
        var (from, to) = ((begin ?? end)!.Value, (end ?? begin)!.Value);
        report = new DmarcReport
        {
            Namespace = ReportText.Clean(space),
            Version = version,
            Organization = organization.Length > 0 ? organization : email!,
            Email = email,
            ExtraContact = contact,
            Generator = generator,
            ReportId = reportId,
            Begin = from <= to ? from : to,
            End = from <= to ? to : from,
            Errors = errors,
            Published = published!,
            Records = records,
            RecordsSkipped = skipped,
        };
        return true;
    }

    private void Feedback(string name)
    {
        switch (name)
        {
            case "version": version = xml.Text(); break;
            case "report_metadata": xml.Children(Metadata); break;
            case "policy_published": Published(); break;
            case "record":
                if (records.Count + skipped >= ReportLimits.RecordsMax) throw new XmlException($"It has more than {ReportLimits.RecordsMax} records.");
                Record();
                break;
            default: xml.Skip(); break;
        }
    }

    private void Metadata(string name)
    {
        switch (name)
        {
            case "org_name": organization = xml.Text(); break;
            case "email": email = OrNull(xml.Text()); break;
            case "extra_contact_info": contact = OrNull(xml.Text()); break;
            case "generator": generator = OrNull(xml.Text()); break;
            case "report_id": reportId = xml.Text(); break;
            case "date_range": xml.Children(DateRange); break;
            case "error":
                if (OrNull(xml.Text()) is { } error && errors.Count < ErrorsMax) errors.Add(error);
                break;
            default: xml.Skip(); break;
        }
    }

    private void DateRange(string name)
    {
        switch (name)
        {
            case "begin": begin = ReportText.Instant(xml.Text()); break;
            case "end": end = ReportText.Instant(xml.Text()); break;
            default: xml.Skip(); break;
        }
    }

    private void Published()
    {
        var policy = new DmarcReportPolicy { Domain = "" };
        xml.Children(name =>
        {
            switch (name)
            {
                case "domain": policy = policy with { Domain = ReportText.Domain(xml.Text()) }; break;
                case "p": policy = policy with { Policy = Policy(xml.Text()) }; break;
                case "sp": policy = policy with { SubdomainPolicy = Policy(xml.Text()) }; break;
                case "np": policy = policy with { NonexistentPolicy = Policy(xml.Text()) }; break;
                case "adkim": policy = policy with { StrictDkim = Is(xml.Text(), "s") }; break;
                case "aspf": policy = policy with { StrictSpf = Is(xml.Text(), "s") }; break;
                case "pct": policy = policy with { Percent = int.TryParse(xml.Text(), NumberStyles.None, CultureInfo.InvariantCulture, out var percent) && percent <= 100 ? percent : null }; break;
                case "testing": policy = policy with { IsTesting = Is(xml.Text(), "y") }; break;
                case "discovery_method": policy = policy with { DiscoveryMethod = OrNull(xml.Text().ToLowerInvariant()) }; break;
                case "fo": policy = policy with { FailureOptions = OrNull(xml.Text()) }; break;
                default: xml.Skip(); break;
            }
        });
        // Some repeat the element for the policy of a subdomain; the first says which domain was asked.
        published ??= policy;
    }

    private void Record()
    {
        var record = new RecordReader(xml).Read(published?.Domain ?? "");
        if (record is null) skipped++;
        else records.Add(record);
    }

    private static DmarcPolicy? Policy(string text) => text.ToLowerInvariant() switch
    {
        "none" => DmarcPolicy.None,
        "quarantine" => DmarcPolicy.Quarantine,
        "reject" => DmarcPolicy.Reject,
        _ => null,
    };

    private static bool Is(string text, string value) => text.Equals(value, StringComparison.OrdinalIgnoreCase);

    private static string? OrNull(string text) => text.Length == 0 ? null : text;
}
