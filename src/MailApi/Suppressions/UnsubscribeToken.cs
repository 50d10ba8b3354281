using System.Buffers.Text;
using System.Security.Cryptography;
using MailApi.Api;

namespace MailApi.Suppressions;

/// <summary>
/// The token of an unsubscribe link: the envelope id and a keyed MAC (HMAC-SHA-256, 128 bits), in base64url. It does not expire: a link must
/// work for as long as the law of any recipient asks (60 days in Canada), and old mail is read.
/// </summary>
internal sealed class UnsubscribeToken(byte[] key)
{
    /// <summary>What the key is derived for (<see cref="Storage.Vault.Derive"/>).</summary>
    public const string KeyPurpose = "unsubscribe";

    private const int IdBytes = 16;
    private const int MacBytes = 16;
    private const int Length = 43;

    public string Create(EnvelopeId envelope)
    {
        Span<byte> token = stackalloc byte[IdBytes + MacBytes];
        envelope.Value.TryWriteBytes(token, bigEndian: true, out _);
        Mac(token[..IdBytes], token[IdBytes..]);
        return Base64Url.EncodeToString(token);
    }

    /// <summary>False for a token that this service did not make.</summary>
    public bool TryRead(string token, out EnvelopeId envelope)
    {
        envelope = default;
        if (token.Length != Length || !Base64Url.IsValid(token)) return false;
        Span<byte> bytes = stackalloc byte[IdBytes + MacBytes];
        if (!Base64Url.TryDecodeFromChars(token, bytes, out var written) || written != bytes.Length) return false;
        Span<byte> mac = stackalloc byte[MacBytes];
        Mac(bytes[..IdBytes], mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, bytes[IdBytes..])) return false;
        envelope = new EnvelopeId(new Guid(bytes[..IdBytes], bigEndian: true));
        return true;
    }

    private void Mac(ReadOnlySpan<byte> id, Span<byte> mac)
    {
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, id, whole);
        whole[..MacBytes].CopyTo(mac);
    }
}
