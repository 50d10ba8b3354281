using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MailApi.Mail.Routing;
using MailApi.Mail.Tls;

namespace MailApi.Mail.Smtp;

/// <summary>How TLS with one address of a mail host is negotiated by what is demanded of it, and how that came out.</summary>
/// <param name="key">Whom with, and what is demanded.</param>
/// <param name="trustedRoots">Authorities in place of the system's; null: the system's.</param>
internal sealed class Negotiation(ConnectionKey key, X509Certificate2Collection? trustedRoots)
{
    /// <summary>Null until it came to TLS.</summary>
    public (TlsResult Result, string Detail)? Outcome { get; private set; }

    /// <summary>STARTTLS was said: if nothing came of it, another connection may do without.</summary>
    public bool IsTried { get; set; }

    /// <param name="result">How it ended.</param>
    /// <param name="detail">For people; empty where all is well.</param>
    public void End(TlsResult result, string detail) => Outcome = (result, detail);

    /// <summary>
    /// TLS 1.2 is the least (RFC 8996): peers with nothing newer are spoken to in the clear where nothing is demanded, as their old versions protect
    /// little more and OpenSSL's security level refuses them anyway. Sessions are resumed by SslStream itself, by the host's name; not where TLSA records
    /// are to be proven, since they are about the certificates that a handshake shows.
    /// </summary>
    public SslClientAuthenticationOptions Options()
    {
        // Neither revocation lists nor issuers are fetched from addresses that the other side chose.
        var chain = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (trustedRoots is { } roots)
        {
            chain.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.CustomTrustStore.AddRange(roots);
        }
        return new SslClientAuthenticationOptions
        {
            TargetHost = key.Demand.ServerName ?? key.Host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateChainPolicy = chain,
            AllowTlsResume = key.Demand.Proof != TlsProof.Tlsa,
            RemoteCertificateValidationCallback = key.Tls == TlsPolicy.Opportunistic ? Judge : null,
        };
    }

    /// <summary>What becomes of mail whose demand is not met: it waits, or comes back where its sender wants that (RFC 8689 §4.2.1).</summary>
    public static TransmitResult Unproven(ConnectionKey key, TlsResult result, string detail)
    {
        var demanded = key.Demand switch
        {
            { RequireTls: true } => "the message (REQUIRETLS)",
            { Policy: TlsPolicyType.Sts } => "the MTA-STS policy of the recipient's domain",
            { Policy: TlsPolicyType.Tlsa } => "DANE (the TLSA records of the mail host)",
            _ => "a setting of this service",
        };
        var reason = Reply.Printable($"{key.Host} does not give the TLS that {demanded} demands ({result.Word()}: {detail}); nothing was sent");
        // What broke in the network on the way may hold next time.
        return key.Demand.RequireTls && result != TlsResult.ValidationFailure
            ? new TransmitResult.Refused(new Reply(550, "5.7.10", reason), key.Host, Stage.MailFrom)
            : new TransmitResult.Unreachable(reason, key.Host) { Stage = Stage.StartTls };
    }

    /// <summary>Mail hosts seldom have a certificate for their name; encryption to anyone beats none (RFC 7435) where nothing more is demanded.</summary>
    private bool Judge(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        var result = PeerCertificate.Judge(key.Demand, certificate, chain, errors);
        End(result, result == TlsResult.Success ? "" : Shown(certificate));
        return result == TlsResult.Success || !key.Demand.IsEnforced;
    }

    private static string Shown(X509Certificate? certificate) =>
        certificate is X509Certificate2 shown ? string.Create(CultureInfo.InvariantCulture, $"the certificate of {shown.Subject}, issued by {shown.Issuer}, valid until {shown.NotAfter:yyyy-MM-dd}") : "it shows no certificate";
}
