using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace MailApi.Mail.Dkim;

/// <summary>A published key (RFC 6376 §3.6.1).</summary>
internal sealed record KeyRecord(string KeyType, byte[] PublicKey, bool IsStrict, bool IsTesting)
{
    private static readonly KeyError Mismatch = new(SignatureFault.HeaderChanged, "the signature does not match the header");
    private static readonly KeyError Malformed = new(SignatureFault.KeyMalformed, "the key record is malformed");

    /// <summary>RFC 8301 §3.2.</summary>
    private const int BitsMin = 1024;

    /// <summary>Verifiers need not go beyond 4096; more than this is somebody else's way to spend our processor.</summary>
    private const int BitsMax = 8192;

    /// <summary>Everybody's is 65,537 or smaller; one as long as the modulus makes a verification cost a hundred.</summary>
    public const int ExponentOctetsMax = 8;

    /// <summary>The record, or why it can verify nothing.</summary>
    public static (KeyRecord? Record, KeyError? Error) Parse(string text)
    {
        if (!TagList.TryParse(text, out var tags) || tags["p"] is null) return (null, Malformed);
        if (tags["v"] is { } version && (version != "DKIM1" || tags.First != "v")) return (null, Unfit("the key record has another version"));
        if (tags.Compact("p") is "") return (null, new KeyError(SignatureFault.KeyRevoked, "the key is revoked"));
        if (tags.List("h") is { } hashes && !hashes.Contains("sha256")) return (null, Unfit("the key record forbids sha256"));
        if (tags.List("s") is { } services && !services.Contains("*") && !services.Contains("email")) return (null, Unfit("the key is not for email"));
        if (!System.Buffers.Text.Base64.IsValid(tags.Compact("p"))) return (null, Malformed);
        var flags = tags.List("t") ?? [];
        return (new KeyRecord(tags["k"] ?? "rsa", Convert.FromBase64String(tags.Compact("p")!), flags.Contains("s"), flags.Contains("y")), null);
    }

    /// <summary>Null when the signature over the digest is good.</summary>
    /// <param name="algorithm"><c>a=</c>.</param>
    /// <param name="octets"><c>b=</c>.</param>
    /// <param name="digest">SHA-256 of what was signed.</param>
    public KeyError? Check(string algorithm, byte[] octets, byte[] digest)
    {
        if (algorithm != $"{KeyType}-sha256") return Unfit("the key is for another algorithm");
        return KeyType == "rsa" ? CheckRsa(octets, digest) : CheckEd25519(octets, digest);
    }

    /// <summary>The flag <c>s</c>: <c>i=</c> may name no subdomain of <c>d=</c>.</summary>
    public KeyError? CheckIdentity(Signature signature) =>
        IsStrict && signature.IdentityIsSubdomain ? Unfit("the key forbids i= in a subdomain of d=") : null;

    private static KeyError Unfit(string reason) => new(SignatureFault.KeyUnfit, reason);

    private KeyError? CheckRsa(byte[] signature, byte[] digest)
    {
        using var rsa = RSA.Create();
        if (!TryImport(rsa)) return Malformed;
        if (rsa.KeySize is < BitsMin or > BitsMax) return new KeyError(SignatureFault.TooWeak, $"a key of {rsa.KeySize} bits is refused (RFC 8301)");
        try
        {
            if (rsa.ExportParameters(includePrivateParameters: false).Exponent!.Length > ExponentOctetsMax) return Unfit("the key's public exponent is longer than any in use");
            return rsa.VerifyHash(digest, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1) ? null : Mismatch;
        }
        catch (CryptographicException)
        {
            // Numbers that are no RSA key, an even modulus say.
            return Malformed;
        }
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
    private KeyError? CheckEd25519(byte[] signature, byte[] digest)
    {
        if (PublicKey.Length != Ed25519.PublicKeySize) return Malformed;
        var isGood = signature.Length == Ed25519.SignatureSize && Ed25519.Verify(signature, 0, PublicKey, 0, digest, 0, digest.Length);
        return isGood ? null : Mismatch;
    }
}

/// <summary>Why a key does not confirm a signature.</summary>
internal sealed record KeyError(SignatureFault Fault, string Reason);
