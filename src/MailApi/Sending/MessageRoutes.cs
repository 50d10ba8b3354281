using System.ComponentModel;
using System.Text.Json.Nodes;
using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Composition;
using MailApi.Spool;
using MailApi.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.OpenApi;

namespace MailApi.Sending;

/// <summary>Sending mail, and what became of it.</summary>
public static class MessageRoutes
{
    /// <summary>Works as it stands with the test key of an installation's first start.</summary>
    private const string Example =
        """
        {
          "from": "Example Shop <orders@mail.demo.example>",
          "to": ["Ann <ann@example.net>"],
          "subject": "Order 1001 is on its way",
          "text": "Your parcel left our warehouse this morning.",
          "category": "notification",
          "tags": ["shipping"],
          "metadata": { "order": "1001" }
        }
        """;

    public static IServiceCollection AddSending(this IServiceCollection services) =>
        services.AddSingleton<SendRequestValidator>().AddSingleton<SendReader>().AddSingleton<BodyMemory>().AddSingleton<SendRights>().AddSingleton<Acceptances>().AddSingleton<SendEndpoint>()
            .AddSingleton(provider => new FeedbackLoops(provider.GetRequiredService<Vault>().Derived(FeedbackLoops.KeyPurpose), provider.GetRequiredService<DomainOptions>().Reports));

    public static void MapMessages(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/send", (Caller caller, HttpContext context, SendEndpoint endpoint, CancellationToken ct) => endpoint.Send(caller, context, ct))
            .RequireScope(Scopes.Send).IsTraffic().WithMetadata(new BodySizeLimit(SendLimits.BodyBytesDrainedMax)).WithTags("Sending").WithName("Send")
            .WithSummary("Accepts a message.").WithDescription(
                "A `202` means that the message is on disk. Repeat a request whose answer was lost with the same `Idempotency-Key`: what was accepted is answered again, not sent again.")
            .Accepts<SendRequest>("application/json").Produces<SendResponse>(StatusCodes.Status202Accepted)
            .AddOpenApiOperationTransformer((operation, _, _) => Describe(operation));

        var messages = routes.MapGroup("/messages").WithTags("Messages");
        messages.MapGet("", List).RequireScope(Scopes.Read).WithName("ListMessages").WithSummary("Lists messages, newest first.");
        messages.MapGet("/{id:id(msg_)}", Get).RequireScope(Scopes.Read).WithName("GetMessage").WithSummary("A message, its recipients and its timeline.");
        messages.MapPost("/{id:id(msg_)}/cancel", Cancel).RequireScope(Scopes.Send).IsTraffic().WithName("CancelMessage").WithSummary("Calls back what has not left.");
    }

    private static async Task<Results<Ok<MessageSummary>, ProblemHttpResult>> Get(string id, Caller caller, Messages messages, CancellationToken ct) =>
        PrefixedId.TryParse<MessageId>(id, out var message) && await messages.Find(caller.Tenant, message, ct) is { } found
            ? TypedResults.Ok(found)
            : Problem.NotFound.With("There is no such message.");

    /// <summary>Who may not send a message may not call it back either.</summary>
    private static async Task<Results<Ok<MessageSummary>, ProblemHttpResult>> Cancel(string id, Caller caller, Messages messages, CancellationToken ct)
    {
        if (!PrefixedId.TryParse<MessageId>(id, out var message) || await messages.Find(caller.Tenant, message, ct) is not { } found) return Problem.NotFound.With("There is no such message.");
        if (!caller.MaySend(found.Category)) return Problem.ScopeMissing.With($"The key lacks the scope send or {Scopes.SendCategory(found.Category)}.");
        if (caller.Domains?.Contains(found.Domain) == false) return Problem.DomainNotAllowed.With($"The key is bound to other domains than {found.Domain}.");
        return await messages.Cancel(caller.Tenant, message, ct) is { } canceled ? TypedResults.Ok(canceled) : Problem.NotFound.With("There is no such message.");
    }

    private static async Task<Results<Ok<Page<MessageSummary>>, ProblemHttpResult>> List([AsParameters] ListQuery query, Caller caller, Messages messages, CancellationToken ct)
    {
        if (Read(query, out var filter, out var before, out var limit) is { Count: > 0 } errors) return Problem.InvalidFields(errors);
        var found = await messages.List(caller.Tenant, filter, before, limit + 1, ct);
        var page = found.Take(limit).ToList();
        return TypedResults.Ok(new Page<MessageSummary>(page, found.Count > limit ? Paging.Encode(page[^1].Id.ToString()) : null));
    }

