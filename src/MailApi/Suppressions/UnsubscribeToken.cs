using MailApi.Api;

namespace MailApi.Suppressions;

/// <summary>
/// Names an envelope in an unsubscribe link, and in an unsubscribe address. It does not expire: a link must work for as long as the law of any recipient asks (60 days in
/// Canada), and old mail is read.
/// </summary>
internal sealed class UnsubscribeToken(Func<byte[]> key)
{
    /// <summary>What the key is derived for (<see cref="Storage.Vault.Derived"/>).</summary>
    public const string KeyPurpose = "unsubscribe";

    /// <summary>Before the token in a local part; no return path has it, since base32 has no hyphen.</summary>
    public const string MailboxPrefix = "u-";

    private readonly KeyedId ids = new(key);

    public UnsubscribeToken(byte[] key) : this(() => key) { }

    public string Create(EnvelopeId envelope) => ids.ToBase64Url(envelope.Value);

    /// <summary>A local part of 54 octets, of the 64 that it may have (RFC 5321 §4.5.3.1.1).</summary>
    public string Mailbox(EnvelopeId envelope) => MailboxPrefix + ids.ToBase32(envelope.Value);

    /// <summary>False for a token that this service did not make.</summary>
    public bool TryRead(string token, out EnvelopeId envelope)
    {
        var isOurs = ids.TryReadBase64Url(token, out var id);
        envelope = new EnvelopeId(id);
        return isOurs;
    }

    /// <summary>False for a local part that this service did not make; case does not matter.</summary>
    public bool TryReadMailbox(string localPart, out EnvelopeId envelope)
    {
        var isOurs = ids.TryReadBase32(localPart.StartsWith(MailboxPrefix, StringComparison.OrdinalIgnoreCase) ? localPart.AsSpan(MailboxPrefix.Length) : [], out var id);
        envelope = new EnvelopeId(id);
        return isOurs;
    }
}
