using System.Diagnostics.CodeAnalysis;
using MailApi.Mail.Tls;

namespace MailApi.Mail.Reports;

/// <summary>Sessions that failed alike (RFC 8460 §4.4, <c>failure-details</c>).</summary>
public sealed record TlsReportFailure
{
    /// <summary>A word that is not registered is <see cref="TlsResult.ValidationFailure"/>, which stands for all others (§4.3.4).</summary>
    public required TlsResult Result { get; init; }
    public string? SendingIp { get; init; }
    public string? ReceivingMx { get; init; }
    public string? ReceivingIp { get; init; }
    public required long Sessions { get; init; }
    public string? AdditionalInformation { get; init; }
    public string? ReasonCode { get; init; }
}

/// <summary>What became of sessions under one policy.</summary>
public sealed record TlsReportPolicy
{
    public required TlsPolicyType Type { get; init; }

    /// <summary>The policy as it was fetched, line by line.</summary>
    public required IReadOnlyList<string> Text { get; init; }

    /// <summary>Whose mail was to be delivered; in lower case.</summary>
    public required string Domain { get; init; }
    public required IReadOnlyList<string> MxHosts { get; init; }
    public required long Successes { get; init; }

    /// <summary>As summed up by the reporter; where it sums up less than it tells one by one, these.</summary>
    public required long Failures { get; init; }
    public required IReadOnlyList<TlsReportFailure> Details { get; init; }
}

/// <summary>A TLS report (RFC 8460 §4).</summary>
public sealed record TlsReport
{
    public required string Organization { get; init; }
    public string? ContactInfo { get; init; }
    public required string ReportId { get; init; }
    public required DateTimeOffset Begin { get; init; }
    public required DateTimeOffset End { get; init; }
    public required IReadOnlyList<TlsReportPolicy> Policies { get; init; }

    /// <summary>Reads JSON. False, with a reason in words, for anything else; nothing is thrown, whatever the octets are.</summary>
    /// <param name="octets">Unpacked.</param>
    /// <param name="report">The report.</param>
    /// <param name="reason">As the end of "It cannot be read: …".</param>
    public static bool TryRead(ReadOnlyMemory<byte> octets, [NotNullWhen(true)] out TlsReport? report, [NotNullWhen(false)] out string? reason) =>
        TlsReportReader.TryRead(octets, out report, out reason);
}
