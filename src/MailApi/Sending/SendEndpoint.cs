using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Composition;
using MailApi.Spool;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Sending;

/// <summary><c>POST /send</c>: JSON shape and validation (<see cref="SendReader"/>), rights, composition, commit, in this order.</summary>
internal sealed class SendEndpoint(SendReader reader, SendingDomains domains, Acceptor acceptor, Lifetimes lifetimes, HasTopic hasTopic, TimeProvider time)
{
    public async Task<IResult> Send(Caller caller, HttpContext context, CancellationToken ct)
    {
        var body = await SendReader.ReadBody(context.Request, ct);
        if (body.Problem is not null) return body.Problem;
        var idempotency = Idempotency(context.Request, caller, body.Bytes);
        if (idempotency.Problem is not null) return idempotency.Problem;

        if (reader.Parse(body.Bytes, out var request) is { } refused) return refused;

        var from = SendReader.From(request);
        var category = EnumText.Parse<Category>(request.Category!);
        var domain = await domains.Find(caller.Tenant, from.Address.Domain, ct);
        if (Refuse(caller, from.Address.Domain, domain, category) is { } refusal) return refusal;
        if (request.Topic is { } topic && !await hasTopic(caller.Tenant, topic, ct)) return Problem.InvalidFields(new Dictionary<string, string[]> { ["topic"] = ["This is no topic of the tenant: name it in PUT /topics."] });

        var id = PrefixedId.New<MessageId>();
        var draft = SendReader.Draft(request, id, time.GetUtcNow());
        var content = Composer.Compose(draft);
        if (content.Length > SendLimits.MessageBytesMax) return Problem.TooLarge.With($"The composed message has {content.Length} octets; at most {SendLimits.MessageBytesMax} are taken.");

        var envelopes = SendReader.Envelopes(request, draft);
        var response = new SendResponse(id, [.. envelopes.Select(envelope => new SendRecipient(envelope.Id, envelope.Recipient, EnvelopeState.Queued))]);
        var answer = JsonSerializer.Serialize(response, SendJson.Default.SendResponse);
        var sendAt = request.SendAt > time.GetUtcNow() ? request.SendAt : null;
        var result = await acceptor.Accept(new Acceptance
        {
            Id = id,
            Tenant = caller.Tenant,
            DomainId = domain!.Id,
            Domain = domain.Name,
            Category = category,
            Test = caller.IsTest,
            Sender = request.From!,
            Subject = request.Subject!,
            Tags = [.. request.Tags?.Select(tag => tag!) ?? []],
            Topic = request.Topic,
            Metadata = request.Metadata?.ToDictionary(pair => pair.Key, pair => pair.Value!) ?? [],
            OnUncertain = request.OnUncertain is null ? OnUncertain.Retry : EnumText.Parse<OnUncertain>(request.OnUncertain),
            RequireTls = request.RequireTls == true,
            Content = content,
            Envelopes = envelopes,
            SendAt = sendAt,
            Lifetime = lifetimes(category),
            Idempotency = idempotency.Key,
            Response = answer,
        });
        return result switch
        {
            AcceptResult.Committed => Accepted(context, answer, id),
            AcceptResult.Replayed replayed => Accepted(context, replayed.Response, JsonSerializer.Deserialize(replayed.Response, SendJson.Default.SendResponse)!.Id),
            AcceptResult.KeyReused => Problem.IdempotencyReused.With("Use a new key for a new message, or send the same body again."),
            _ => Busy(context),
        };
    }

    private static (IdempotencyKey? Key, IResult? Problem) Idempotency(HttpRequest request, Caller caller, byte[] body)
    {
        if (!request.Headers.TryGetValue("Idempotency-Key", out var values)) return (null, null);
        var key = values.ToString();
        if (values.Count != 1 || key.Length is 0 or > SendLimits.IdempotencyKeyCharsMax || HeaderRules.ValueError(key) is not null)
            return (null, Api.Problem.BadRequest.With($"Idempotency-Key must be one text of 1 to {SendLimits.IdempotencyKeyCharsMax} characters."));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(caller.IsTest ? "test"u8 : "live"u8);
        hash.AppendData(body);
        return (new IdempotencyKey(key, hash.GetHashAndReset()), null);
    }

    /// <summary>Rights that need the store: nothing here tells a caller whether a foreign domain exists.</summary>
    internal static ProblemHttpResult? Refuse(Caller caller, string name, SendingDomain? domain, Category category)
    {
        if (!caller.MaySend(category)) return Problem.ScopeMissing.With($"The key lacks the scope send or {Scopes.SendCategory(category)}.");
        if (caller.Domains is not null && !caller.Domains.Contains(name)) return Problem.DomainNotAllowed.With($"The key is bound to other domains than {name}.");
        if (domain is null) return Problem.DomainNotAllowed.With($"{name} is not a domain of this tenant. Register it with POST /domains.");
        if (domain.State == DomainState.Failing)
            return Problem.DomainNotAllowed.With($"{name} no longer has the records that it needs. GET /domains/{domain.Id} shows what is missing; mend it and POST /domains/{domain.Id}/verify.");
        if (domain.State != DomainState.Verified) return Problem.DomainNotAllowed.With($"{name} is not verified. Publish its records and POST /domains/{domain.Id}/verify.");
        return domain.Categories.Contains(category) ? null : Problem.CategoryNotAllowed.With($"{name} is not registered for {category.ToText()}. PATCH /domains/{domain.Id} to add it.");
    }

    private static ContentHttpResult Accepted(HttpContext context, string answer, MessageId id)
    {
        context.Response.Headers.Location = $"/messages/{id}";
        return TypedResults.Text(answer, "application/json", Encoding.UTF8, StatusCodes.Status202Accepted);
    }

    private static ProblemHttpResult Busy(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "1";
        return Problem.Busy.With("Too much waits to be committed. Try again in a second.");
    }
}

/// <summary>How long mail of a category is tried.</summary>
public delegate TimeSpan Lifetimes(Category category);

/// <summary>Whether the tenant has a topic of this name.</summary>
public delegate Task<bool> HasTopic(TenantId tenant, string name, CancellationToken ct);
