using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using MailApi.Mail.Routing;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

namespace MailApi.Mail.Dnssec;

/// <summary>Verifies signatures (RFC 4035 §5.3), for one look-up: their number is bounded, since each costs and strangers send them (CVE-2023-50387).</summary>
internal sealed class Signatures(TimeProvider time)
{
    /// <summary>A long chain of zones and aliases takes about 40.</summary>
    public const int VerificationsMax = 120;

    private const int RsaSha256 = 8, RsaSha512 = 10, EcdsaP256 = 13, EcdsaP384 = 14, Ed25519 = 15;
    private const int Sha256Digest = 2, Sha384Digest = 4;

    private int verifications;

    /// <summary>SHA-1 is not among them: RFC 9905 lets such zones count as unsigned.</summary>
    public static bool Knows(DsData ds) => ds.Algorithm is RsaSha256 or RsaSha512 or EcdsaP256 or EcdsaP384 or Ed25519 && ds.DigestType is Sha256Digest or Sha384Digest;

    /// <summary>Whether the DS record is of this key (RFC 4034 §5.1.4).</summary>
    public static bool Matches(DsData ds, string owner, DnskeyData key)
    {
        if (ds.Tag != key.Tag || ds.Algorithm != key.Algorithm) return false;
        byte[] hashed = [.. DnsName.ToWire(owner)!, .. key.Data];
        return ds.DigestType switch
        {
            Sha256Digest => SHA256.HashData(hashed).AsSpan().SequenceEqual(ds.Digest),
            Sha384Digest => SHA384.HashData(hashed).AsSpan().SequenceEqual(ds.Digest),
            _ => false,
        };
    }

    /// <summary>Verifies the records of one name and type.</summary>
    /// <param name="records">At least one.</param>
    /// <param name="section">Where their signatures are.</param>
    /// <param name="zone">Who must have signed.</param>
    /// <param name="keys">The zone's.</param>
    /// <returns>The signature that is right, or why none is: the end of a sentence.</returns>
    public (RrsigData? Good, string Why) Verify(
        IReadOnlyList<ResourceRecord> records, IReadOnlyList<ResourceRecord> section, string zone, IReadOnlyList<DnskeyData> keys)
    {
        var (owner, type) = (records[0].Name, records[0].Type);
        var why = "carry no signature";
        foreach (var signature in section.Where(record => record.Type == RecordType.Rrsig && record.Name == owner).Select(RrsigData.TryRead).OfType<RrsigData>())
        {
            if (signature.Covered != type) continue;
            if (signature.Signer != zone || !DnsName.IsWithin(owner, zone) || signature.Labels > DnsName.Labels(owner))
            {
                why = $"are signed by {Shown(signature.Signer)} and not by {Shown(zone)}";
                continue;
            }
            if (OutOfTime(signature) is { } late)
            {
                why = late;
                continue;
            }
            var candidates = keys.Where(key => key.Tag == signature.Tag && key.Algorithm == signature.Algorithm).ToList();
            if (candidates.Count == 0)
            {
                why = $"are signed with key {signature.Tag}, which {Shown(zone)} does not publish";
                continue;
            }
            why = $"carry a signature of key {signature.Tag} that does not fit them: they were changed after they were signed";
            var signed = Signed(records, signature);
            foreach (var key in candidates)
            {
                if (++verifications > VerificationsMax) return (null, "carry more signatures than may be verified");
                if (IsGood(key, signed, signature.Signature)) return (signature, "");
            }
        }
        return (null, why);
    }

    public static string Shown(string name) => name.Length == 0 ? "the root" : name;

    /// <summary>Times are compared modulo 2^32 (RFC 4034 §3.1.5).</summary>
    private string? OutOfTime(RrsigData signature)
    {
        var now = (uint)time.GetUtcNow().ToUnixTimeSeconds();
        if ((int)(signature.Expiration - now) < 0) return $"carry a signature that expired on {Day(signature.Expiration)}";
        return (int)(now - signature.Inception) < 0 ? $"carry a signature that is valid only from {Day(signature.Inception)} on" : null;
    }

