using System.Net.Sockets;
using MailApi.Mail.Dkim;

namespace MailApi.Mail.Authentication;

/// <summary>Says why a verdict is what it is: the conclusion, then SPF, DKIM, DMARC and ARC, each with its cure where something is wrong.</summary>
internal sealed class Reasons(
    SpfIdentity identity, Author author, SpfVerdict spf, IReadOnlyList<SignatureVerdict> dkim, DmarcVerdict dmarc, ArcVerdict arc)
{
    /// <summary>Without control characters, which names and records that strangers wrote may hold.</summary>
    public IReadOnlyList<string> Sentences() =>
    [
        .. ((IEnumerable<string>)[Conclusion(), .. SpfReason(), .. new DkimReasons(dmarc, dkim).Sentences(), .. new DmarcReasons(author, dmarc).Sentences(), .. ArcReason()])
            .Select(sentence => sentence.Any(char.IsControl) ? string.Concat(sentence.Where(c => !char.IsControl(c))) : sentence),
    ];

    private string Conclusion() => (dmarc.Result, dmarc.Disposition) switch
    {
        _ when author.Domain is null => "A receiver cannot tell who wrote this message, and will probably refuse it: " + FromFault(),
        (AuthenticationResult.Pass, _) => $"It passes: {Confirmers()} that it comes from {dmarc.Domain}, and one of the two is enough for DMARC.",
        (AuthenticationResult.Fail, DmarcPolicy.Reject) => $"It fails, and a receiver will refuse it: {Nobody()}, and the owner of {dmarc.Domain} asks to reject such mail.",
        (AuthenticationResult.Fail, DmarcPolicy.Quarantine) => $"It fails, and a receiver will put it into the spam folder: {Nobody()}, and the owner of {dmarc.Domain} asks to quarantine such mail.",
        (AuthenticationResult.Fail, _) => $"It fails, though no policy asks to refuse it: {Nobody()}, so that filters are free to distrust it.",
        (AuthenticationResult.TempError, _) => $"It cannot be judged now: the DNS gave no answer to a question that matters for {dmarc.Domain}. "
            + "Receivers will try again later; if it lasts, ask whoever runs the name servers.",
        (AuthenticationResult.PermError, _) => $"DMARC cannot be applied, because the record of {dmarc.Domain} is broken; receivers go by SPF and DKIM alone.",
        _ when spf.Result == AuthenticationResult.Pass || dkim.Any(signature => signature.Result == AuthenticationResult.Pass) => $"No DMARC policy applies to {dmarc.Domain}, and the message is authenticated without one.",
        _ => $"No DMARC policy applies to {dmarc.Domain}, and neither SPF nor DKIM speaks for the message: large receivers refuse such mail or take it for spam.",
    };

    private string Confirmers() => dmarc switch
    {
        { SpfAligned: true, DkimAligned: true } => "both SPF and DKIM confirm",
        { SpfAligned: true } => "SPF confirms",
        _ => "DKIM confirms",
    };

    private string Nobody() => $"neither SPF nor DKIM confirms that it comes from {dmarc.Domain}";

    private string FromFault() => author.Fault switch
    {
        AuthorFault.Missing => "it has no From field. Add one with one address.",
        AuthorFault.SeveralFields => "it has more than one From field, and mail has exactly one. Remove the others.",
        AuthorFault.SeveralDomains => "its From field names addresses of different domains, for which there is no DMARC. Name one address.",
        AuthorFault.NoAddress => "its From field holds no address. Write one, as in Shop <orders@shop.example>.",
        _ => "its From address has no domain that the DNS could know. Write one, as in Shop <orders@shop.example>.",
    };

    private IEnumerable<string> SpfReason()
    {
        yield return $"SPF ({spf.Result.Word()}): {spf.Explanation}";
        if (spf.Result != AuthenticationResult.Pass && SpfCure() is { } cure) yield return cure;
        if (author.Domain is null || spf.Domain.Length == 0) yield break;
        if (dmarc.SpfDomainAligned == false) yield return Misaligned();
        else if (dmarc.SpfAligned && spf.Domain != author.Domain)
            yield return $"The return path is at {spf.Domain}, which belongs to the same organization ({Organization}) as the From address at {author.Domain}: SPF counts for DMARC.";
    }

    private string Organization => dmarc.Walk!.OrganizationalDomain;

    private string? SpfCure() => spf.Result switch
    {
        AuthenticationResult.Fail or AuthenticationResult.SoftFail or AuthenticationResult.Neutral =>
            $"Send through a server that the SPF record of {spf.Domain} names; or, if {identity.ClientIp} is yours, add {Mechanism}:{identity.ClientIp} to that record.",
        AuthenticationResult.None when spf.Domain.Length > 0 => $"Publish a TXT record at {spf.Domain} that begins with v=spf1 and names the servers that send for it.",
        AuthenticationResult.PermError => $"Correct the SPF record of {spf.Domain}: as it stands, receivers do not use it.",
        AuthenticationResult.TempError => "Try again later; if it lasts, ask whoever runs the name servers.",
        _ => null,
    };

    private string Mechanism => identity.ClientIp.AddressFamily == AddressFamily.InterNetworkV6 ? "ip6" : "ip4";

    private string Misaligned()
    {
        var passes = spf.Result == AuthenticationResult.Pass ? "SPF passed, but it does not count for DMARC" : "And even a pass would not count for DMARC";
        if (dmarc.Walk!.Policy?.Record.StrictSpf == true)
            return $"{passes}: the return path is at {spf.Domain}, the From address at {author.Domain}, and the DMARC record wants the same name (aspf=s). "
                + $"Use a return path at {author.Domain}, or take aspf=s out of the record.";
        return $"{passes}: the return path is at {spf.Domain}, the From address at {author.Domain}, and these are not of one organization. "
            + $"Use a return path under {Organization}, with an SPF record of its own.";
    }

    private IEnumerable<string> ArcReason()
    {
        if (arc.Result == AuthenticationResult.Pass)
            yield return $"ARC: {Relays} passed the message on, the last {arc.Sealer}, and the chain of seals holds: a receiver that trusts {arc.Sealer} may believe what it found.";
        if (arc.Result == AuthenticationResult.Fail)
            yield return $"ARC: the chain of seals is broken ({arc.Reason}), so that receivers give nothing for what relays found. Only the relays can mend that.";
    }

    private string Relays => arc.Sets == 1 ? "one relay" : $"{arc.Sets} relays";
}
