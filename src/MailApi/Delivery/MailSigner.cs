using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Bounces;
using MailApi.Suppressions;

namespace MailApi.Delivery;

/// <summary>What is added to the composed octets for one envelope: unsubscribe headers where the category demands them, then the signatures over it all.</summary>
internal sealed class MailSigner(Verp verp, UnsubscribeHeaders unsubscribe, TimeProvider time)
{
    /// <summary>How long an answer to a return path is accepted: receivers retry for five days and then may take their time.</summary>
    public static readonly TimeSpan ReturnPathLife = TimeSpan.FromDays(30);

    /// <summary>The message in order: signatures, added headers, composed octets. Nothing encodes it again.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Sign(byte[] content, EnvelopeId envelope, SendingIdentity identity, CategoryRules rule)
    {
        var message = content;
        if (rule.RequiresUnsubscribe && !HasHeader(message, "List-Unsubscribe:"u8))
            message = [.. unsubscribe.For(envelope, identity.TrackingHost), .. message];
        var parts = new List<ReadOnlyMemory<byte>>(identity.Signers.Count + 1);
        foreach (var signer in identity.Signers) parts.Add(signer.Sign(message));
        parts.Add(message);
        return parts;
    }

    /// <summary>The envelope sender, which names this envelope to whoever bounces it.</summary>
    public string ReturnPath(EnvelopeId envelope, SendingIdentity identity) =>
        $"{verp.Tag(envelope.Value, DateOnly.FromDateTime((time.GetUtcNow() + ReturnPathLife).UtcDateTime))}@{identity.ReturnPathHost}";

    private static bool HasHeader(ReadOnlySpan<byte> message, ReadOnlySpan<byte> name)
    {
        while (!message.IsEmpty)
        {
            var end = message.IndexOf("\r\n"u8);
            if (end <= 0) return false;
            if (message.Length >= name.Length && System.Text.Ascii.EqualsIgnoreCase(message[..name.Length], name)) return true;
            message = message[(end + 2)..];
        }
        return false;
    }
}
