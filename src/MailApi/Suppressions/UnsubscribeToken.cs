using System.Buffers.Text;
using System.Security.Cryptography;
using MailApi.Api;
using MailApi.Mail.Bounces;

namespace MailApi.Suppressions;

/// <summary>
/// The token of an unsubscribe link: the envelope id and a keyed MAC (HMAC-SHA-256, 128 bits), in base64url; in an address the same in base32, because
/// receivers fold the case of local parts. It does not expire: a link must work for as long as the law of any recipient asks (60 days in
/// Canada), and old mail is read.
/// </summary>
internal sealed class UnsubscribeToken(Func<byte[]> key)
{
    /// <summary>What the key is derived for (<see cref="Storage.Vault.Derived"/>).</summary>
    public const string KeyPurpose = "unsubscribe";

    /// <summary>Before the token in a local part; no return path has it, since base32 has no hyphen.</summary>
    public const string MailboxPrefix = "u-";

    private const int IdBytes = 16;
    private const int MacBytes = 16;
    private const int Length = 43;

    public UnsubscribeToken(byte[] key) : this(() => key) { }

    public string Create(EnvelopeId envelope)
    {
        Span<byte> token = stackalloc byte[IdBytes + MacBytes];
        Write(envelope, token);
        return Base64Url.EncodeToString(token);
    }

    /// <summary>A local part of 54 octets, of the 64 that it may have (RFC 5321 §4.5.3.1.1).</summary>
    public string Mailbox(EnvelopeId envelope)
    {
        Span<byte> token = stackalloc byte[IdBytes + MacBytes];
        Write(envelope, token);
        return MailboxPrefix + Base32.Encode(token);
    }

    /// <summary>False for a token that this service did not make.</summary>
    public bool TryRead(string token, out EnvelopeId envelope)
    {
        envelope = default;
        if (token.Length != Length || !Base64Url.IsValid(token)) return false;
        Span<byte> bytes = stackalloc byte[IdBytes + MacBytes];
        return Base64Url.TryDecodeFromChars(token, bytes, out var written) && written == bytes.Length && TryVerify(bytes, out envelope);
    }

    /// <summary>False for a local part that this service did not make; case does not matter.</summary>
    public bool TryReadMailbox(string localPart, out EnvelopeId envelope)
    {
        envelope = default;
        if (!localPart.StartsWith(MailboxPrefix, StringComparison.OrdinalIgnoreCase)) return false;
        Span<byte> bytes = stackalloc byte[IdBytes + MacBytes];
        return Base32.TryDecode(localPart[MailboxPrefix.Length..], bytes) && TryVerify(bytes, out envelope);
    }

    private void Write(EnvelopeId envelope, Span<byte> token)
    {
        envelope.Value.TryWriteBytes(token, bigEndian: true, out _);
        Mac(token[..IdBytes], token[IdBytes..]);
    }

    private bool TryVerify(ReadOnlySpan<byte> token, out EnvelopeId envelope)
    {
        envelope = default;
        Span<byte> mac = stackalloc byte[MacBytes];
        Mac(token[..IdBytes], mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, token[IdBytes..])) return false;
        envelope = new EnvelopeId(new Guid(token[..IdBytes], bigEndian: true));
        return true;
    }

    private void Mac(ReadOnlySpan<byte> id, Span<byte> mac)
    {
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key(), id, whole);
        whole[..MacBytes].CopyTo(mac);
    }
}
