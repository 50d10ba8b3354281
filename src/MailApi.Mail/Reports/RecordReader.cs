using System.Net;
using System.Net.Sockets;

namespace MailApi.Mail.Reports;

/// <summary>One <c>record</c> of an aggregate report.</summary>
internal sealed class RecordReader(BoundedXml xml)
{
    private readonly List<DmarcOverride> overrides = [];
    private readonly List<ReportedDkim> dkim = [];
    private readonly List<ReportedSpf> spf = [];
    private IPAddress? source;
    private long? count;
    private bool hasCount;
    private DmarcDisposition disposition;
    private bool? dkimAligned;
    private bool? spfAligned;
    private string headerFrom = "";
    private string? envelopeFrom;
    private string? envelopeTo;

    /// <summary>Null for a record that names no address or counts nothing. Reads to the end of the element in either case.</summary>
    /// <param name="domain">That the report is for: for records that do not say whom the mail was from.</param>
    public DmarcReportRecord? Read(string domain)
    {
        xml.Children(name =>
        {
            switch (name)
            {
                case "row": xml.Children(Row); break;
                // "identities" is the draft's word, which lives on.
                case "identifiers" or "identities": xml.Children(Identifiers); break;
                case "auth_results": xml.Children(Results); break;
                default: xml.Skip(); break;
            }
        });
        // A row without a number stands for a message at least.
        if (!hasCount) count = 1;
        if (source is null || count is null) return null;
        if (headerFrom.Length == 0) headerFrom = domain;
        return new DmarcReportRecord
        {
            Source = source,
            Count = count.Value,
            Disposition = disposition,
            DkimAligned = dkimAligned ?? dkim.Exists(result => result.Result == ReportedResult.Pass && AreRelated(result.Domain, headerFrom)),
            SpfAligned = spfAligned ?? spf.Exists(result => result.Result == ReportedResult.Pass && AreRelated(result.Domain, headerFrom)),
            Overrides = overrides,
            HeaderFrom = headerFrom,
            EnvelopeFrom = envelopeFrom,
            EnvelopeTo = envelopeTo,
            Dkim = dkim,
            Spf = spf,
        };
    }

    private void Row(string name)
    {
        switch (name)
        {
            case "source_ip": source = Address(xml.Text()); break;
            case "count":
                if (xml.Text() is { Length: > 0 } text) (hasCount, count) = (true, ReportText.Count(text));
                break;
            case "policy_evaluated": xml.Children(Evaluated); break;
            default: xml.Skip(); break;
        }
    }

    private void Evaluated(string name)
    {
        switch (name)
        {
            case "disposition": disposition = Disposition(xml.Text()); break;
            case "dkim": dkimAligned = Passed(xml.Text()) ?? dkimAligned; break;
            case "spf": spfAligned = Passed(xml.Text()) ?? spfAligned; break;
            case "reason": Override(); break;
            default: xml.Skip(); break;
        }
    }

    private void Override()
    {
        var (type, comment) = ("", "");
        xml.Children(name =>
        {
            if (name == "type") type = xml.Text().ToLowerInvariant();
            else if (name == "comment") comment = xml.Text();
            else xml.Skip();
        });
        if (type.Length + comment.Length > 0 && overrides.Count < ReportLimits.ResultsMax) overrides.Add(new DmarcOverride(type.Length > 0 ? type : "other", comment));
    }

    private void Identifiers(string name)
    {
        switch (name)
        {
            case "header_from": headerFrom = ReportText.Domain(xml.Text()); break;
            case "envelope_from": envelopeFrom = ReportText.Domain(xml.Text()) is { Length: > 0 } from ? from : null; break;
            case "envelope_to": envelopeTo = ReportText.Domain(xml.Text()) is { Length: > 0 } to ? to : null; break;
            default: xml.Skip(); break;
        }
    }

    private void Results(string name)
    {
        if (name is not ("dkim" or "spf"))
        {
            xml.Skip();
            return;
        }
        var (domain, detail, result) = ("", "", ReportedResult.Unknown);
        xml.Children(member =>
        {
            switch (member)
            {
                case "domain": domain = ReportText.Domain(xml.Text()); break;
                case "selector" or "scope": detail = xml.Text(); break;
                case "result": result = Result(xml.Text()); break;
                default: xml.Skip(); break;
            }
        });
        // An empty element says that there was none.
        if (domain.Length == 0 && result is ReportedResult.Unknown or ReportedResult.None) return;
        if (name == "dkim" && dkim.Count < ReportLimits.ResultsMax) dkim.Add(new ReportedDkim(domain, detail, result));
        if (name == "spf" && spf.Count < ReportLimits.ResultsMax) spf.Add(new ReportedSpf(domain, detail.ToLowerInvariant(), result));
    }

    /// <summary>An IPv4 address within IPv6 is that address; a name, and what the platform takes for an address and people do not (<c>1.2</c>), is none.</summary>
    private static IPAddress? Address(string text)
    {
        text = text.TrimStart('[').TrimEnd(']');
        if (!IPAddress.TryParse(text, out var address) || text.Contains('%', StringComparison.Ordinal)) return null;
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == text ? address : null;
    }

    private static DmarcDisposition Disposition(string text) => text.ToLowerInvariant() switch
    {
        "quarantine" => DmarcDisposition.Quarantine,
        "reject" => DmarcDisposition.Reject,
        "pass" => DmarcDisposition.Pass,
        _ => DmarcDisposition.None,
    };

    private static bool? Passed(string text) => text.Length == 0 ? null : text.Equals("pass", StringComparison.OrdinalIgnoreCase);

    private static ReportedResult Result(string text) => text.ToLowerInvariant() switch
    {
        "none" => ReportedResult.None,
        "pass" => ReportedResult.Pass,
        // "hardfail" is what RFC 4408 and old reporters call it.
        "fail" or "hardfail" => ReportedResult.Fail,
        "softfail" => ReportedResult.SoftFail,
        "neutral" => ReportedResult.Neutral,
        "policy" => ReportedResult.Policy,
        "temperror" or "error" => ReportedResult.TempError,
        "permerror" => ReportedResult.PermError,
        _ => ReportedResult.Unknown,
    };

    /// <summary>Relaxed alignment without the DNS: one name is the other, or stands above it.</summary>
    private static bool AreRelated(string one, string other) =>
        one == other || one.EndsWith("." + other, StringComparison.Ordinal) || other.EndsWith("." + one, StringComparison.Ordinal) && one.Contains('.', StringComparison.Ordinal);
}
