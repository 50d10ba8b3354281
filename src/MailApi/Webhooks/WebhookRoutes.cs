using System.ComponentModel;
using FluentValidation.Results;
using MailApi.Api;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Webhooks;

/// <summary>Where a tenant's events go, what became of each, and how to send them again.</summary>
public static class WebhookRoutes
{
    private const string Id = "{id:id(whk_)}";
    private const string Unknown = "No webhook of this tenant has this id.";
    private static readonly EventId Newest = new(Guid.AllBitsSet);

    public static void MapWebhooks(this IEndpointRouteBuilder routes)
    {
        var webhooks = routes.MapGroup("/webhooks").RequireScope(Scopes.Webhooks).WithTags("Webhooks");
        webhooks.MapPost("", Create).WithName("CreateWebhook").WithSummary("Sends events to a URL.").WithDescription("This answer alone shows the secret.").ProducesProblem(409);
        webhooks.MapGet("", List).WithName("ListWebhooks").WithSummary("The tenant's webhooks.");
        webhooks.MapGet(Id, Get).WithName("GetWebhook").WithSummary("One webhook.");
        webhooks.MapPatch(Id, Change).WithName("ChangeWebhook").WithSummary("Changes the URL or the events, disables or enables.");
        webhooks.MapDelete(Id, Delete).WithName("DeleteWebhook").WithSummary("Deletes a webhook and its deliveries.");
        webhooks.MapPost(Id + "/rotate-secret", Rotate).WithName("RotateWebhookSecret").WithSummary("Makes a new secret.").WithDescription("For 24 hours both sign.").ProducesProblem(409);
        webhooks.MapPost(Id + "/test", Test).WithName("TestWebhook").WithSummary("Sends a test event.").WithDescription("A `webhook.test`, to this webhook alone.").ProducesProblem(409);
        webhooks.MapGet(Id + "/deliveries", Deliveries).WithName("ListWebhookDeliveries").WithSummary("What became of each event, newest first.");
        webhooks.MapPost(Id + "/replay", Replay).WithName("ReplayWebhook").WithSummary("Sends events of the last 30 days again.")
            .WithDescription("At most 500 by id, or 100,000 by a span of time.");
    }

    private static async Task<Results<Created<WebhookView>, ProblemHttpResult>> Create(
        NewWebhook body, Caller caller, WebhookStore store, EgressGuard guard, WebhookOptions options, CancellationToken ct)
    {
        if (new NewWebhookValidator(options).Validate(body) is { IsValid: false } invalid) return Refuse(invalid);
        if (await Forbidden(body.Url!, guard, options, ct) is { } refusal) return refusal;

        var webhook = await store.Create(caller.Tenant, body.Url!, WebhookRules.Normalise(body.Events!), ct);
        return webhook is null
            ? Problem.Conflict.With($"The tenant has {WebhookOptions.PerTenantMax} webhooks, the most there can be; delete one first.")
            : TypedResults.Created($"/webhooks/{webhook.Id}", webhook);
    }

    private static async Task<Ok<Page<WebhookView>>> List(Caller caller, WebhookStore store, CancellationToken ct) =>
        TypedResults.Ok(new Page<WebhookView>(await store.List(caller.Tenant, ct), null));

    private static async Task<Results<Ok<WebhookView>, ProblemHttpResult>> Get(string id, Caller caller, WebhookStore store, CancellationToken ct) =>
        await Find(id, caller, store, ct) is { } webhook ? TypedResults.Ok(webhook) : Problem.NotFound.With(Unknown);

