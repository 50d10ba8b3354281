using MailApi.Mail.Authentication;
using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>
/// What the large mailbox providers demand of those who send them 5,000 messages a day or more, and what they answer otherwise (November 2026:
/// Gmail sender guidelines and SMTP errors, Yahoo Sender Hub, Microsoft's announcement of May 2025). Encryption on the way, the rate of complaints
/// and the volume are not to be seen in a message.
/// </summary>
internal static class ReceiverRules
{
    /// <summary>A demand that is not met, with the reply it leads to.</summary>
    private sealed record Breach(string Reply, string Reason, string Cure, bool IsRefused);

    public static Check Gmail(RenderedMessage message, PreflightFacts facts, Check reverseDns)
    {
        var notAligned = facts.DmarcPolicy is DmarcPolicy.Reject or DmarcPolicy.Quarantine ? "550 5.7.26" : "550 5.7.32";
        var breaches = Authentication(facts, new Replies("550 5.7.26", "550 5.7.27", "550 5.7.30", "550 5.7.40", notAligned)).ToList();
        if (reverseDns.Result == CheckResult.Fail) breaches.Add(new Breach("550 5.7.25", "the sending address has no matching name", reverseDns.Cure!, IsRefused: true));
        if (Malformed(message) is { } malformed) breaches.Add(new Breach("550 5.7.1", malformed, "Mend the headers.", IsRefused: true));
        if (message.From?.Domain.ToLowerInvariant() is "gmail.com" or "googlemail.com")
            breaches.Add(new Breach("spam folder", "From is a Gmail address but the message does not come from Gmail", "Send from your own domain.", IsRefused: true));
        breaches.AddRange(Unsubscribing(message, facts));
        return Verdict("gmail", "Gmail", breaches);
    }

    public static Check Yahoo(RenderedMessage message, PreflightFacts facts, Check reverseDns)
    {
        var breaches = Authentication(facts, new Replies("554 5.7.9", "554 5.7.9", "554 5.7.9", "554 5.7.9", "554 5.7.9")).ToList();
        if (reverseDns.Result == CheckResult.Fail) breaches.Add(new Breach("deferred or refused", "the sending address has no matching name", reverseDns.Cure!, IsRefused: true));
        breaches.AddRange(Unsubscribing(message, facts));
        return Verdict("yahoo", "Yahoo", breaches);
    }

    public static Check Microsoft(RenderedMessage message, PreflightFacts facts)
    {
        const string reply = "550 5.7.515";
        var breaches = Authentication(facts, new Replies(reply, reply, reply, reply, reply)).ToList();
        if (facts.IsMarketing && !message.Has("list-unsubscribe"))
            breaches.Add(new Breach("spam folder", "marketing mail should offer unsubscribing", "Set List-Unsubscribe.", IsRefused: false));
        return Verdict("microsoft", "Outlook.com", breaches);
    }

    private sealed record Replies(string Neither, string Spf, string Dkim, string NoDmarc, string NotAligned);

    private static IEnumerable<Breach> Authentication(PreflightFacts facts, Replies replies)
    {
        const string spfCure = "Publish the SPF record that this service shows for your domain.";
        const string dkimCure = "Publish the DKIM record that this service shows for your domain.";
        var spfUnknown = facts.SpfResult == AuthenticationResult.TempError;
        var dkimUnknown = !facts.DkimPasses && facts.Dkim.Any(signature => signature.Result == AuthenticationResult.TempError);
        if (!facts.SpfPasses && !facts.DkimPasses && !spfUnknown && !dkimUnknown)
        {
            yield return new Breach(replies.Neither, $"neither SPF ({facts.SpfResult.Word()}) nor DKIM ({DkimWord(facts)}) passes", $"{spfCure} {dkimCure}", IsRefused: true);
        }
        else
        {
            if (!facts.SpfPasses) yield return new Breach(replies.Spf, $"SPF says {facts.SpfResult.Word()}", spfCure, !spfUnknown);
            if (!facts.DkimPasses) yield return new Breach(replies.Dkim, $"DKIM says {DkimWord(facts)}", dkimCure, !dkimUnknown);
        }
        if (facts.DmarcPolicy is null)
            yield return new Breach(replies.NoDmarc, $"{facts.OrganizationalDomain} has no DMARC policy",
                $"Publish a TXT record at _dmarc.{facts.OrganizationalDomain}, to begin with 'v=DMARC1; p=none'.", facts.DmarcResult != AuthenticationResult.TempError);
        else if (!facts.IsAligned)
            yield return new Breach(replies.NotAligned, $"what passes is not of the domain in From (DMARC: {facts.DmarcResult.Word()}, policy {facts.DmarcPolicy.Value.Word()})",
                "Let the return path or the DKIM signature be of the same domain as From.", !spfUnknown && !dkimUnknown);
    }

    private static string DkimWord(PreflightFacts facts) => (facts.Dkim.Count == 0 ? AuthenticationResult.None : facts.Dkim[0].Result).Word();

    private static IEnumerable<Breach> Unsubscribing(RenderedMessage message, PreflightFacts facts)
    {
        if (facts.IsMarketing && UnsubscribeLint.OneClickError(message, facts) is not null)
            yield return new Breach("spam folder", "marketing mail must offer unsubscribing with one signed click", "Set List-Unsubscribe and List-Unsubscribe-Post.", IsRefused: false);
    }

    private static string? Malformed(RenderedMessage message)
    {
        Check[] checks = [HeaderLint.RequiredHeaders(message), HeaderLint.DuplicateHeaders(message), AddressLint.FromAddress(message)];
        var failed = checks.Where(check => check.Result == CheckResult.Fail).ToList();
        return failed.Count == 0 ? null : $"the header is not as RFC 5322 wants it ({string.Join(", ", failed.Select(check => check.Name))})";
    }

    private static Check Verdict(string name, string receiver, List<Breach> breaches)
    {
        if (breaches.Count == 0) return Pass(name, Receivers, $"{receiver}'s rules for senders are met, as far as one message shows.");
        var cure = string.Join(' ', breaches.Select(breach => breach.Cure).Distinct());
        var refused = breaches.Where(breach => breach.IsRefused).ToList();
        return refused.Count > 0
            ? Fail(name, Receivers, $"{receiver} would turn it away: {Sentence(refused)}.", cure)
            : Warn(name, Receivers, $"{receiver} may object: {Sentence(breaches)}.", cure);
    }

    private static string Sentence(IEnumerable<Breach> breaches) => string.Join("; ", breaches.Select(breach => $"{breach.Reason} ({breach.Reply})"));
}
