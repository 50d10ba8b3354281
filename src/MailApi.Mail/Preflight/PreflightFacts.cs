using System.Net;
using MailApi.Mail.Authentication;

namespace MailApi.Mail.Preflight;

/// <summary>What a receiver would conclude about one DKIM signature of the message.</summary>
/// <param name="Domain"><c>d=</c>.</param>
/// <param name="Selector"><c>s=</c>.</param>
/// <param name="Result">Of its verification.</param>
/// <param name="Aligned">Its domain is aligned with that of From (RFC 9989 §4.4).</param>
public sealed record DkimFact(string Domain, string Selector, AuthenticationResult Result, bool Aligned);

/// <summary>What the checks need to know besides the message.</summary>
public sealed record PreflightFacts
{
    /// <summary>Mail that was not asked for one by one: it must offer unsubscribing (RFC 8058).</summary>
    public required bool IsMarketing { get; init; }

    /// <summary>The organizational domain of From (RFC 9989 §4.10), in A-labels.</summary>
    public required string OrganizationalDomain { get; init; }

    /// <summary>Where the receiver will see the connection come from; null when it is not known.</summary>
    public required IPAddress? EgressAddress { get; init; }

    /// <summary>What is said in EHLO.</summary>
    public required string HeloName { get; init; }

    /// <summary>SPF of the reverse path.</summary>
    public required AuthenticationResult SpfResult { get; init; }

    /// <summary>The domain of the reverse path is aligned with that of From.</summary>
    public required bool SpfAligned { get; init; }

    public required IReadOnlyList<DkimFact> Dkim { get; init; }

    /// <summary><c>none</c> when there is no record.</summary>
    public required AuthenticationResult DmarcResult { get; init; }

    /// <summary>Null when there is no record.</summary>
    public required DmarcPolicy? DmarcPolicy { get; init; }

    /// <summary>The host that links are rewritten to for click tracking; null when there is none.</summary>
    public string? TrackingHost { get; init; }

    internal bool SpfPasses => SpfResult == AuthenticationResult.Pass;

    internal bool DkimPasses => Dkim.Any(signature => signature.Result == AuthenticationResult.Pass);

    internal bool IsAligned => (SpfPasses && SpfAligned) || Dkim.Any(signature => signature is { Result: AuthenticationResult.Pass, Aligned: true });
}
