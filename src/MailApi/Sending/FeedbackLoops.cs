using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Composition;

namespace MailApi.Sending;

/// <summary>
/// The feedback loop of each message (RFC 9477). Its feedback id names the message and not the envelope, so that recipients share octets and signature; and it does not
/// expire: old mail is complained about, too.
/// </summary>
internal sealed class FeedbackLoops(Func<byte[]> key, ReportAddresses addresses)
{
    /// <summary>What the key is derived for (<see cref="Storage.Vault.Derived"/>).</summary>
    public const string KeyPurpose = "feedback";

    private readonly KeyedId ids = new(key);

    public FeedbackLoops(byte[] key, ReportAddresses addresses) : this(() => key, addresses) { }

    /// <summary>Null where no mail is taken: an address that refuses complaints is worse than none.</summary>
    /// <param name="message">What complaints will name.</param>
    /// <param name="domain">Of its From, which signs it.</param>
    public FeedbackLoop? For(MessageId message, SendingDomain domain) =>
        addresses.FeedbackMailbox(domain.Name) is { } address ? new FeedbackLoop(address, FeedbackId(message)) : null;

    /// <summary>In base32: with the name of its field it fits a line (RFC 5322 §2.1.1).</summary>
    public string FeedbackId(MessageId message) => ids.ToBase32(message.Value);

    /// <summary>False for a feedback id that this service did not make; case does not matter.</summary>
    public bool TryRead(string feedbackId, out MessageId message)
    {
        var isOurs = ids.TryReadBase32(feedbackId, out var id);
        message = new MessageId(id);
        return isOurs;
    }
}
