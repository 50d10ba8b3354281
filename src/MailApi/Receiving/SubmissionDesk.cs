using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Composition;
using MailApi.Mail.Smtp;
using MailApi.Mail.Smtp.Listener;
using MailApi.Mail.Smtp.Submission;
using MailApi.Sending;
using MailApi.Spool;
using MailApi.Tenants;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Receiving;

/// <summary>
/// Takes a message that came by SMTP the way <c>POST /send</c> takes one: rate, reading, rights, octets, commit, in this order. Its <c>250</c> is the same
/// promise as the <c>202</c>. The sender of the envelope is not looked at: the return path is always ours.
/// </summary>
internal sealed partial class SubmissionDesk(
    KeyDirectory keys, LoginFailures failures, IngressLimit ingress, SubmissionReader reader, BodyMemory memory, SendRights rights, HasTopic hasTopic, FeedbackLoops feedbackLoops, Acceptances acceptances, TimeProvider time, ILogger<SubmissionDesk> log)
{
    private static readonly Reply NotSevenBit = new(554, "5.6.3", "A part is neither 7-bit nor may it be encoded, since it is signed. Sign what is 7-bit (RFC 1847)");

    public KeyDirectory Keys => keys;

    public LoginFailures Failures => failures;

    /// <exception cref="System.Data.Common.DbException">The store is away.</exception>
    public async Task<Reply> Take(KnownKey key, ReceivedMessage message, CancellationToken ct)
    {
        var caller = key.Caller;
        if (ingress.TakeOne(caller.Tenant, key.IngressRate) is { } tooMany) return ProblemReply.From(tooMany);
        var (domain, composed, reply) = await Compose(caller, message, ct);
        return composed is null ? reply! : Answer(await acceptances.Accept(caller, domain!, composed));
    }

    /// <summary>The message to be accepted, or the reply where there is none. A large one is copied several times over on the way: it waits for its place as those of <c>POST /send</c> do.</summary>
    private async Task<(SendingDomain? Domain, NewMessage? Message, Reply? Reply)> Compose(Caller caller, ReceivedMessage message, CancellationToken ct)
    {
        using var place = message.Content.Length > BodyMemory.FreeOctets ? await memory.Compose(ct) : null;
        if (!SubmittedMessage.TryRead(message.Content, out var submitted, out var fault)) return Only(new Reply(550, "5.6.0", fault));
        if (!reader.TryRead(submitted, caller, out var instructions, out fault)) return Only(new Reply(550, "5.6.0", fault));

        var (domain, refusal) = await rights.Find(caller, submitted.From.Address.Domain, instructions.Category, ct);
        var refused = refusal is null ? null : ProblemReply.From(refusal);
        if (refused is null && instructions.Topic is { } topic && !await hasTopic(caller.Tenant, topic, ct)) refused = new Reply(550, "5.6.0", "X-MailApi-Topic: This is no topic of the tenant: name it in PUT /topics.");
        var recipients = Recipients(message);
        var idempotency = instructions.Idempotency(caller, message.Content, recipients);
        if (refused is not null) return await acceptances.Earlier(caller, idempotency, ct) is { } earlier ? Only(Answer(earlier)) : Only(refused);
        if (submitted.Sender is { } sender && sender.Address.Domain != domain!.Name)
            return Only(new Reply(550, "5.7.1", $"Sender must be an address at {domain.Name}, as From is, or be left out"));

        var id = PrefixedId.New<MessageId>();
        var content = submitted.ToBytes($"{id.Value:N}", time.GetUtcNow(), feedbackLoops.For(id, domain!));
        if (content is null) return Only(NotSevenBit);
        if (content.Length > SendLimits.MessageBytesMax) return Only(ProblemReply.From(Problem.TooLarge.With($"The message has {content.Length} octets in 7-bit; at most {SendLimits.MessageBytesMax} are taken.")));

        return (domain, new NewMessage
        {
            Id = id,
            Category = instructions.Category,
            Sender = submitted.From.ToString(),
            Subject = submitted.Subject,
            Topic = instructions.Topic,
            Tags = instructions.Tags,
            Metadata = instructions.Metadata,
            OnUncertain = OnUncertain.Retry,
            RequireTls = false,
            Content = content,
            Envelopes = [.. recipients.Select(address => new AcceptedEnvelope(PrefixedId.New<EnvelopeId>(), address.ToString(), address.Domain, submitted.NeedsSmtpUtf8 || address.NeedsSmtpUtf8))],
            SendAt = null,
            Idempotency = idempotency,
        }, null);

        static (SendingDomain?, NewMessage?, Reply?) Only(Reply reply) => (null, null, reply);
    }

    private static Reply Answer((string Answer, MessageId Id, ProblemHttpResult? Problem) accepted) =>
        accepted.Problem is null ? new Reply(250, "2.0.0", $"{accepted.Id} queued") : ProblemReply.From(accepted.Problem);

    /// <summary>Each once, in the order given.</summary>
    private static List<EmailAddress> Recipients(ReceivedMessage message)
    {
        var addresses = new List<EmailAddress>();
        foreach (var path in message.Recipients)
            if (EmailAddress.TryParse(path.ToString(), out var address)) addresses.Add(address);
        return [.. addresses.Distinct()];
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A submitted message could not be stored: {Reason}")]
    public partial void LogStoreAway(string reason);
}
