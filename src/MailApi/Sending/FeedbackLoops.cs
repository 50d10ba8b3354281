using System.Security.Cryptography;
using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Bounces;
using MailApi.Mail.Composition;

namespace MailApi.Sending;

/// <summary>
/// The feedback loop of each message (RFC 9477). Its feedback id holds the message id and a keyed MAC (HMAC-SHA-256, 128 bits), in base32, which survives those who
/// fold case. It names the message and not the envelope, so that recipients share octets and signature; and it does not expire: old mail is complained about, too.
/// </summary>
internal sealed class FeedbackLoops(Func<byte[]> key, ReportAddresses addresses)
{
    /// <summary>What the key is derived for (<see cref="Storage.Vault.Derived"/>).</summary>
    public const string KeyPurpose = "feedback";

    private const int IdBytes = 16;
    private const int MacBytes = 16;

    public FeedbackLoops(byte[] key, ReportAddresses addresses) : this(() => key, addresses) { }

    /// <summary>Null where no mail is taken: an address that refuses complaints is worse than none.</summary>
    /// <param name="message">What complaints will name.</param>
    /// <param name="domain">Of its From, which signs it.</param>
    public FeedbackLoop? For(MessageId message, SendingDomain domain) =>
        addresses.FeedbackMailbox(domain.Name) is { } address ? new FeedbackLoop(address, FeedbackId(message)) : null;

    /// <summary>52 characters: with the name of its field they fit a line (RFC 5322 §2.1.1).</summary>
    public string FeedbackId(MessageId message)
    {
        Span<byte> token = stackalloc byte[IdBytes + MacBytes];
        message.Value.TryWriteBytes(token, bigEndian: true, out _);
        Mac(token[..IdBytes], token[IdBytes..]);
        return Base32.Encode(token);
    }

    /// <summary>False for a feedback id that this service did not make; case does not matter.</summary>
    public bool TryRead(string feedbackId, out MessageId message)
    {
        message = default;
        Span<byte> token = stackalloc byte[IdBytes + MacBytes];
        if (!Base32.TryDecode(feedbackId, token)) return false;

        Span<byte> mac = stackalloc byte[MacBytes];
        Mac(token[..IdBytes], mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, token[IdBytes..])) return false;
        message = new MessageId(new Guid(token[..IdBytes], bigEndian: true));
        return true;
    }

    private void Mac(ReadOnlySpan<byte> id, Span<byte> mac)
    {
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        // The label keeps the ids apart from whatever else the key may sign.
        HMACSHA256.HashData(key(), [.. "feedback:"u8, .. id], whole);
        whole[..MacBytes].CopyTo(mac);
    }
}
