using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace MailApi.Mail.Dkim;

/// <summary>An RSA key pair of a selector (RFC 6376, 8301), on the platform's native cryptography. Safe for concurrent use.</summary>
public sealed class SigningKey : IDisposable
{
    public const int BitsDefault = 2048;

    // RSA instances promise nothing about concurrent use: each signs for one caller at a time, and as many are kept as can run at once.
    private static readonly int IdleMax = Environment.ProcessorCount;
    private readonly ConcurrentBag<RSA> idle = [];
    private readonly byte[] pkcs8;
    private readonly byte[] publicKey;

    private SigningKey(RSA rsa)
    {
        this.pkcs8 = rsa.ExportPkcs8PrivateKey();
        publicKey = rsa.ExportSubjectPublicKeyInfo();
        idle.Add(rsa);
    }

    public static SigningKey Generate() => new(RSA.Create(BitsDefault));

    /// <summary>Reads what <see cref="ExportPrivate"/> wrote.</summary>
    /// <exception cref="CryptographicException">It is no RSA key of at least <see cref="BitsDefault"/> bits in PKCS #8.</exception>
    public static SigningKey Import(ReadOnlySpan<byte> pkcs8)
    {
        var rsa = ReadPrivate(pkcs8);
        if (rsa.KeySize >= BitsDefault) return new SigningKey(rsa);
        rsa.Dispose();
        throw new CryptographicException($"A signing key has at least {BitsDefault} bits.");
    }

    /// <summary>PKCS #8, DER, not encrypted.</summary>
    public byte[] ExportPrivate() => [.. this.pkcs8];

    /// <summary>SubjectPublicKeyInfo, DER.</summary>
    public byte[] ExportPublic() => [.. publicKey];

    /// <summary>The key record (RFC 6376 §3.6.1) that publishes a public key: <c>v=DKIM1; k=rsa; p=…</c>.</summary>
    public static string Record(ReadOnlySpan<byte> subjectPublicKeyInfo) => $"v=DKIM1; k=rsa; p={Convert.ToBase64String(subjectPublicKeyInfo)}";

    /// <summary>RSASSA-PKCS1-v1_5 over a SHA-256 digest.</summary>
    internal byte[] SignDigest(ReadOnlySpan<byte> sha256)
    {
        if (!idle.TryTake(out var rsa)) rsa = ReadPrivate(this.pkcs8);
        var signature = rsa.SignHash(sha256, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        if (idle.Count < IdleMax) idle.Add(rsa);
        else rsa.Dispose();
        return signature;
    }

    /// <summary>Frees the native keys; nobody signs any more.</summary>
    public void Dispose()
    {
        while (idle.TryTake(out var rsa)) rsa.Dispose();
        CryptographicOperations.ZeroMemory(this.pkcs8);
    }

    private static RSA ReadPrivate(ReadOnlySpan<byte> pkcs8)
    {
        var rsa = RSA.Create();
        try
        {
            rsa.ImportPkcs8PrivateKey(pkcs8, out _);
            return rsa;
        }
        catch (CryptographicException)
        {
            rsa.Dispose();
            throw;
        }
    }
}
