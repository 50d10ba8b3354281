using System.Net;

namespace MailApi.Mail.Tls;

/// <summary>How TLS with a receiver came out, in the words of RFC 8460 §4.3.</summary>
public enum TlsResult
{
    Success,

    /// <summary>Not offered, or refused when asked for.</summary>
    StartTlsNotSupported,

    /// <summary>The certificate, or the host itself, is not among the names that the policy allows.</summary>
    CertificateHostMismatch,
    CertificateExpired,
    CertificateNotTrusted,

    /// <summary>Any other failure, such as of the handshake.</summary>
    ValidationFailure,

    /// <summary>There are TLSA records and none of them can be used.</summary>
    TlsaInvalid,

    /// <summary>DNSSEC signatures are missing or wrong.</summary>
    DnssecInvalid,

    /// <summary>The operator demands TLSA records and there are none.</summary>
    DaneRequired,
    StsPolicyFetchError,
    StsPolicyInvalid,

    /// <summary>The policy's web server has no valid certificate.</summary>
    StsWebpkiInvalid,
}

/// <summary>What the recipient's domain has published (RFC 8460 §4.4).</summary>
public enum TlsPolicyType
{
    NoPolicyFound,
    Tlsa,
    Sts,
}

/// <summary>One negotiation with a mail host. A connection that is used again does not negotiate again.</summary>
/// <param name="Host">The mail host's name.</param>
/// <param name="Address">Its address.</param>
/// <param name="Demand">What it was held to.</param>
/// <param name="Result">How it came out.</param>
public sealed record TlsSession(string Host, IPAddress Address, TlsDemand Demand, TlsResult Result);

public static class TlsWords
{
    /// <summary>The registered word (RFC 8460 §4.3); <c>success</c> for <see cref="TlsResult.Success"/>.</summary>
    public static string Word(this TlsResult result) => result switch
    {
        TlsResult.Success => "success",
        TlsResult.StartTlsNotSupported => "starttls-not-supported",
        TlsResult.CertificateHostMismatch => "certificate-host-mismatch",
        TlsResult.CertificateExpired => "certificate-expired",
        TlsResult.CertificateNotTrusted => "certificate-not-trusted",
        TlsResult.TlsaInvalid => "tlsa-invalid",
        TlsResult.DnssecInvalid => "dnssec-invalid",
        TlsResult.DaneRequired => "dane-required",
        TlsResult.StsPolicyFetchError => "sts-policy-fetch-error",
        TlsResult.StsPolicyInvalid => "sts-policy-invalid",
        TlsResult.StsWebpkiInvalid => "sts-webpki-invalid",
        _ => "validation-failure",
    };

    /// <summary>The word of RFC 8460 §4.4.</summary>
    public static string Word(this TlsPolicyType policy) => policy switch
    {
        TlsPolicyType.Tlsa => "tlsa",
        TlsPolicyType.Sts => "sts",
        _ => "no-policy-found",
    };
}
