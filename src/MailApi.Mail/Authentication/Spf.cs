using System.Net;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Authentication;

/// <summary>The SMTP client's identity that SPF judges (RFC 7208 §4.1).</summary>
/// <param name="ClientIp">The address of the SMTP client.</param>
/// <param name="Helo">What it said in EHLO.</param>
/// <param name="MailFrom">The reverse path without brackets; empty for the null sender, for which <c>postmaster@</c> the HELO name stands (§2.4).</param>
public sealed record SpfIdentity(IPAddress ClientIp, string Helo, string MailFrom);

/// <summary>What SPF concludes.</summary>
/// <param name="Result">Any of the seven (RFC 7208 §2.6).</param>
/// <param name="Domain">The domain that was checked, in A-labels.</param>
/// <param name="Lookups">Terms that cost a DNS look-up, of which RFC 7208 §4.6.4 allows ten.</param>
/// <param name="Explanation">Why, for a person: the mechanism that decided and what it says, or the error and its cause.</param>
/// <param name="OwnersExplanation">What the domain's <c>exp=</c> says of a fail (RFC 7208 §6.2), a stranger's words; null when it says nothing.</param>
public sealed record SpfVerdict(AuthenticationResult Result, string Domain, int Lookups, string Explanation, string? OwnersExplanation = null);

/// <summary>Evaluates SPF (RFC 7208): may this client send for this domain?</summary>
public sealed class Spf(DnsResolver dns, TimeProvider time)
{
    /// <summary>Terms that cost a look-up, in one check (RFC 7208 §4.6.4).</summary>
    public const int LookupsMax = 10;

    /// <summary>Of those, terms for which the DNS has no records (RFC 7208 §4.6.4).</summary>
    public const int VoidLookupsMax = 2;

    /// <summary>Mail exchangers of one <c>mx</c>: more are an error. Reverse names of a client: more are ignored (RFC 7208 §4.6.4).</summary>
    public const int HostsMax = 10;

    /// <summary>The whole check takes no longer (RFC 7208 §4.6.4 asks for at least 20 s); then it is <c>temperror</c>.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>RFC 7208 §4, <c>check_host()</c>. Whatever the input, it answers.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> ended it.</exception>
    public async Task<SpfVerdict> Check(SpfIdentity identity, CancellationToken ct)
    {
        var sender = SpfSender.Of(identity);
        using var deadline = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        var evaluation = new SpfEvaluation(dns, sender, time.GetUtcNow(), either.Token);
        try
        {
            var outcome = await evaluation.Run();
            var words = outcome.Result == AuthenticationResult.Fail ? await OwnersWords(evaluation, outcome, ct) : null;
            return new SpfVerdict(outcome.Result, sender.Domain, evaluation.Lookups, SpfWording.Whole(sender, outcome), words);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            var late = new SpfOutcome(AuthenticationResult.TempError, $"looking its records up took more than {Patience.TotalSeconds:0} seconds");
            return new SpfVerdict(late.Result, sender.Domain, evaluation.Lookups, SpfWording.Whole(sender, late));
        }
    }

    /// <summary>The look-ups that a check of the domain costs at worst, whatever client and sender; it follows every <c>include</c> and <c>redirect</c>.</summary>
    /// <param name="domain">In A-labels.</param>
    /// <param name="ct">Ends the look-ups.</param>
    public async Task<SpfLookups> CountLookups(string domain, CancellationToken ct)
    {
        using var deadline = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        var count = new SpfLookupCount(dns, either.Token);
        try
        {
            return await count.Run(domain);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return count.CutShort(domain, $"Looking the records up took more than {Patience.TotalSeconds:0} seconds; the count is not complete.");
        }
    }

    /// <summary>A fail is a fail without them, too.</summary>
    private static async Task<string?> OwnersWords(SpfEvaluation evaluation, SpfOutcome outcome, CancellationToken ct)
    {
        try
        {
            return await evaluation.OwnersWords(outcome);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return null;
        }
    }
}