    private static string Day(uint seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>RFC 4034 §3.1.8.1: the signature's head, then every record in canonical form and order, duplicates once.</summary>
    private static byte[] Signed(IReadOnlyList<ResourceRecord> records, RrsigData signature)
    {
        var owner = records[0].Name;
        // Of a wildcard the asterisk was signed (RFC 4035 §5.3.2).
        if (signature.Labels < DnsName.Labels(owner)) owner = signature.Labels == 0 ? "*" : "*." + DnsName.Last(owner, signature.Labels);
        byte[] head = [.. DnsName.ToWire(owner) ?? [], (byte)((int)records[0].Type >> 8), (byte)records[0].Type, 0, 1, .. Number(signature.OriginalTtl)];
        var all = records.Select(record => record.Data).ToArray();
        Array.Sort(all, (left, right) => left.AsSpan().SequenceCompareTo(right));
        var signed = new List<byte>(signature.Head);
        for (var i = 0; i < all.Length; i++)
        {
            if (i > 0 && all[i].AsSpan().SequenceEqual(all[i - 1])) continue;
            signed.AddRange(head);
            signed.AddRange([(byte)(all[i].Length >> 8), (byte)all[i].Length]);
            signed.AddRange(all[i]);
        }
        return [.. signed];
    }

    private static byte[] Number(uint number)
    {
        var octets = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(octets, number);
        return octets;
    }

    private static bool IsGood(DnskeyData key, byte[] signed, byte[] signature)
    {
        try
        {
            return key.Algorithm switch
            {
                RsaSha256 => Rsa(key.Key, signed, signature, HashAlgorithmName.SHA256),
                RsaSha512 => Rsa(key.Key, signed, signature, HashAlgorithmName.SHA512),
                EcdsaP256 => Ecdsa(key.Key, 32, ECCurve.NamedCurves.nistP256, signed, signature, HashAlgorithmName.SHA256),
                EcdsaP384 => Ecdsa(key.Key, 48, ECCurve.NamedCurves.nistP384, signed, signature, HashAlgorithmName.SHA384),
                Ed25519 => Edwards(key.Key, signed, signature),
                _ => false,
            };
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // A key that is none.
            return false;
        }
    }

    /// <summary>RFC 3110 §2: the exponent behind its length in one or three octets, then the modulus of up to 4,096 bits.</summary>
    private static bool Rsa(byte[] key, byte[] signed, byte[] signature, HashAlgorithmName hash)
    {
        if (key.Length < 3) return false;
        var (at, length) = key[0] != 0 ? (1, (int)key[0]) : (3, (key[1] << 8) | key[2]);
        // A long exponent is legal and slow, and nobody has one.
        if (length is 0 or > 8 || at + length >= key.Length || key.Length - at - length > 513) return false;
        using var rsa = RSA.Create(new RSAParameters { Exponent = key[at..(at + length)], Modulus = key.AsSpan(at + length).TrimStart((byte)0).ToArray() });
        return rsa.VerifyData(signed, signature, hash, RSASignaturePadding.Pkcs1);
    }

    /// <summary>RFC 6605 §4: the two coordinates of the point; r and s of the signature, one behind the other.</summary>
    private static bool Ecdsa(byte[] key, int size, ECCurve curve, byte[] signed, byte[] signature, HashAlgorithmName hash)
    {
        if (key.Length != 2 * size || signature.Length != 2 * size) return false;
        using var ecdsa = ECDsa.Create(new ECParameters { Curve = curve, Q = new ECPoint { X = key[..size], Y = key[size..] } });
        return ecdsa.VerifyData(signed, signature, hash);
    }

    /// <summary>RFC 8080. .NET has no Ed25519.</summary>
    private static bool Edwards(byte[] key, byte[] signed, byte[] signature)
    {
        if (key.Length != 32 || signature.Length != 64) return false;
        var verifier = new Ed25519Signer();
        verifier.Init(forSigning: false, new Ed25519PublicKeyParameters(key));
        verifier.BlockUpdate(signed, 0, signed.Length);
        return verifier.VerifySignature(signature);
    }
}