    private static async Task<Results<Ok<WebhookView>, ProblemHttpResult>> Change(
        string id, WebhookChange body, Caller caller, WebhookStore store, EgressGuard guard, WebhookOptions options, WebhookSignal signal, CancellationToken ct)
    {
        if (!PrefixedId.TryParse<WebhookId>(id, out var webhookId)) return Problem.NotFound.With(Unknown);
        if (new WebhookChangeValidator(options).Validate(body) is { IsValid: false } invalid) return Refuse(invalid);
        if (body.Url is not null && await Forbidden(body.Url, guard, options, ct) is { } refusal) return refusal;

        var events = body.Events is null ? null : WebhookRules.Normalise(body.Events);
        if (await store.Change(caller.Tenant, webhookId, body.Url, events, body.Enabled, ct) is not { } webhook) return Problem.NotFound.With(Unknown);
        signal.Signal();
        return TypedResults.Ok(webhook);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> Delete(string id, Caller caller, WebhookStore store, CancellationToken ct) =>
        PrefixedId.TryParse<WebhookId>(id, out var webhook) && await store.Delete(caller.Tenant, webhook, ct)
            ? TypedResults.NoContent()
            : Problem.NotFound.With(Unknown);

    private static async Task<Results<Ok<WebhookView>, ProblemHttpResult>> Rotate(string id, Caller caller, WebhookStore store, CancellationToken ct)
    {
        if (await Find(id, caller, store, ct) is not { } webhook) return Problem.NotFound.With(Unknown);
        return await store.Rotate(caller.Tenant, webhook.Id, ct) is { } rotated
            ? TypedResults.Ok(rotated)
            : Problem.Conflict.With("The secret was rotated or the webhook deleted at the same moment; look and try again.");
    }

    private static async Task<Results<Accepted<TestAccepted>, ProblemHttpResult>> Test(
        string id, Caller caller, WebhookStore store, WebhookSignal signal, CancellationToken ct)
    {
        if (await Find(id, caller, store, ct) is not { } webhook) return Problem.NotFound.With(Unknown);
        if (await store.Test(caller, webhook.Id, ct) is not { } happened) return Problem.Conflict.With("The webhook is disabled; enable it first.");
        signal.Signal();
        return TypedResults.Accepted($"/webhooks/{webhook.Id}/deliveries", new TestAccepted(happened));
    }

    private static async Task<Results<Ok<Page<DeliveryView>>, ProblemHttpResult>> Deliveries(
        string id, int? limit, string? cursor, [Description("Deliveries in this state.")][TextOf(typeof(DeliveryState))] string? state, Caller caller, WebhookStore store, DeliveryLog log, CancellationToken ct)
    {
        var errors = new Dictionary<string, string[]>();
        if (Paging.Limit(limit) is not { } size) (errors["limit"], size) = ([$"The limit must be 1 to {Paging.LimitMax}."], 0);
        if (!TryPosition(cursor, out var before)) errors["cursor"] = ["This is no cursor of this list; start without one."];
        if (!TryState(state, out var wanted)) errors["state"] = ["The state must be pending, delivered or failed."];
        if (errors.Count > 0) return Problem.InvalidFields(errors);
        if (await Find(id, caller, store, ct) is not { } webhook) return Problem.NotFound.With(Unknown);

        var found = await log.List(caller.Tenant, webhook.Id, wanted, before, size + 1, ct);
        var items = found.Take(size).ToList();
        return TypedResults.Ok(new Page<DeliveryView>(items, found.Count > size ? Paging.Encode(items[^1].Event.ToString()) : null));
    }

    private static async Task<Results<Ok<Replayed>, ProblemHttpResult>> Replay(
        string id, ReplayOrder? body, Caller caller, WebhookStore store, DeliveryLog log, WebhookSignal signal, CancellationToken ct)
    {
        if (await Find(id, caller, store, ct) is not { } webhook) return Problem.NotFound.With(Unknown);
        body ??= new ReplayOrder();
        if (new ReplayOrderValidator().Validate(body) is { IsValid: false } invalid) return Refuse(invalid);
        if (await log.Replay(caller.Tenant, webhook.Id, body, ct) is not { } count)
            return Refuse("from", $"The span holds more than {DeliveryLog.ReplayMax} events; narrow it with from and to.");
        signal.Signal();
        return TypedResults.Ok(new Replayed(count));
    }

    private static async Task<WebhookView?> Find(string id, Caller caller, WebhookStore store, CancellationToken ct) =>
        PrefixedId.TryParse<WebhookId>(id, out var webhook) ? await store.Find(caller.Tenant, webhook, ct) : null;

    /// <summary>Looks the name up, after its text has passed. One that the DNS does not know yet may come: it is looked up for each request.</summary>
    private static async Task<ProblemHttpResult?> Forbidden(string text, EgressGuard guard, WebhookOptions options, CancellationToken ct)
    {
        if (!WebhookUrl.TryParse(text, options.AllowPrivateNetworks, out var url, out var refusal)) return Refuse("url", refusal);
        return await guard.Admit(url, ct) is { IsForbidden: true, Refusal: { } reason } ? Refuse("url", reason) : null;
    }

    private static bool TryPosition(string? cursor, out EventId before)
    {
        before = Newest;
        return string.IsNullOrEmpty(cursor) || (Paging.TryDecode(cursor, out var position) && PrefixedId.TryParse(position, out before));
    }

    private static bool TryState(string? text, out DeliveryState? state)
    {
        state = EnumText.TryParse<DeliveryState>(text, out var parsed) ? parsed : null;
        return text is null || state is not null;
    }

    private static ProblemHttpResult Refuse(ValidationResult invalid) => Problem.InvalidFields(invalid.ToDictionary());

    private static ProblemHttpResult Refuse(string field, string error) => Problem.InvalidFields(new Dictionary<string, string[]> { [field] = [error] });
}
