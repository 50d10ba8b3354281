using System.Text;
using MailApi.Api;
using MailApi.Mail;
using MailApi.Mail.Composition;
using MailApi.Spool;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Sending;

/// <summary><c>POST /send</c>: JSON shape and validation (<see cref="SendReader"/>), rights, composition, commit, in this order.</summary>
internal sealed class SendEndpoint(SendReader reader, BodyMemory memory, SendRights rights, HasTopic hasTopic, FeedbackLoops feedbackLoops, Acceptances acceptances, TimeProvider time)
{
    public async Task<IResult> Send(Caller caller, HttpContext context, CancellationToken ct)
    {
        var (body, unread) = await PostedBody.ReadMessage(context, caller.Tenant, memory, SendLimits.BodyBytesMax, ct);
        if (body is null) return unread!;
        using var held = body;
        var idempotency = Idempotency(context.Request, caller, body.Octets);
        if (idempotency.Problem is not null) return idempotency.Problem;

        if (reader.Parse(body.Octets, out var request) is { } refused) return refused;

        var from = SendReader.From(request);
        var category = EnumText.Parse<Category>(request.Category!);
        var (domain, refusal) = await rights.Find(caller, from.Address.Domain, category, ct);
        if (refusal is null && request.Topic is { } topic && !await hasTopic(caller.Tenant, topic, ct))
            refusal = Problem.InvalidFields(new Dictionary<string, string[]> { ["topic"] = ["This is no topic of the tenant: name it in PUT /topics."] });
        if (refusal is not null) return await acceptances.Earlier(caller, idempotency.Key, ct) is { } earlier ? Answer(context, earlier) : refusal;

        var id = PrefixedId.New<MessageId>();
        var draft = SendReader.Draft(request, id, feedbackLoops.For(id, domain!), time.GetUtcNow());
        var content = Composer.Compose(draft);
        body.Composed();
        if (content.Length > SendLimits.MessageBytesMax) return Problem.TooLarge.With($"The composed message has {content.Length} octets; at most {SendLimits.MessageBytesMax} are taken.");

        var accepted = await acceptances.Accept(caller, domain!, new NewMessage
        {
            Id = id,
            Category = category,
            Sender = request.From!,
            Subject = request.Subject!,
            Tags = [.. request.Tags?.Select(tag => tag!) ?? []],
            Topic = request.Topic,
            Metadata = request.Metadata?.ToDictionary(pair => pair.Key, pair => pair.Value!) ?? [],
            OnUncertain = request.OnUncertain is null ? OnUncertain.Retry : EnumText.Parse<OnUncertain>(request.OnUncertain),
            RequireTls = request.RequireTls == true,
            Content = content,
            Envelopes = SendReader.Envelopes(request, draft),
            SendAt = SendReader.TryReadInstant(request.SendAt, out var sendAt) && sendAt > time.GetUtcNow() ? sendAt : null,
            Idempotency = idempotency.Key,
        });
        CrashPoint.Pass("before-answer");
        return Answer(context, accepted);
    }

    private static (IdempotencyKey? Key, IResult? Problem) Idempotency(HttpRequest request, Caller caller, ReadOnlyMemory<byte> body)
    {
        if (!request.Headers.TryGetValue("Idempotency-Key", out var values)) return (null, null);
        return values is [{ } key] && Acceptances.Idempotency(key, caller, [body]) is { } idempotency ? (idempotency, null) : (null, Acceptances.BadIdempotencyKey);
    }

    private static IResult Answer(HttpContext context, (string Answer, MessageId Id, ProblemHttpResult? Problem) accepted)
    {
        if (accepted.Problem is { } problem)
        {
            if (problem.StatusCode == StatusCodes.Status503ServiceUnavailable) context.Response.Headers.RetryAfter = "1";
            return problem;
        }
        context.Response.Headers.Location = $"/messages/{accepted.Id}";
        return TypedResults.Text(accepted.Answer, "application/json", Encoding.UTF8, StatusCodes.Status202Accepted);
    }
}

/// <summary>Whether the tenant has a topic of this name.</summary>
public delegate Task<bool> HasTopic(TenantId tenant, string name, CancellationToken ct);
