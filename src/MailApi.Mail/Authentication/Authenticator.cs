using System.Net;
using MailApi.Mail.Dkim;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Authentication;

/// <summary>What a receiver would conclude about a message.</summary>
public sealed record AuthenticationReport
{
    public required SpfVerdict Spf { get; init; }

    /// <summary>One for each signature, in the order of the header.</summary>
    public required IReadOnlyList<SignatureVerdict> Dkim { get; init; }
    public required DmarcVerdict Dmarc { get; init; }
    public required ArcVerdict Arc { get; init; }

    /// <summary>
    /// DMARC passes; or, where no policy applies to the one From domain, SPF or a signature does: then nothing speaks against the message, and
    /// something speaks for it.
    /// </summary>
    public required bool WouldPass { get; init; }

    /// <summary>The verdict first, then what led to it and what to do, a sentence or two each, for a person who runs no mail server.</summary>
    public required IReadOnlyList<string> Why { get; init; }
}

/// <summary>Judges a message as its receiver will: SPF (RFC 7208), DKIM (RFC 6376, 8463), DMARC (RFC 9989) and ARC (RFC 8617), from live DNS.</summary>
/// <param name="dns">Knows keys and policies.</param>
/// <param name="spf">Evaluates SPF; it answers whatever happens, and throws only on cancellation.</param>
/// <param name="time">Tells which signatures have expired.</param>
public sealed class Authenticator(DnsResolver dns, Func<SpfIdentity, CancellationToken, Task<SpfVerdict>> spf, TimeProvider time)
{
    private readonly Dmarc dmarc = new(dns);
    private readonly KeyLookup keys = new(dns);

    /// <param name="clientIp">Of the server that hands the message over.</param>
    /// <param name="helo">What it says in EHLO.</param>
    /// <param name="mailFrom">The reverse path without brackets; empty for a bounce.</param>
    /// <param name="message">The raw message, of a length that the caller has bounded; any octets at all.</param>
    /// <param name="ct">Ends the look-ups.</param>
    public async Task<AuthenticationReport> Check(IPAddress clientIp, string helo, string mailFrom, ReadOnlyMemory<byte> message, CancellationToken ct)
    {
        var raw = RawMessage.Parse(RawMessage.WithCrLf(message));
        var author = Author.Of(raw);
        var identity = new SpfIdentity(clientIp.IsIPv4MappedToIPv6 ? clientIp.MapToIPv4() : clientIp, helo, mailFrom);

        var (spfTask, dkimTask, arcTask) = (spf(identity, ct), Verifier.Verify(raw, keys, time, ct), ArcChain.Verify(raw, keys, time, ct));
        await Task.WhenAll(spfTask, dkimTask, arcTask);
        var (sender, signatures, chain) = (await spfTask, await dkimTask, await arcTask);
        var policy = author.Domain is null ? DmarcVerdict.NotApplicable : await dmarc.Check(author.Domain, sender, signatures, ct);

        var wouldPass = policy.Result == AuthenticationResult.Pass || author.Domain is not null && policy.Result is AuthenticationResult.None or AuthenticationResult.PermError
            && (sender.Result == AuthenticationResult.Pass || signatures.Any(signature => signature.Result == AuthenticationResult.Pass));
        return new AuthenticationReport
        {
            Spf = sender,
            Dkim = signatures,
            Dmarc = policy,
            Arc = chain,
            WouldPass = wouldPass,
            Why = new Reasons(identity, author, sender, signatures, policy, chain).Sentences(),
        };
    }
}
