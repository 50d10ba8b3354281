using System.Runtime.CompilerServices;
using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Bounces;
using MailApi.Mail.Composition;
using MailApi.Mail.Dkim;
using MailApi.Suppressions;

namespace MailApi.Delivery;

/// <summary>What is added to the composed octets for one envelope: unsubscribe headers where the category demands them and the message has none for one click, then the signatures over it all.</summary>
internal sealed class MailSigner(Verp verp, UnsubscribeHeaders unsubscribe, TimeProvider time)
{
    /// <summary>How long an answer to a return path is accepted: receivers retry for five days and then may take their time.</summary>
    public static readonly TimeSpan ReturnPathLife = TimeSpan.FromDays(30);

    private readonly ConditionalWeakTable<byte[], Shared> signatures = [];

    /// <summary>The message in order: signatures, added headers, composed octets. Nothing encodes it again.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Sign(byte[] content, EnvelopeId envelope, SendingIdentity identity, CategoryRules rule)
    {
        // A way that takes more than one click gives way.
        if (rule.RequiresUnsubscribe && OneClickFields.Ensure(content, () => unsubscribe.For(envelope, identity.TrackingHost, identity.ReturnPathHost)) is { } completed)
            return Signed(completed, identity.Signers);
        // The recipients of one message whose envelopes were claimed together share its octets: they share the signature, too.
        var shared = signatures.GetValue(content, _ => new Shared(identity.Signers, new(() => Signed(content, identity.Signers))));
        return shared.Signers == identity.Signers ? shared.Parts.Value : Signed(content, identity.Signers);
    }

    private static IReadOnlyList<ReadOnlyMemory<byte>> Signed(byte[] message, IReadOnlyList<Signer> signers) => [.. signers.Select(signer => (ReadOnlyMemory<byte>)signer.Sign(message)), message];

    /// <summary>The envelope sender, which names this envelope to whoever bounces it.</summary>
    public string ReturnPath(EnvelopeId envelope, SendingIdentity identity) =>
        $"{verp.Tag(envelope.Value, DateOnly.FromDateTime((time.GetUtcNow() + ReturnPathLife).UtcDateTime))}@{identity.ReturnPathHost}";

    private sealed record Shared(IReadOnlyList<Signer> Signers, Lazy<IReadOnlyList<ReadOnlyMemory<byte>>> Parts);
}
