using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using MailKit;
using MailKit.Net.Smtp;
using MimeKit;

namespace MailApi.Mail.Smtp;

/// <summary>MailKit's client, kept from touching the message and from fetching anything that a certificate names.</summary>
internal sealed class RawClient : SmtpClient
{
    private readonly X509Certificate2Collection? trustedRoots;

    public RawClient(IProtocolLogger logger, X509Certificate2Collection? trustedRoots) : base(logger)
    {
        this.trustedRoots = trustedRoots;
        CheckCertificateRevocation = false;
        Timeout = System.Threading.Timeout.Infinite; // Conversation has the deadlines.
    }

    /// <summary>What was signed is what is sent.</summary>
    protected override void Prepare(FormatOptions options, MimeMessage message, EncodingConstraint constraint, int maxLineLength) { }

    protected override Task<long> GetSizeAsync(FormatOptions options, MimeMessage message, CancellationToken cancellationToken) =>
        Task.FromResult(((RawMessage)message).Bytes);

    protected override SslClientAuthenticationOptions GetSslClientAuthenticationOptions(string host, RemoteCertificateValidationCallback remoteCertificateValidationCallback)
    {
        var options = base.GetSslClientAuthenticationOptions(host, remoteCertificateValidationCallback);
        // Neither revocation lists nor issuers are fetched from addresses that the other side chose.
        options.CertificateChainPolicy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (this.trustedRoots is not null)
        {
            options.CertificateChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            options.CertificateChainPolicy.CustomTrustStore.AddRange(this.trustedRoots);
        }
        return options;
    }
}
