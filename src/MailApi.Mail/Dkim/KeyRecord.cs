using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace MailApi.Mail.Dkim;

/// <summary>A published key (RFC 6376 §3.6.1).</summary>
internal sealed record KeyRecord(string KeyType, byte[] PublicKey, bool IsStrict)
{
    private static readonly (string Reason, bool IsKeyError) Mismatch = ("the signature does not match the header", false);

    /// <summary>RFC 8301 §3.2.</summary>
    private const int BitsMin = 1024;

    /// <summary>Verifiers need not go beyond 4096; more than this is somebody else's way to spend our processor.</summary>
    private const int BitsMax = 8192;

    /// <summary>The record, or why it can verify nothing.</summary>
    public static (KeyRecord? Record, string? Error) Parse(string text)
    {
        if (!TagList.TryParse(text, out var tags) || tags["p"] is null) return (null, "the key record is malformed");
        if (tags["v"] is { } version && (version != "DKIM1" || tags.First != "v")) return (null, "the key record has another version");
        if (tags.Compact("p") is "") return (null, "the key is revoked");
        if (tags.List("h") is { } hashes && !hashes.Contains("sha256")) return (null, "the key record forbids sha256");
        if (tags.List("s") is { } services && !services.Contains("*") && !services.Contains("email")) return (null, "the key is not for email");
        if (!System.Buffers.Text.Base64.IsValid(tags.Compact("p"))) return (null, "the key record is malformed");
        var isStrict = tags.List("t")?.Contains("s") ?? false;
        return (new KeyRecord(tags["k"] ?? "rsa", Convert.FromBase64String(tags.Compact("p")!), isStrict), null);
    }

    /// <summary>Null when the signature is good; else why not, and whether the key rather than the signature is to blame.</summary>
    public (string Reason, bool IsKeyError)? Check(Signature signature, byte[] digest)
    {
        if (signature.Algorithm != $"{KeyType}-sha256") return ("the key is for another algorithm", true);
        if (IsStrict && signature.IdentityIsSubdomain) return ("the key forbids i= in a subdomain of d=", true);
        return KeyType == "rsa" ? CheckRsa(signature.Octets, digest) : CheckEd25519(signature.Octets, digest);
    }

    private (string, bool)? CheckRsa(byte[] signature, byte[] digest)
    {
        using var rsa = RSA.Create();
        if (!TryImport(rsa)) return ("the key record is malformed", true);
        if (rsa.KeySize is < BitsMin or > BitsMax) return ($"a key of {rsa.KeySize} bits is refused (RFC 8301)", true);
        return rsa.VerifyHash(digest, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1) ? null : Mismatch;
    }

    /// <summary>In practice a SubjectPublicKeyInfo; by the letter of RFC 6376 an RSAPublicKey (erratum 3017).</summary>
    private bool TryImport(RSA rsa)
    {
        try
        {
            rsa.ImportSubjectPublicKeyInfo(PublicKey, out _);
            return true;
        }
        catch (CryptographicException)
        {
            return TryImportBare(rsa);
        }
    }

    private bool TryImportBare(RSA rsa)
    {
        try
        {
            rsa.ImportRSAPublicKey(PublicKey, out _);
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>RFC 8463 §3: PureEdDSA over the digest. The platform has no Ed25519; MimeKit's BouncyCastle does.</summary>
    private (string, bool)? CheckEd25519(byte[] signature, byte[] digest)
    {
        if (PublicKey.Length != Ed25519.PublicKeySize) return ("the key record is malformed", true);
        var isGood = signature.Length == Ed25519.SignatureSize && Ed25519.Verify(signature, 0, PublicKey, 0, digest, 0, digest.Length);
        return isGood ? null : Mismatch;
    }
}
