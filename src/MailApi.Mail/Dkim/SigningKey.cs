using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace MailApi.Mail.Dkim;

/// <summary>How a key signs; the name in <c>a=</c> is <see cref="SigningKey.AlgorithmName"/>.</summary>
public enum SigningAlgorithm
{
    /// <summary>RFC 6376 §3.3.2: what every receiver verifies.</summary>
    RsaSha256,

    /// <summary>RFC 8463: short keys and fast; a second signature, since not every receiver knows it.</summary>
    Ed25519Sha256,
}

/// <summary>The key pair of a selector (RFC 6376, 8301, 8463); RSA on the platform's native cryptography. Safe for concurrent use.</summary>
public sealed class SigningKey : IDisposable
{
    public const int BitsDefault = 2048;

    /// <summary>The record of a key that is no longer to be trusted (RFC 6376 §3.6.1).</summary>
    public const string RevokedRecord = "v=DKIM1; p=";

    // RSA instances promise nothing about concurrent use: each signs for one caller at a time. More are kept than can run at once, since who signs may be made to wait by others.
    private static readonly int IdleMax = 4 * Environment.ProcessorCount;
    private readonly ConcurrentQueue<RSA> idle = new();
    private readonly byte[] pkcs8;
    private readonly byte[] publicKey;
    private readonly byte[]? seed;

    private SigningKey(RSA rsa)
    {
        this.pkcs8 = rsa.ExportPkcs8PrivateKey();
        publicKey = rsa.ExportSubjectPublicKeyInfo();
        idle.Enqueue(rsa);
    }

    private SigningKey(byte[] seed) =>
        (this.seed, this.pkcs8, publicKey) = (seed, Ed25519Der.Private(seed), Ed25519Der.Public(Ed25519Der.PublicOf(seed)));

    public SigningAlgorithm Algorithm => seed is null ? SigningAlgorithm.RsaSha256 : SigningAlgorithm.Ed25519Sha256;

    /// <summary>As in <c>a=</c>.</summary>
    public string AlgorithmName => seed is null ? "rsa-sha256" : "ed25519-sha256";

    public static SigningKey Generate() => new(RSA.Create(BitsDefault));

    public static SigningKey Generate(SigningAlgorithm algorithm) =>
        algorithm == SigningAlgorithm.RsaSha256 ? Generate() : new SigningKey(RandomNumberGenerator.GetBytes(Ed25519Der.SeedOctets));

    /// <summary>Reads what <see cref="ExportPrivate"/> wrote.</summary>
    /// <exception cref="CryptographicException">It is no RSA key of at least <see cref="BitsDefault"/> bits, and no Ed25519 key, in PKCS #8.</exception>
    public static SigningKey Import(ReadOnlySpan<byte> pkcs8)
    {
        if (Ed25519Der.TryReadPrivate(pkcs8) is { } seed) return new SigningKey(seed);
        var rsa = ReadPrivate(pkcs8);
        if (rsa.KeySize >= BitsDefault) return new SigningKey(rsa);
        rsa.Dispose();
        throw new CryptographicException($"A signing key has at least {BitsDefault} bits.");
    }

    /// <summary>Reads a key that was made elsewhere: PEM, not encrypted; PKCS #8 (RSA, Ed25519) or PKCS #1 (RSA).</summary>
    /// <param name="pem">One key; text around it is ignored.</param>
    /// <param name="key">The caller disposes of it.</param>
    /// <param name="refusal">What is wrong with it and what to do, for the person who sent it.</param>
    public static bool TryImportPem(string pem, [NotNullWhen(true)] out SigningKey? key, [NotNullWhen(false)] out string? refusal) =>
        PemKey.TryRead(pem, out key, out refusal);

    /// <summary>PKCS #8, DER, not encrypted.</summary>
    public byte[] ExportPrivate() => [.. this.pkcs8];

    /// <summary>SubjectPublicKeyInfo, DER.</summary>
    public byte[] ExportPublic() => [.. publicKey];

    /// <summary>
    /// The key record (RFC 6376 §3.6.1) that publishes a public key: <c>v=DKIM1; k=rsa; p=…</c>, or <c>k=ed25519</c> with the bare 32 octets
    /// (RFC 8463 §4).
    /// </summary>
    public static string Record(ReadOnlySpan<byte> subjectPublicKeyInfo) => Ed25519Der.TryReadPublic(subjectPublicKeyInfo) is { } bare
        ? $"v=DKIM1; k=ed25519; p={Convert.ToBase64String(bare)}"
        : $"v=DKIM1; k=rsa; p={Convert.ToBase64String(subjectPublicKeyInfo)}";

    /// <summary>RSASSA-PKCS1-v1_5, or PureEdDSA, over a SHA-256 digest.</summary>
    internal byte[] SignDigest(ReadOnlySpan<byte> sha256)
    {
        if (seed is not null) return Ed25519Der.Sign(seed, sha256);
        if (!idle.TryDequeue(out var rsa)) rsa = ReadPrivate(this.pkcs8);
        var signature = rsa.SignHash(sha256, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        if (idle.Count < IdleMax) idle.Enqueue(rsa);
        else rsa.Dispose();
        return signature;
    }

    /// <summary>Why receivers would take no signature by a published key record that has the key of <paramref name="record"/>; null where they would.</summary>
    /// <param name="published">As found.</param>
    /// <param name="record">As issued.</param>
    public static string? WhyUnfit(string published, string record)
    {
        var (found, error) = KeyRecord.Parse(published);
        if (found is null) return error!.Reason;
        return found.KeyType == KeyRecord.Parse(record).Record?.KeyType ? null : $"k={found.KeyType} names another kind of key";
    }

    /// <summary>Frees the native keys; nobody signs any more.</summary>
    public void Dispose()
    {
        while (idle.TryDequeue(out var rsa)) rsa.Dispose();
        CryptographicOperations.ZeroMemory(this.pkcs8);
        if (seed is not null) CryptographicOperations.ZeroMemory(seed);
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
