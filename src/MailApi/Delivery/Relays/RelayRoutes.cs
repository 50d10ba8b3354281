using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Composition;
using MailApi.Mail.Routing;
using MailApi.OAuth;
using MailApi.Storage;
using MailApi.Tenants;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Delivery.Relays;

/// <summary>The relays of a tenant, and of the operator for everyone.</summary>
internal static class RelayRoutes
{
    private const string Id = "{id:id(rly_)}";

    public static IServiceCollection AddRelays(this IServiceCollection services) => services
        .AddSingleton<RelayStore>().AddSealed(RelayStore.Sealed).AddSingleton<RelayDirectory>().AddSingleton<RelayValidator>().AddSingleton<IRefreshTokens<Relay>>(provider => provider.GetRequiredService<RelayStore>())
        .AddSingleton<TokenEndpoint>().AddSingleton<OAuthTokens<Relay>>().AddSingleton<RelayTest>();

    public static void MapRelays(this IEndpointRouteBuilder routes)
    {
        var relays = routes.MapGroup("/relays").RequireScope(Scopes.Admin, needsTenant: false).WithTags("Relays");
        relays.MapPost("", Create).WithName("CreateRelay").WithSummary("Lets a relay (smart host) take mail.")
            .WithDescription("The mail of the tenant, of one of its sending domains, of a category; the most specific scope that has an enabled relay wins.").ProducesProblem(409);
        relays.MapGet("", List).WithName("ListRelays").WithSummary("The tenant's relays.").WithDescription("With the operator's key and no tenant, those that take every tenant's mail.");
        relays.MapGet(Id, Get).WithName("GetRelay").WithSummary("One relay, without its secrets.");
        relays.MapPatch(Id, Change).WithName("ChangeRelay").WithSummary("Changes a relay.")
            .WithDescription("All but the scope of use. Secrets that are not given stay, unless the host, its protection or the token endpoint change.").ProducesProblem(409);
        relays.MapDelete(Id, Remove).WithName("RemoveRelay").WithSummary("Removes a relay; its mail takes the next best way.");
        relays.MapPost(Id + "/test", Test).WithName("TestRelay").WithSummary("Connects, protects the connection, logs in and takes leave.")
            .WithDescription("Answers each step with the relay's reply, and what to do where it failed. Sends nothing.");
    }

    private static async Task<Results<Created<RelayView>, ProblemHttpResult>> Create(
        RelayRequest request, Caller caller, RelayValidator validator, TenantRegistry tenants, SendingDomains domains, MxRouter router, RelayStore store, RelayDirectory directory,
        CancellationToken ct)
    {
        if (caller.IsTest) return LiveMail();
        var tenant = request.Tenant ?? caller.TenantOrNone;
        var errors = ValidationErrors.ByPath(validator.Validate(request));
        if (TenantError(request, caller) is { } wrong) errors["tenant"] = [wrong];
        else if (request.Tenant is { } named && await tenants.Find(named, ct) is null) errors["tenant"] = ["There is no such tenant."];
        if (DomainName.TryParse(request.Domain, out var domain) && await DomainError(domain, tenant, domains, ct) is { } unknown) errors["domain"] = [unknown];
        if (errors.Count > 0) return Problem.InvalidFields(errors);
        if (!MayTouch(caller, domain)) return Problem.ScopeMissing.With("The key is bound to some domains: name one of them.");

        var relay = (request with { Domain = domain }).ToRelay(PrefixedId.New<RelayId>(), tenant);
        if (await HostError(relay, router, ct) is { } hidden) return hidden;
        if (!await store.Create(relay, ct)) return Problem.Conflict.With($"There are {RelayStore.RelaysMax} relays, the most there can be; remove one first.");
        directory.Forget(tenant);
        return TypedResults.Created($"/relays/{relay.Id}", RelayView.Of((await store.Find(relay.Id, tenant, ofAnyone: tenant is null, ct))!));
    }

    private static async Task<Ok<Page<RelayView>>> List(Caller caller, RelayStore store, CancellationToken ct) =>
        TypedResults.Ok(new Page<RelayView>([.. (await store.List(caller.TenantOrNone, ct)).Where(relay => MayTouch(caller, relay.Domain)).Select(RelayView.Of)], null));

