using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MailApi.Mail.Tests.Smtp;

/// <summary>A certificate authority for tests, and certificates of it.</summary>
internal sealed class Certificates
{
    private static readonly DateTimeOffset Begin = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static readonly DateTimeOffset End = new(2049, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public X509Certificate2 Authority { get; } = MakeAuthority();

    public X509Certificate2Collection Roots => [X509CertificateLoader.LoadCertificate(Authority.RawData)];

    /// <param name="name">A DNS name.</param>
    /// <param name="fetchFrom">Where the certificate says that its revocation list and its issuer are.</param>
    /// <param name="end">When it expires.</param>
    public X509Certificate2 For(string name, string? fetchFrom = null, DateTimeOffset? end = null) => For(Authority, name, fetchFrom, end);

    /// <inheritdoc cref="For(string, string?, DateTimeOffset?)"/>
    public static X509Certificate2 For(X509Certificate2 authority, string name, string? fetchFrom = null, DateTimeOffset? end = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        if (fetchFrom is not null)
        {
            request.CertificateExtensions.Add(CertificateRevocationListBuilder.BuildCrlDistributionPointExtension([fetchFrom + "/crl"]));
            request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension([fetchFrom + "/ocsp"], [fetchFrom + "/issuer"]));
        }
        using var certificate = request.Create(authority, Begin, end ?? End, [1, 2, 3, 4]);
        using var withKey = certificate.CopyWithPrivateKey(key);
        // SslStream wants a key that is not bound to this call.
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }

    private static X509Certificate2 MakeAuthority()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(Begin, End.AddDays(1));
    }
}
