using System.Security.Cryptography;
using MailApi.Mail.Dkim;
using MailApi.Testing.Fuzzing;
using Signatures = Org.BouncyCastle.Math.EC.Rfc8032.Ed25519;

namespace MailApi.Bench.Fuzz;

/// <summary>Signing keys that a tenant brings: what is taken signs, what is not is refused in words. RSA keys stand in the standing corpus.</summary>
internal static class PemTarget
{
    private static readonly byte[] Digest = SHA256.HashData("a message"u8);

    /// <summary>PKCS #8 around thirty-two noughts.</summary>
    private static readonly string Ed25519 = PemEncoding.WriteString("PRIVATE KEY", [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20, .. new byte[32]]);

    public static readonly byte[][] Seeds = Texts.Octets(
        Ed25519, Ed25519.Replace("PRIVATE", "ENCRYPTED PRIVATE", StringComparison.Ordinal), Ed25519.Replace("PRIVATE", "OPENSSH PRIVATE", StringComparison.Ordinal), Ed25519.Replace("PRIVATE", "PUBLIC", StringComparison.Ordinal), $"Bag Attributes\n{Ed25519}\n{Ed25519}");

    public static readonly string[] Words = ["-----BEGIN ", "-----END ", "-----", "PRIVATE KEY-----", "RSA PRIVATE KEY-----", "EC PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED\n", "MIIE", "MC4CAQAwBQYDK2VwBCIEI", "AgEA", "AgMBAAE", "=", "==", "\n", "\r\n", "A", "\u00e9"];

    public static string Try(byte[] input)
    {
        if (!SigningKey.TryImportPem(Texts.Of(input), out var key, out var refusal))
            return refusal is { Length: > 0 and < 500 } && !refusal.Any(char.IsControl) ? refusal : throw new InvalidOperationException($"A refusal that cannot be shown: {refusal}");
        using (key)
        {
            var signature = key.SignDigest(Digest);
            if (key.Algorithm == SigningAlgorithm.RsaSha256)
            {
                using var rsa = RSA.Create();
                rsa.ImportSubjectPublicKeyInfo(key.ExportPublic(), out _);
                if (!rsa.VerifyHash(Digest, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)) throw new InvalidOperationException("A key was taken whose signatures do not verify.");
            }
            else if (!Signatures.Verify(signature, 0, Ed25519Der.TryReadPublic(key.ExportPublic()), 0, Digest, 0, Digest.Length)) throw new InvalidOperationException("A key was taken whose signatures do not verify.");
            using var again = SigningKey.Import(key.ExportPrivate());
            if (!again.ExportPublic().AsSpan().SequenceEqual(key.ExportPublic())) throw new InvalidOperationException("A key that was read again is another.");
            return $"{key.AlgorithmName} {signature.Length}";
        }
    }
}
