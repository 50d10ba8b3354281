using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Bounces;
using MailApi.Mail.Smtp.Listener;
using MailApi.Suppressions;

namespace MailApi.Receiving;

/// <summary>An address of ours. All are on the return-path host of a sending domain, <c>bounces.mail.shop.example</c>. The set of cases is closed.</summary>
internal abstract record Addressee(SendingDomain Domain)
{
    /// <summary>The return path of an envelope.</summary>
    public sealed record ReturnPath(SendingDomain Domain, EnvelopeId Envelope) : Addressee(Domain);

    /// <summary>An address that unsubscribes whoever writes to it (RFC 2369).</summary>
    public sealed record Unsubscribe(SendingDomain Domain, LinkedMail Mail) : Addressee(Domain);

    /// <summary><c>dmarc</c> and <c>tls</c>: where reports about the domain go.</summary>
    public sealed record Reports(SendingDomain Domain) : Addressee(Domain);

    /// <summary><c>feedback</c>, <c>abuse</c> and <c>postmaster</c> (RFC 2142, RFC 6650 §4): feedback reports, which receivers send by agreement.</summary>
    public sealed record Feedback(SendingDomain Domain) : Addressee(Domain);

    /// <summary>On a host of ours, but no address: a return path that is forged, altered or expired.</summary>
    public sealed record Unknown(SendingDomain Domain) : Addressee(Domain);
}

/// <summary>Tells which addresses are ours.</summary>
internal sealed class Addressees(SendingDomains domains, UnsubscribeLinks links, Verp verp, TimeProvider time)
{
    /// <summary>Null where the host is none of ours.</summary>
    public async Task<Addressee?> Find(MailPath path, CancellationToken ct)
    {
        if (DomainRecords.DomainOf(path.Domain) is not { } name || await domains.FindProven(name, ct) is not { } domain) return null;
        // Receivers fold the case of what they return to.
        var local = path.LocalPart.ToLowerInvariant();
        return local switch
        {
            "feedback" or "abuse" or "postmaster" => new Addressee.Feedback(domain),
            "dmarc" or "tls" => new Addressee.Reports(domain),
            _ when TryReadReturnPath(local, out var envelope) => new Addressee.ReturnPath(domain, envelope),
            // Of mail whose domain is registered no more, or anew, the sender's other hosts take it too.
            _ when await links.FindByMailbox(local, ct) is { } mail && mail.Tenant == domain.Tenant && (mail.Domain ?? domain.Name) == domain.Name => new Addressee.Unsubscribe(domain, mail),
            _ => new Addressee.Unknown(domain),
        };
    }

    /// <summary>The envelope that a return path names, if its tag is ours and has not expired.</summary>
    public bool TryReadReturnPath(string localPart, out EnvelopeId envelope)
    {
        var isOurs = verp.TryRead(localPart, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime), out var id);
        envelope = new EnvelopeId(id);
        return isOurs;
    }
}
