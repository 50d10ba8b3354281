using System.Text.Json.Serialization;
using MailApi.Api;

namespace MailApi.Reports;

/// <summary>What a report is about.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<ReportKind>))]
internal enum ReportKind
{
    /// <summary>Who sends as a domain, and how that came out (RFC 9990).</summary>
    Dmarc,

    /// <summary>How TLS with the hosts that take its mail came out (RFC 8460).</summary>
    Tls,
}

/// <summary>What became of something that was received as a report.</summary>
internal abstract record ReportTaking
{
    /// <summary>Its numbers are kept.</summary>
    public sealed record Stored(ReportKind Kind, string Organization, string ReportId) : ReportTaking;

    /// <summary>This reporter's report of this id is there already: by mail and by https, or once more.</summary>
    public sealed record Duplicate(ReportKind Kind, string Organization, string ReportId) : ReportTaking;

    /// <summary>Nothing that can be used. A repetition would fare no better.</summary>
    /// <param name="Reason">Sentences.</param>
    public sealed record NotAReport(string Reason) : ReportTaking;

    /// <summary>The domain has got more today than any gets; a repetition tomorrow may fare better.</summary>
    public sealed record TooMany(string Reason) : ReportTaking;

    /// <summary>It is about another domain than the one that it was sent to, or that one is no longer registered.</summary>
    /// <param name="PolicyDomain">That it is about.</param>
    public sealed record NotForDomain(string PolicyDomain) : ReportTaking;
}