    private static Dictionary<string, string[]> Read(ListQuery query, out MessageFilter filter, out MessageId? before, out int limit)
    {
        var errors = new Dictionary<string, string[]>();
        limit = Paging.Limit(query.Limit) ?? 0;
        if (limit == 0) errors["limit"] = [$"Between 1 and {Paging.LimitMax}."];
        before = null;
        if (!string.IsNullOrEmpty(query.Cursor))
        {
            if (Paging.TryDecode(query.Cursor, out var position) && PrefixedId.TryParse<MessageId>(position, out var id)) before = id;
            else errors["cursor"] = ["Not a cursor of this list: pass an answer's next."];
        }
        EnvelopeState? state = null;
        if (query.State is not null)
        {
            if (EnumText.TryParse<EnvelopeState>(query.State, out var value) && value != EnvelopeState.Rung) state = value;
            else errors["state"] = ["One of " + string.Join(", ", Enum.GetValues<EnvelopeState>().Where(it => it != EnvelopeState.Rung).Select(it => it.ToText())) + "."];
        }
        Category? category = null;
        if (query.Category is not null)
        {
            if (EnumText.TryParse<Category>(query.Category, out var value)) category = value;
            else errors["category"] = ["One of " + string.Join(", ", Enum.GetValues<Category>().Select(it => it.ToText())) + "."];
        }
        EmailAddress? recipient = null;
        if (query.Recipient is not null && !EmailAddress.TryParse(Paging.Address(query.Recipient), out recipient)) errors["recipient"] = ["Not an address."];
        var (from, to) = (Instant("from", query.From), Instant("to", query.To));
        // Neither can hold it, and PostgreSQL takes no U+0000.
        if (query.Domain?.Contains('\0') == true) errors["domain"] = ["Not a domain."];
        if (query.Tag?.Contains('\0') == true) errors["tag"] = ["Not a tag."];
        filter = new MessageFilter
        {
            State = state,
            Category = category,
            Domain = DomainName.TryParse(query.Domain, out var domain) ? domain : query.Domain,
            Recipient = recipient?.ToString(),
            Tag = query.Tag,
            From = from,
            To = to,
        };
        return errors;

        DateTimeOffset? Instant(string name, string? text)
        {
            if (text is null) return null;
            if (Paging.TryReadInstant(text, out var at)) return at;
            errors[name] = ["A date and time such as 2026-12-01T09:00:00Z."];
            return null;
        }
    }

    private static Task Describe(OpenApiOperation operation)
    {
        operation.RequestBody!.Content!["application/json"].Example = JsonNode.Parse(Example);
        (operation.Parameters ??= []).Insert(0, new OpenApiParameter
        {
            Name = "Idempotency-Key",
            In = ParameterLocation.Header,
            Description = $"Kept for {Retention.IdempotencyKeys.TotalDays} days. With it, the same body is accepted once; with another body it is refused.",
            Schema = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = SendLimits.IdempotencyKeyCharsMax },
        });
        var headers = ((OpenApiResponse)operation.Responses!["202"]).Headers ??= new Dictionary<string, IOpenApiHeader>();
        headers["Location"] = new OpenApiHeader { Description = "The path of the message.", Schema = new OpenApiSchema { Type = JsonSchemaType.String } };
        return Task.CompletedTask;
    }

    /// <summary>The filters of <c>GET /messages</c>.</summary>
    internal sealed record ListQuery(
        [property: TextOf(typeof(EnvelopeState)), Description("Messages with a recipient in this state.")] string? State,
        [property: TextOf(typeof(Category)), Description("Messages of this category.")] string? Category,
        [property: Description("Messages sent from this domain.")] string? Domain,
        [property: Description("Messages to this address.")] string? Recipient,
        [property: Description("Messages with this tag.")] string? Tag,
        [property: Description("Accepted at this time or later, such as 2026-12-01T09:00:00Z.")] string? From,
        [property: Description("Accepted before this time.")] string? To,
        string? Cursor,
        int? Limit);
}
