using System.Collections.Frozen;
using MailApi.Mail.Tls;

namespace MailApi.Reports;

/// <summary>What each result of RFC 8460 §4.3 means for the domain that mail was sent to, and the cure.</summary>
internal static class TlsExplanations
{
    private static readonly FrozenDictionary<string, string> ByWord = new Dictionary<TlsResult, string>
    {
        [TlsResult.StartTlsNotSupported] = "The mail host offered no STARTTLS, or something between took it away. Set a certificate for the listener; if it has one, look for a firewall that inspects SMTP.",
        [TlsResult.CertificateHostMismatch] = "The certificate does not bear the name of the mail host. Get one for the name in the MX record, or correct the record and the mx lines of the MTA-STS policy.",
        [TlsResult.CertificateExpired] = "The certificate of the mail host had expired. Renew it, and have that done by itself well before its end.",
        [TlsResult.CertificateNotTrusted] = "Senders do not trust the certificate of the mail host: self-signed, from an authority they do not know, or without the certificates between. Use one of a public authority, with its chain.",
        [TlsResult.ValidationFailure] = "The session failed for another reason, such as no protocol version or cipher in common. The reasons that reporters add may tell; TLS 1.2 and 1.3 must be offered.",
        [TlsResult.TlsaInvalid] = "No TLSA record fits the certificate. Publish that of a new key before it is used, and keep the old one until its time to live has passed.",
        [TlsResult.DnssecInvalid] = "The signatures of the zone could not be validated, so senders that insist on DANE deliver nothing. Look for signatures that expired and a DS record that does not fit the key.",
        [TlsResult.DaneRequired] = "The sender insists on DANE for this domain, and the mail hosts have no TLSA records. Publish them in a signed zone, or ask the sender why.",
        [TlsResult.StsPolicyFetchError] = "The MTA-STS policy could not be fetched from https://mta-sts.…/.well-known/mta-sts.txt. Have that host answer, or remove the record at _mta-sts.",
        [TlsResult.StsPolicyInvalid] = "The MTA-STS policy that was fetched cannot be read. It is text/plain with version, mode, mx and max_age, a line each (RFC 8461 §3.2).",
        [TlsResult.StsWebpkiInvalid] = "The web server of the MTA-STS policy has no valid certificate for its name mta-sts.…. Get one; until then senders go by the policy they have, or none.",
    }.ToFrozenDictionary(pair => pair.Key.Word(), pair => pair.Value);

    public static string Of(string resultType) => ByWord.GetValueOrDefault(resultType, "The reporter counts these failures and does not say how they came about.");
}
