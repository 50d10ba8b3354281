using System.Net;
using MailApi.Domains;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Mail.Preflight;

namespace MailApi.Diagnosis;

/// <summary>The receiver's verdict as checks with cures for mail that this service sends. Pure.</summary>
internal static class AuthenticationChecks
{
    private const string WhereRecordsAre = "GET /domains/{id} lists the records and what was seen of them.";

    public static IEnumerable<Check> Of(AuthenticationReport report, string domain, IPAddress? address, string? relay) =>
        [relay is null ? Spf(report.Spf, domain, address) : SpfBehind(relay, domain), Dkim(report.Dkim, domain), Dmarc(report.Dmarc, domain)];

    private static Check Spf(SpfVerdict spf, string domain, IPAddress? address)
    {
        if (spf.Result == AuthenticationResult.Pass) return Check.Pass("spf", CheckGroup.Authentication, spf.Explanation);
        var cure = spf.Result switch
        {
            _ when address is null => "The operator must set Delivery__EgressAddresses to the public address that mail leaves from.",
            AuthenticationResult.None => $"Publish the SPF record of {DomainRecords.ReturnPathHost(domain)}. {WhereRecordsAre}",
            AuthenticationResult.TempError => "Try again in a minute; if it stays, the name servers of the domain do not answer.",
            AuthenticationResult.PermError => $"Mend the SPF record of {spf.Domain}: receivers cannot use it as it is.",
            _ => $"Either the SPF record of {spf.Domain} lacks the service's include, or the operator's record does not list {address}. {WhereRecordsAre}",
        };
        return address is null || spf.Result == AuthenticationResult.TempError ? Check.Warn("spf", CheckGroup.Authentication, spf.Explanation, cure) : Check.Fail("spf", CheckGroup.Authentication, spf.Explanation, cure);
    }

    private static Check SpfBehind(string relay, string domain) => Check.Warn("spf", CheckGroup.Authentication, $"The mail leaves through the relay {relay}, and SPF is asked of the address that the relay sends from.",
        $"See that the SPF record of {DomainRecords.ReturnPathHost(domain)} includes what the relay's keeper names, or that the relay writes a return path of its own.");

    private static Check Dkim(IReadOnlyList<SignatureVerdict> signatures, string domain)
    {
        if (signatures.FirstOrDefault(signature => signature.Result == AuthenticationResult.Pass) is { } good)
            return Check.Pass("dkim", CheckGroup.Authentication, $"The signature of {good.Domain} (selector {good.Selector}, {good.Algorithm}) verifies.");
        if (signatures.Count == 0)
            return Check.Fail("dkim", CheckGroup.Authentication, "The message would leave without a signature: no key of the domain is published.", $"Publish the DKIM record of {domain}. {WhereRecordsAre}");
        var reasons = string.Join("; ", signatures.Select(signature => $"selector {signature.Selector}: {signature.Reason}"));
        return signatures.All(signature => signature.Result == AuthenticationResult.TempError)
            ? Check.Warn("dkim", CheckGroup.Authentication, $"Whether the signature verifies cannot be told now ({reasons}).", "Try again in a minute.")
            : Check.Fail("dkim", CheckGroup.Authentication, $"No signature would verify ({reasons}).", $"Publish the DKIM record of {domain} as it is issued. {WhereRecordsAre}");
    }

    private static Check Dmarc(DmarcVerdict dmarc, string domain) => dmarc.Result switch
    {
        AuthenticationResult.Pass => Check.Pass("dmarc", CheckGroup.Authentication, $"DMARC passes: {(dmarc.DkimAligned ? "a signature" : "the return path")} is of the same organization as {domain}."),
        AuthenticationResult.None => Check.Warn("dmarc", CheckGroup.Authentication, $"Neither {domain} nor a domain above it has a DMARC record; Gmail, Yahoo and Microsoft demand one of larger senders.",
            $"Publish the DMARC record of {domain}. {WhereRecordsAre}"),
        AuthenticationResult.TempError => Check.Warn("dmarc", CheckGroup.Authentication, "The DMARC record cannot be looked up now.", "Try again in a minute."),
        AuthenticationResult.PermError => Check.Fail("dmarc", CheckGroup.Authentication, "The DMARC record cannot be used by receivers.", $"Replace the DMARC record of {domain}. {WhereRecordsAre}"),
        _ => Check.Fail("dmarc", CheckGroup.Authentication, $"DMARC fails: neither SPF nor a signature passes for the organization of {domain}; its policy asks receivers to {Words(dmarc.Disposition)}.",
            "Mend SPF or DKIM as the two checks above say; one of them is enough for DMARC, large receivers want both."),
    };

    private static string Words(DmarcPolicy disposition) => disposition switch
    {
        DmarcPolicy.Reject => "reject the message",
        DmarcPolicy.Quarantine => "file it as spam",
        _ => "take it all the same",
    };
}
