using System.Formats.Asn1;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace MailApi.Mail.Dkim;

/// <summary>
/// Ed25519 keys in the forms that RSA keys have on this platform, which knows no Ed25519 itself (RFC 8410); the arithmetic is BouncyCastle's,
/// which MimeKit brings.
/// </summary>
internal static class Ed25519Der
{
    public const int SeedOctets = 32;
    private const string Oid = "1.3.101.112";

    public static byte[] PublicOf(byte[] seed)
    {
        var key = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(seed, 0, key, 0);
        return key;
    }

    public static byte[] Sign(byte[] seed, ReadOnlySpan<byte> message)
    {
        var signature = new byte[Ed25519.SignatureSize];
        Ed25519.Sign(seed, 0, message.ToArray(), 0, message.Length, signature, 0);
        return signature;
    }

    /// <summary>PKCS #8 (RFC 8410 §7).</summary>
    public static byte[] Private(byte[] seed)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(0);
            WriteAlgorithm(writer);
            var inner = new AsnWriter(AsnEncodingRules.DER);
            inner.WriteOctetString(seed);
            writer.WriteOctetString(inner.Encode());
        }
        return writer.Encode();
    }

    /// <summary>SubjectPublicKeyInfo (RFC 8410 §4).</summary>
    public static byte[] Public(byte[] key)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            WriteAlgorithm(writer);
            writer.WriteBitString(key);
        }
        return writer.Encode();
    }

    /// <summary>Null where it is no Ed25519 key in PKCS #8. Attributes and the public half, which may follow, are not read.</summary>
    public static byte[]? TryReadPrivate(ReadOnlySpan<byte> pkcs8)
    {
        try
        {
            var key = new AsnReader(pkcs8.ToArray(), AsnEncodingRules.DER).ReadSequence();
            key.ReadInteger();
            if (key.ReadSequence().ReadObjectIdentifier() != Oid) return null;
            var seed = new AsnReader(key.ReadOctetString(), AsnEncodingRules.DER).ReadOctetString();
            return seed.Length == SeedOctets ? seed : null;
        }
        catch (AsnContentException)
        {
            return null;
        }
    }

    /// <summary>The 32 octets; null where it is no Ed25519 key.</summary>
    public static byte[]? TryReadPublic(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        try
        {
            var info = new AsnReader(subjectPublicKeyInfo.ToArray(), AsnEncodingRules.DER).ReadSequence();
            if (info.ReadSequence().ReadObjectIdentifier() != Oid) return null;
            var key = info.ReadBitString(out _);
            return key.Length == Ed25519.PublicKeySize ? key : null;
        }
        catch (AsnContentException)
        {
            return null;
        }
    }

    private static void WriteAlgorithm(AsnWriter writer)
    {
        using (writer.PushSequence()) writer.WriteObjectIdentifier(Oid);
    }
}