    private static async Task<Results<Ok<RelayView>, ProblemHttpResult>> Get(string id, Caller caller, RelayStore store, CancellationToken ct) =>
        await Find(id, caller, store, ct) is { } relay ? TypedResults.Ok(RelayView.Of(relay)) : Problem.NotFound.With();

    private static async Task<Results<Ok<RelayView>, ProblemHttpResult>> Change(
        string id, RelayChange change, Caller caller, RelayValidator validator, MxRouter router, RelayStore store, RelayDirectory directory, CancellationToken ct)
    {
        if (await Find(id, caller, store, ct) is not { } relay) return Problem.NotFound.With();
        if (caller.IsTest) return LiveMail();
        var request = change.Over(relay);
        if (validator.Validate(request) is { IsValid: false } invalid) return Problem.InvalidFields(ValidationErrors.ByPath(invalid));

        var changed = request.ToRelay(relay.Id, relay.Tenant) with { Revision = relay.Revision };
        if (changed.Host != relay.Host && await HostError(changed, router, ct) is { } hidden) return hidden;
        if (!await store.Change(changed, ct)) return Problem.Conflict.With("The relay was changed or removed at the same moment; look and try again.");
        directory.Forget(relay.Tenant);
        return await Find(id, caller, store, ct) is { } shown ? TypedResults.Ok(RelayView.Of(shown)) : Problem.NotFound.With();
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> Remove(string id, Caller caller, RelayStore store, RelayDirectory directory, CancellationToken ct)
    {
        if (await Find(id, caller, store, ct) is not { } relay) return Problem.NotFound.With();
        if (caller.IsTest) return LiveMail();
        if (!await store.Remove(relay, ct)) return Problem.NotFound.With();
        directory.Forget(relay.Tenant);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<RelayTestResult>, ProblemHttpResult>> Test(string id, Caller caller, RelayStore store, RelayTest test, CancellationToken ct) =>
        await Find(id, caller, store, ct) is { } relay ? TypedResults.Ok(await test.Run(relay, ct)) : Problem.NotFound.With();

    /// <summary>The relay, if the caller may know of it: a tenant its own, the operator without a tenant all.</summary>
    private static async Task<Relay?> Find(string id, Caller caller, RelayStore store, CancellationToken ct) =>
        PrefixedId.TryParse<RelayId>(id, out var relayId)
        && await store.Find(relayId, caller.TenantOrNone, ofAnyone: caller is { IsOperator: true, TenantOrNone: null }, ct) is { } relay && MayTouch(caller, relay.Domain) ? Seen(relay) : null;

    private static Relay Seen(Relay relay)
    {
        Act.Concerns(relay.Tenant);
        return relay;
    }

    /// <summary>A key bound to some domains sees and makes relays of these alone.</summary>
    private static bool MayTouch(Caller caller, string? domain) => caller.Domains is null || (domain is not null && caller.Domains.Contains(domain));

    /// <summary>Test mail never leaves the sandbox: a test key that lies about in a build must not redirect what does.</summary>
    private static ProblemHttpResult LiveMail() => Problem.ScopeMissing.With("Relays carry live mail: make and change them with a live key.");

    private static string? TenantError(RelayRequest request, Caller caller) => (request.Tenant, caller.TenantOrNone) switch
    {
        ({ }, _) when !caller.IsOperator => "Only the operator's key names a tenant; yours is known by its key.",
        ({ } named, { } acting) when named != acting => "The body and the address name different tenants.",
        _ => null,
    };

    private static async Task<string?> DomainError(string domain, TenantId? tenant, SendingDomains domains, CancellationToken ct)
    {
        if (tenant is not { } owner) return "A domain is a tenant's: name that too.";
        return await domains.Find(owner, domain, ct) is null ? "The tenant has not registered this domain." : null;
    }

    /// <summary>A host whose addresses cannot be looked up now may be right; one that has no public address is not.</summary>
    private static async Task<ProblemHttpResult?> HostError(Relay relay, MxRouter router, CancellationToken ct) =>
        await router.Find(relay.Options(token: null), ct) is RouteResult.Temporary { Reply.Enhanced: MxRouter.NoUsableAddress }
            ? Problem.InvalidFields(new Dictionary<string, string[]> { ["host"] = ["The host has no address of the public internet; the operator may allow others (Delivery__AllowPrivateNetworks)."] })
            : null;
}
