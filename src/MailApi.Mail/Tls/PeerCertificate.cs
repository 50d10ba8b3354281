using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace MailApi.Mail.Tls;

/// <summary>Judges the certificate that a mail host shows by what it must prove.</summary>
internal static class PeerCertificate
{
    /// <summary>Says nothing about the certificates below: that the chain does not end in an authority of the system's.</summary>
    private const X509ChainStatusFlags Unrooted = X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain;

    /// <param name="demand">What it must prove.</param>
    /// <param name="shown">Null where the host has shown none.</param>
    /// <param name="chain">As the handshake built it, with the certificates that the host sent along in its extra store.</param>
    /// <param name="errors">What the handshake found; that the name does not fit is judged here anew.</param>
    public static TlsResult Judge(TlsDemand demand, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors)
    {
        if (demand.Proof is TlsProof.None or TlsProof.Encryption) return TlsResult.Success;
        if (shown is not X509Certificate2 certificate || chain is null) return TlsResult.ValidationFailure;
        return demand.Proof == TlsProof.Tlsa ? ByTlsa(demand, certificate, chain) : ByName(demand, certificate, chain, errors);
    }

    private static TlsResult ByName(TlsDemand demand, X509Certificate2 certificate, X509Chain chain, SslPolicyErrors errors)
    {
        if ((errors & SslPolicyErrors.RemoteCertificateChainErrors) != 0)
        {
            return chain.ChainStatus.All(status => status.Status is X509ChainStatusFlags.NotTimeValid) ? TlsResult.CertificateExpired : TlsResult.CertificateNotTrusted;
        }
        return HasName(demand, certificate) ? TlsResult.Success : TlsResult.CertificateHostMismatch;
    }

    private static TlsResult ByTlsa(TlsDemand demand, X509Certificate2 certificate, X509Chain shown)
    {
        // RFC 7672 §3.1.1: neither the names nor the dates in such a certificate matter.
        if (demand.Tlsa.Any(record => record.Usage == TlsaRecord.EndEntity && record.Matches(certificate))) return TlsResult.Success;
        List<TlsaRecord> anchors = [.. demand.Tlsa.Where(record => record.Usage == TlsaRecord.TrustAnchor)];
        return anchors.Count == 0 ? TlsResult.CertificateNotTrusted : ByAnchor(demand, anchors, certificate, shown);
    }

    /// <summary>From the host's certificate upwards, each rightly signed by the next, until one is the record's (RFC 7671 §5.2).</summary>
    private static TlsResult ByAnchor(TlsDemand demand, List<TlsaRecord> anchors, X509Certificate2 certificate, X509Chain shown)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.ExtraStore.AddRange(shown.ChainPolicy.ExtraStore);
        chain.Build(certificate);
        foreach (var element in chain.ChainElements)
        {
            var flaws = element.ChainElementStatus.Aggregate(X509ChainStatusFlags.NoError, (all, status) => all | status.Status) & ~Unrooted;
            if (flaws != X509ChainStatusFlags.NoError) return flaws == X509ChainStatusFlags.NotTimeValid ? TlsResult.CertificateExpired : TlsResult.CertificateNotTrusted;
            if (anchors.Any(record => record.Matches(element.Certificate))) return HasName(demand, certificate) ? TlsResult.Success : TlsResult.CertificateHostMismatch;
        }
        return TlsResult.CertificateNotTrusted;
    }

    /// <summary>By its subject alternative names alone (RFC 8461 §4.2).</summary>
    private static bool HasName(TlsDemand demand, X509Certificate2 certificate) =>
        demand.Names.Any(name => certificate.MatchesHostname(name, allowWildcards: true, allowCommonName: false));
}
