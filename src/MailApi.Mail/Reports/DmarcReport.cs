using System.Diagnostics.CodeAnalysis;
using System.Net;
using MailApi.Mail.Authentication;

namespace MailApi.Mail.Reports;

/// <summary>What became of mail (RFC 9990 §3.1.1.9, <c>disposition</c>).</summary>
public enum DmarcDisposition
{
    /// <summary>Nothing was done for DMARC's sake.</summary>
    None,

    /// <summary>It passed; reporters that follow RFC 7489 say <see cref="None"/> then.</summary>
    Pass,
    Quarantine,
    Reject,
}

/// <summary>How SPF or DKIM came out by itself, before alignment (RFC 8601 §2.7).</summary>
public enum ReportedResult
{
    None,
    Pass,
    Fail,
    SoftFail,
    Neutral,
    Policy,
    TempError,
    PermError,

    /// <summary>The reporter says nothing, or a word that nobody knows.</summary>
    Unknown,
}

/// <summary>A reason why the disposition is not what the policy asks for (<c>type</c>: forwarded, sampled_out, trusted_forwarder, mailing_list, local_policy, policy_test_mode, other).</summary>
public sealed record DmarcOverride(string Type, string Comment);

/// <summary>What one signature came to. The selector is empty where the reporter leaves it out.</summary>
public sealed record ReportedDkim(string Domain, string Selector, ReportedResult Result);

/// <summary>What SPF came to. The scope is <c>mfrom</c>, <c>helo</c> or empty.</summary>
public sealed record ReportedSpf(string Domain, string Scope, ReportedResult Result);

/// <summary>Mail that came from one address and was alike in everything else.</summary>
public sealed record DmarcReportRecord
{
    public required IPAddress Source { get; init; }

    /// <summary>1 to <see cref="ReportLimits.CountMax"/>.</summary>
    public required long Count { get; init; }
    public required DmarcDisposition Disposition { get; init; }

    /// <summary>A signature was good and its domain aligned. Where the reporter does not say, it is concluded from <see cref="Dkim"/>.</summary>
    public required bool DkimAligned { get; init; }

    /// <summary>SPF passed for an aligned domain. Where the reporter does not say, it is concluded from <see cref="Spf"/>.</summary>
    public required bool SpfAligned { get; init; }
    public required IReadOnlyList<DmarcOverride> Overrides { get; init; }

    /// <summary>The domain of From, in lower case.</summary>
    public required string HeaderFrom { get; init; }
    public string? EnvelopeFrom { get; init; }
    public string? EnvelopeTo { get; init; }
    public required IReadOnlyList<ReportedDkim> Dkim { get; init; }
    public required IReadOnlyList<ReportedSpf> Spf { get; init; }

    /// <summary>DMARC passes where one of both does (RFC 9989 §5.3).</summary>
    public bool Passes => DkimAligned || SpfAligned;
}

/// <summary>The policy as the reporter saw it in the DNS.</summary>
public sealed record DmarcReportPolicy
{
    /// <summary>Where the record stands; in lower case.</summary>
    public required string Domain { get; init; }
    public DmarcPolicy? Policy { get; init; }
    public DmarcPolicy? SubdomainPolicy { get; init; }

    /// <summary><c>np</c>, since RFC 9990.</summary>
    public DmarcPolicy? NonexistentPolicy { get; init; }
    public bool StrictDkim { get; init; }
    public bool StrictSpf { get; init; }

    /// <summary><c>pct</c>, until RFC 9990.</summary>
    public int? Percent { get; init; }

    /// <summary><c>testing</c> (the record's <c>t=</c>), since RFC 9990.</summary>
    public bool IsTesting { get; init; }

    /// <summary><c>psl</c> or <c>treewalk</c>: how the record was found, since RFC 9990.</summary>
    public string? DiscoveryMethod { get; init; }
    public string? FailureOptions { get; init; }
}

/// <summary>
/// A DMARC aggregate report: RFC 9990, or RFC 7489 appendix C, with a namespace or without, and with whatever reporters do to either: elements that are missing,
/// unknown or twice there, upper case, dates in milliseconds, octets that are no UTF-8.
/// </summary>
public sealed record DmarcReport
{
    /// <summary>The namespace of RFC 9990, another one, or none.</summary>
    public required string Namespace { get; init; }
    public string? Version { get; init; }

    /// <summary>Who reports.</summary>
    public required string Organization { get; init; }
    public string? Email { get; init; }
    public string? ExtraContact { get; init; }
    public string? Generator { get; init; }

    /// <summary>Unique for the reporter.</summary>
    public required string ReportId { get; init; }
    public required DateTimeOffset Begin { get; init; }
    public required DateTimeOffset End { get; init; }

    /// <summary>What went wrong for the reporter.</summary>
    public required IReadOnlyList<string> Errors { get; init; }
    public required DmarcReportPolicy Published { get; init; }
    public required IReadOnlyList<DmarcReportRecord> Records { get; init; }

    /// <summary>Records that were passed over because they name no address or count nothing.</summary>
    public required int RecordsSkipped { get; init; }

    /// <summary>Reads XML. False, with a reason in words, for anything else; nothing is thrown, whatever the octets are.</summary>
    /// <param name="octets">Unpacked; in UTF-8, or in UTF-16 with its mark.</param>
    /// <param name="report">The report.</param>
    /// <param name="reason">As the end of "It cannot be read: …".</param>
    public static bool TryRead(ReadOnlyMemory<byte> octets, [NotNullWhen(true)] out DmarcReport? report, [NotNullWhen(false)] out string? reason)
    {
        using var stream = new Expansion(Expansion.Over(octets), octets.Length, new ExpansionBudget());
        return DmarcReportReader.TryRead(stream, out report, out reason);
    }
}
