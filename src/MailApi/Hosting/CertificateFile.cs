using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MailApi.Hosting;

/// <summary>
/// A certificate in PEM files (the server's first, then those that lead to its issuer), or one PKCS #12 file, read again when they change: a renewal
/// needs no restart. Files that cannot be used leave the certificate that was read before in its place. By looking, not by watching: mounted secrets
/// are changed behind links, of which no watch tells.
/// </summary>
internal sealed partial class CertificateFile(string path, string? keyPath, string? password, TimeProvider time, ILogger log)
{
    /// <summary>Between two looks.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private SslStreamCertificateContext? current;
    private (DateTime, DateTime) written;
    private long lookedAt;

    /// <summary>As the files are, or were within the last second.</summary>
    /// <exception cref="CryptographicException">There has never been a usable one.</exception>
    /// <exception cref="IOException">There has never been one that could be read.</exception>
    public SslStreamCertificateContext Current
    {
        get
        {
            lock (gate)
            {
                if (current is not null && time.GetElapsedTime(lookedAt) < LookEvery) return current;
                lookedAt = time.GetTimestamp();
                var seen = (File.GetLastWriteTimeUtc(path), keyPath is null ? default : File.GetLastWriteTimeUtc(keyPath));
                if (current is not null && seen == written) return current;
                try
                {
                    current = Read();
                    written = seen;
                }
                catch (Exception e) when (current is not null && e is CryptographicException or IOException or UnauthorizedAccessException)
                {
                    // Between the two files of a renewal they do not fit together: the next look finds them.
                    LogKept(path, e.Message);
                }
                return current!;
            }
        }
    }

    private SslStreamCertificateContext Read()
    {
        var all = new X509Certificate2Collection();
        if (keyPath is null) all = X509CertificateLoader.LoadPkcs12CollectionFromFile(path, password);
        else all.ImportFromPemFile(path);
        var own = keyPath is null ? all.First(certificate => certificate.HasPrivateKey)
            : password is null ? X509Certificate2.CreateFromPemFile(path, keyPath)
            : X509Certificate2.CreateFromEncryptedPemFile(path, password, keyPath);
        return SslStreamCertificateContext.Create(own, all, offline: true);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The certificate in {Path} cannot be used, the one before it stays: {Error}")]
    private partial void LogKept(string path, string error);
}
