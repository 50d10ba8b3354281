using System.Buffers.Text;
using System.Security.Cryptography;
using MailApi.Mail.Bounces;

namespace MailApi.Api;

/// <summary>
/// An id and a keyed MAC of it (HMAC-SHA-256, 128 bits): whoever hands it in had it from this service. In base64url, or in base32 where those on the way fold case.
/// It does not expire.
/// </summary>
/// <param name="key">Of one purpose each (<see cref="Storage.Vault.Derived"/>), so that what names one thing names no other.</param>
internal sealed class KeyedId(Func<byte[]> key)
{
    private const int IdBytes = 16;
    private const int MacBytes = 16;
    private const int Base64UrlLength = 43;

    public string ToBase64Url(Guid id)
    {
        Span<byte> octets = stackalloc byte[IdBytes + MacBytes];
        Write(id, octets);
        return Base64Url.EncodeToString(octets);
    }

    /// <summary>52 characters.</summary>
    public string ToBase32(Guid id)
    {
        Span<byte> octets = stackalloc byte[IdBytes + MacBytes];
        Write(id, octets);
        return Base32.Encode(octets);
    }

    /// <summary>False for a text that this service did not make.</summary>
    public bool TryReadBase64Url(string text, out Guid id)
    {
        id = default;
        Span<byte> octets = stackalloc byte[IdBytes + MacBytes];
        return text.Length == Base64UrlLength && Base64Url.IsValid(text) && Base64Url.TryDecodeFromChars(text, octets, out var written) && written == octets.Length && TryVerify(octets, out id);
    }

    /// <summary>False for a text that this service did not make; case does not matter.</summary>
    public bool TryReadBase32(ReadOnlySpan<char> text, out Guid id)
    {
        id = default;
        Span<byte> octets = stackalloc byte[IdBytes + MacBytes];
        return Base32.TryDecode(text, octets) && TryVerify(octets, out id);
    }

    private void Write(Guid id, Span<byte> octets)
    {
        id.TryWriteBytes(octets, bigEndian: true, out _);
        Mac(octets[..IdBytes], octets[IdBytes..]);
    }

    private bool TryVerify(ReadOnlySpan<byte> octets, out Guid id)
    {
        id = default;
        Span<byte> mac = stackalloc byte[MacBytes];
        Mac(octets[..IdBytes], mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, octets[IdBytes..])) return false;
        id = new Guid(octets[..IdBytes], bigEndian: true);
        return true;
    }

    private void Mac(ReadOnlySpan<byte> id, Span<byte> mac)
    {
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key(), id, whole);
        whole[..MacBytes].CopyTo(mac);
    }
}
