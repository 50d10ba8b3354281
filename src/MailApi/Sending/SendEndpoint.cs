using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Composition;
using MailApi.Spool;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace MailApi.Sending;

/// <summary><c>POST /send</c>: JSON shape, validation, rights, composition, commit, in this order.</summary>
internal sealed class SendEndpoint(SendRequestValidator validator, SendingDomains domains, Acceptor acceptor, Lifetimes lifetimes, TimeProvider time, IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> json)
{
    private const int CopyBytes = 64 * 1024;

    public async Task<IResult> Send(Caller caller, HttpContext context, CancellationToken ct)
    {
        var body = await ReadBody(context.Request, ct);
        if (body.Problem is not null) return body.Problem;
        var idempotency = Idempotency(context.Request, caller, body.Bytes);
        if (idempotency.Problem is not null) return idempotency.Problem;

        if (Parse(body.Bytes, out var request) is { } badJson) return badJson;
        var validation = validator.Validate(request);
        if (!validation.IsValid) return Problem.InvalidFields(ValidationErrors.ByPath(validation));

        var from = Mailboxes([request.From])[0];
        var category = EnumText.Parse<Category>(request.Category!);
        var domain = await domains.Find(caller.Tenant, from.Address.Domain, ct);
        if (Refuse(caller, from.Address.Domain, domain, category) is { } refusal) return refusal;

        var id = PrefixedId.New<MessageId>();
        var draft = Draft(request, id, from);
        var content = Composer.Compose(draft);
        if (content.Length > SendLimits.MessageBytesMax) return Problem.TooLarge.With($"The composed message has {content.Length} octets; at most {SendLimits.MessageBytesMax} are taken.");

        var envelopes = Envelopes(request, draft);
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
            Metadata = request.Metadata?.ToDictionary(pair => pair.Key, pair => pair.Value!) ?? [],
            OnUncertain = request.OnUncertain is null ? OnUncertain.Retry : EnumText.Parse<OnUncertain>(request.OnUncertain),
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

    private static async Task<(byte[] Bytes, IResult? Problem)> ReadBody(HttpRequest request, CancellationToken ct)
    {
        if (!request.HasJsonContentType()) return ([], Api.Problem.UnsupportedMediaType.With("Send Content-Type: application/json."));
        if (request.ContentLength > SendLimits.BodyBytesMax) return ([], TooLarge());
        using var buffer = new MemoryStream((int)(request.ContentLength ?? 0));
        try
        {
            // A body in chunks does not tell its length: what is too much of it is thrown away as it comes.
            if (!await Copy(request.Body, buffer, ct)) return ([], TooLarge());
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return ([], TooLarge());
        }
        return (buffer.Length == buffer.Capacity ? buffer.GetBuffer() : buffer.ToArray(), null);

        static IResult TooLarge() => Api.Problem.TooLarge.With($"The body may have at most {SendLimits.BodyBytesMax} octets.");
    }

    /// <summary>False when there was more than <see cref="SendLimits.BodyBytesMax"/>; the body is read to its end all the same.</summary>
    private static async Task<bool> Copy(Stream body, MemoryStream buffer, CancellationToken ct)
    {
        var block = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            var fits = true;
            while (await body.ReadAsync(block, ct) is > 0 and var read)
            {
                fits = fits && buffer.Length + read <= SendLimits.BodyBytesMax;
                if (fits) buffer.Write(block, 0, read);
                else buffer.SetLength(0);
            }
            return fits;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
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

    private ProblemHttpResult? Parse(byte[] body, out SendRequest request)
    {
        request = null!;
        try
        {
            var options = json.Value.SerializerOptions;
            request = (SendRequest?)JsonSerializer.Deserialize(body, options.GetTypeInfo(typeof(SendRequest)))!;
            return request is null ? Problem.BadJson.With("The body must be a JSON object.") : null;
        }
        catch (JsonException e)
        {
            return Problem.BadJson.With(JsonErrors.Describe(e));
        }
    }

    /// <summary>Rights that need the store: nothing here tells a caller whether a foreign domain exists.</summary>
    private static ProblemHttpResult? Refuse(Caller caller, string name, SendingDomain? domain, Category category)
    {
        if (!caller.MaySend(category)) return Problem.ScopeMissing.With($"The key lacks the scope send or {Scopes.SendCategory(category)}.");
        if (caller.Domains is not null && !caller.Domains.Contains(name)) return Problem.DomainNotAllowed.With($"The key is bound to other domains than {name}.");
        if (domain is null) return Problem.DomainNotAllowed.With($"{name} is not a domain of this tenant. Register it with POST /domains.");
        if (domain.State != DomainState.Verified) return Problem.DomainNotAllowed.With($"{name} is not verified. Publish its records and POST /domains/{domain.Id}/verify.");
        return domain.Categories.Contains(category) ? null : Problem.CategoryNotAllowed.With($"{name} is not registered for {category.ToText()}. PATCH /domains/{domain.Id} to add it.");
    }

    private Draft Draft(SendRequest request, MessageId id, Mailbox from) => new()
    {
        MessageId = $"{id.Value:N}@{from.Address.Domain}",
        Date = time.GetUtcNow(),
        From = from,
        To = Mailboxes(request.To),
        Cc = Mailboxes(request.Cc),
        ReplyTo = Mailboxes(request.ReplyTo),
        Subject = request.Subject!,
        Text = request.Text,
        Html = request.Html,
        Headers = request.Headers?.ToDictionary(pair => pair.Key, pair => pair.Value!) ?? [],
        Attachments = [.. request.Attachments?.Select(file => new Attachment(
            file!.Filename!, file.ContentType ?? "application/octet-stream", Convert.FromBase64String(file.Content!), file.ContentId)) ?? []],
    };

    /// <summary>One envelope a distinct recipient, bcc included; an internationalised header makes every envelope need SMTPUTF8.</summary>
    private static List<AcceptedEnvelope> Envelopes(SendRequest request, Draft draft)
    {
        var header = Composer.NeedsSmtpUtf8(draft);
        return [.. draft.To.Concat(draft.Cc).Concat(Mailboxes(request.Bcc)).Select(mailbox => mailbox.Address).Distinct()
            .Select(address => new AcceptedEnvelope(PrefixedId.New<EnvelopeId>(), address.ToString(), address.Domain, header || address.NeedsSmtpUtf8))];
    }

    private static List<Mailbox> Mailboxes(IReadOnlyList<string?>? texts)
    {
        var mailboxes = new List<Mailbox>(texts?.Count ?? 0);
        foreach (var text in texts ?? [])
            if (Mailbox.TryParse(text, out var mailbox)) mailboxes.Add(mailbox);
        return mailboxes;
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
