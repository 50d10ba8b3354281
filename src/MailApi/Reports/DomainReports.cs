using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Reports;

namespace MailApi.Reports;

/// <summary>What receivers reported about a domain: who sends as it, what passes, what fails, and why.</summary>
internal sealed record DomainReports
{
    public required DomainId Id { get; init; }
    public required string Domain { get; init; }

    /// <summary>The first day, UTC.</summary>
    public required DateOnly From { get; init; }

    /// <summary>The last day, UTC.</summary>
    public required DateOnly To { get; init; }

    /// <summary>What it comes to, and what to do next.</summary>
    public required string Explanation { get; init; }
    public required ReportsReceived ReportsReceived { get; init; }
    public required ReportTotals Totals { get; init; }

    /// <summary>Addresses that mail as this domain came from, those with most mail first.</summary>
    public required IReadOnlyList<ReportSource> Sources { get; init; }

    /// <summary>Addresses that are not shown.</summary>
    public required long FurtherSources { get; init; }

    /// <summary>Who reports, the most diligent first. Nobody proves who they are: a report is a stranger's word.</summary>
    public required IReadOnlyList<Reporter> Reporters { get; init; }

    /// <summary>How TLS came out for those who sent mail to the domain and its return path.</summary>
    public required ReportedTls Tls { get; init; }
}

/// <summary>Reports that are counted here.</summary>
internal sealed record ReportsReceived
{
    public required long Dmarc { get; init; }
    public required long Tls { get; init; }

    /// <summary>When the newest came.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required DateTimeOffset? LastAt { get; init; }
}

/// <summary>Messages as this domain that reporters saw.</summary>
internal sealed record ReportTotals
{
    public required long Messages { get; init; }
    public required long DmarcPass { get; init; }
    public required long DmarcFail { get; init; }

    /// <summary>SPF passed for an aligned domain.</summary>
    public required long SpfAligned { get; init; }

    /// <summary>A signature of an aligned domain was good.</summary>
    public required long DkimAligned { get; init; }
    public required ReportDispositions Dispositions { get; init; }
    public required long Sources { get; init; }
}

/// <summary>What receivers did with messages for the sake of DMARC.</summary>
internal sealed record ReportDispositions
{
    public required long None { get; init; }
    public required long Quarantine { get; init; }
    public required long Reject { get; init; }
}

/// <summary>One address that sends as the domain.</summary>
internal sealed record ReportSource
{
    /// <summary>Absent for what reports told beyond the addresses that are kept.</summary>
    public required string? Ip { get; init; }

    /// <summary>This service sends the domain's mail from it; absent where it does not know its own addresses.</summary>
    public required bool? Ours { get; init; }
    public required long Messages { get; init; }
    public required long DmarcPass { get; init; }
    public required ReportedSpfCounts Spf { get; init; }
    public required ReportedDkimCounts Dkim { get; init; }
    public required ReportDispositions Dispositions { get; init; }

    /// <summary>Why receivers did not do what the policy asks for: <c>forwarded, mailing_list, trusted_forwarder, local_policy, sampled_out, policy_test_mode, other</c>, with messages.</summary>
    public required IReadOnlyDictionary<string, long> Overrides { get; init; }

    /// <summary>Domains in From.</summary>
    public required IReadOnlyList<string> HeaderFrom { get; init; }
    public required IReadOnlyList<string> Reporters { get; init; }
    public required DateOnly FirstSeen { get; init; }
    public required DateOnly LastSeen { get; init; }

    /// <summary>What it means, and the cure.</summary>
    public required string Explanation { get; init; }
}

/// <summary>SPF, of the envelope sender.</summary>
internal sealed record ReportedSpfCounts
{
    public required long Pass { get; init; }
    public required long Fail { get; init; }

    /// <summary>Passed for a domain that is aligned with From: the only ones that count for DMARC.</summary>
    public required long Aligned { get; init; }

    /// <summary>Domains that SPF was checked for.</summary>
    public required IReadOnlyList<string> Domains { get; init; }
}

/// <summary>DKIM, of the best signature.</summary>
internal sealed record ReportedDkimCounts
{
    /// <summary>With a good signature of anyone's.</summary>
    public required long Pass { get; init; }

    /// <summary>With none that is good.</summary>
    public required long Fail { get; init; }

    /// <summary>With a good one of a domain that is aligned with From: the only ones that count for DMARC.</summary>
    public required long Aligned { get; init; }
    public required IReadOnlyList<string> Selectors { get; init; }
    public required IReadOnlyList<string> Domains { get; init; }
}

/// <summary>Who sends reports.</summary>
internal sealed record Reporter
{
    public required string Organization { get; init; }
    public required ReportKind Kind { get; init; }
    public required long Reports { get; init; }
    public required DateOnly FirstSeen { get; init; }
    public required DateOnly LastSeen { get; init; }
}

/// <summary>How TLS came out (RFC 8460).</summary>
internal sealed record ReportedTls
{
    /// <summary>Sessions.</summary>
    public required long Successes { get; init; }

    /// <summary>Sessions.</summary>
    public required long Failures { get; init; }

    /// <summary>Failures by result, the most frequent first.</summary>
    public required IReadOnlyList<ReportedTlsFailure> Results { get; init; }
}

/// <summary>Sessions that failed alike.</summary>
internal sealed record ReportedTlsFailure
{
    /// <summary>In the words of RFC 8460 §4.3, or <c>unspecified</c> where reporters only count.</summary>
    public required string ResultType { get; init; }
    public required long Sessions { get; init; }

    /// <summary>Mail hosts that were come to.</summary>
    public required IReadOnlyList<string> ReceivingMx { get; init; }

    /// <summary><c>sts, tlsa, no-policy-found</c>.</summary>
    public required IReadOnlyList<string> PolicyTypes { get; init; }

    /// <summary>Domains that the mail was for.</summary>
    public required IReadOnlyList<string> PolicyDomains { get; init; }

    /// <summary>What reporters add in their own words.</summary>
    public required IReadOnlyList<string> Reasons { get; init; }
    public required DateOnly FirstSeen { get; init; }
    public required DateOnly LastSeen { get; init; }

    /// <summary>What it means, and the cure.</summary>
    public required string Explanation { get; init; }
}

/// <summary>A report that was handed in.</summary>
internal sealed record TakenReport
{
    public required ReportKind Kind { get; init; }

    /// <summary>Who reports.</summary>
    public required string Organization { get; init; }

    /// <summary>The reporter's.</summary>
    public required string ReportId { get; init; }
}

/// <summary>Mail of one source that was alike in what it proved.</summary>
internal sealed record SourceDetail
{
    public required string Source { get; init; }
    public required string HeaderFrom { get; init; }
    public required bool Passes { get; init; }
    public required bool DkimAligned { get; init; }
    public required bool SpfAligned { get; init; }
    public required string SpfDomain { get; init; }
    public required ReportedResult SpfResult { get; init; }
    public required IReadOnlyList<ReportedDkim> Dkim { get; init; }
    public required IReadOnlyList<string> Overrides { get; init; }
    public required string Reporter { get; init; }
    public required long Messages { get; init; }
}
