using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailApi.Receiving;

namespace MailApi.Hosting;

/// <summary>
/// What the SMTP listeners show: the configured certificate, or a self-signed one of this installation, which encrypts against those who only listen and
/// proves nothing to those who ask. Mail servers ask for no more; programs that submit mail mostly do.
/// </summary>
internal sealed partial class ListenerCertificate(ReceiveOptions options, LocalFiles files, string hostName, TimeProvider time, ILogger<ListenerCertificate> log) : IHostedService
{
    private const string OwnCertificate = "smtp-certificate.pem";
    private const string OwnKey = "smtp-certificate-key.pem";

    /// <summary>Nobody renews it by hand: a start within the last month makes another.</summary>
    private static readonly TimeSpan OwnLife = TimeSpan.FromDays(5 * 365);

    private static readonly TimeSpan OwnRenewal = TimeSpan.FromDays(30);

    private CertificateFile? file;

    /// <summary>For the next handshake.</summary>
    public SslServerAuthenticationOptions Tls() => new() { ServerCertificateContext = file!.Current };

    /// <summary>Before the listeners start: a certificate that cannot be used stops the start, and not the first handshake.</summary>
    /// <exception cref="SettingsException">The files named cannot be used.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (!options.Listens) return Task.CompletedTask;
        var (path, keyPath) = options.CertificatePath is null ? Own() : (options.CertificatePath, options.CertificateKeyPath!);
        file = new CertificateFile(path, keyPath, password: null, time, log);
        try
        {
            _ = file.Current;
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"Receive__CertificatePath and Receive__CertificateKeyPath name no usable certificate with its key: {e.Message}");
        }
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private (string Path, string KeyPath) Own()
    {
        var (path, keyPath) = (Path.Combine(files.Directory, OwnCertificate), Path.Combine(files.Directory, OwnKey));
        if (!IsUsable()) Make();
        LogSelfSigned(path);
        return (path, keyPath);
    }

    private bool IsUsable()
    {
        if (files.TextOrNull(OwnCertificate) is not { } certificate || files.TextOrNull(OwnKey) is not { } key) return false;
        try
        {
            using var pair = X509Certificate2.CreateFromPem(certificate, key);
            return pair.NotAfter.ToUniversalTime() > time.GetUtcNow().UtcDateTime + OwnRenewal && pair.MatchesHostname(hostName);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // A start was cut off between the two files.
            return false;
        }
    }

    private void Make()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName($"CN=\"{hostName.Replace("\"", "", StringComparison.Ordinal)}\""), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(hostName);
        if (hostName != "localhost") names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var now = time.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now + OwnLife);
        files.Save(OwnKey, key.ExportPkcs8PrivateKeyPem());
        files.Save(OwnCertificate, certificate.ExportCertificatePem());
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The SMTP listeners show the self-signed certificate in {Path}. Programs that check it will refuse it: set Receive__CertificatePath and Receive__CertificateKeyPath.")]
    private partial void LogSelfSigned(string path);
}
