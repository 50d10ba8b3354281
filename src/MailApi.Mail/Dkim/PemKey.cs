using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace MailApi.Mail.Dkim;

/// <summary>Signing keys as other programs write them.</summary>
internal static class PemKey
{
    /// <summary>An RSA key of 16,384 bits has 13,000.</summary>
    private const int CharactersMax = 20_000;

    /// <summary>Verifiers need not go beyond it (RFC 8301 §3.2).</summary>
    private const int BitsMax = 4096;

    public static bool TryRead(string pem, [NotNullWhen(true)] out SigningKey? key, [NotNullWhen(false)] out string? refusal)
    {
        (key, refusal) = Read(pem);
        return key is not null;
    }

    private static (SigningKey? Key, string? Refusal) Read(string pem)
    {
        if (pem.Length > CharactersMax) return (null, $"This is longer than {CharactersMax:N0} characters; send the private key alone, in PEM.");
        if (pem.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal)) return Encrypted();
        if (!PemEncoding.TryFind(pem, out var fields))
            return (null, "This is no key in PEM: it begins with -----BEGIN PRIVATE KEY----- or -----BEGIN RSA PRIVATE KEY-----.");
        var der = Convert.FromBase64String(pem[fields.Base64Data]);
        try
        {
            return pem[fields.Label] switch
            {
                "PRIVATE KEY" => ReadPkcs8(der),
                "RSA PRIVATE KEY" => ReadRsa(rsa => rsa.ImportRSAPrivateKey(der, out _)),
                "ENCRYPTED PRIVATE KEY" => Encrypted(),
                "PUBLIC KEY" or "RSA PUBLIC KEY" => (null, "This is the public half; send the private key that belongs to it."),
                "EC PRIVATE KEY" => (null, "This is an elliptic curve key, which DKIM does not know; send an RSA or an Ed25519 key."),
                "OPENSSH PRIVATE KEY" => (null, "This is a key for SSH; send an RSA or an Ed25519 key in PKCS #8 (-----BEGIN PRIVATE KEY-----)."),
                var label => (null, $"This is a {Shown(label)}; send a private key (-----BEGIN PRIVATE KEY-----)."),
            };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
        }
    }

    private static (SigningKey?, string?) ReadPkcs8(byte[] der)
    {
        if (Ed25519Der.TryReadPrivate(der) is null) return ReadRsa(rsa => rsa.ImportPkcs8PrivateKey(der, out _));
        return (SigningKey.Import(der), null);
    }

    private static (SigningKey?, string?) ReadRsa(Action<RSA> import)
    {
        using var rsa = RSA.Create();
        try
        {
            import(rsa);
            if (rsa.KeySize < SigningKey.BitsDefault)
                return (null, $"This RSA key has {rsa.KeySize} bits; receivers want {SigningKey.BitsDefault} (RFC 8301). Make a new one.");
            if (rsa.KeySize > BitsMax)
                return (null, $"This RSA key has {rsa.KeySize} bits; not every receiver verifies more than {BitsMax} (RFC 8301). Make a shorter one.");
            if (rsa.ExportParameters(includePrivateParameters: false).Exponent!.Length > KeyRecord.ExponentOctetsMax)
                return (null, "This RSA key's public exponent is longer than any in use, and slow to verify with. Make a new key.");
            return (SigningKey.Import(rsa.ExportPkcs8PrivateKey()), null);
        }
        catch (CryptographicException)
        {
            return (null, "This is neither an RSA nor an Ed25519 private key, or it is damaged.");
        }
    }

    private static (SigningKey?, string?) Encrypted() => (null, "This key is encrypted with a passphrase; send it decrypted (openssl pkey -in key.pem).");

    private static string Shown(string label) => label.Length <= 40 ? label : "PEM document of another kind";
}
