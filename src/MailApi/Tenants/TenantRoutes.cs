using FluentValidation;
using MailApi.Api;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Tenants;

/// <summary>Tenants, by the operator, and their keys.</summary>
public static class TenantRoutes
{
    public static IServiceCollection AddTenants(this IServiceCollection services) => services
        .AddSingleton<OperatorKey>().AddSingleton<KeyDirectory>().AddSingleton<TenantRegistry>().AddSingleton<IngressLimit>().AddHostedService<KeyUse>()
        .AddSingleton<TenantRequestValidator>().AddSingleton<KeyRequestValidator>();

    public static void MapTenants(this IEndpointRouteBuilder routes)
    {
        var tenants = routes.MapGroup("/tenants").WithTags("Tenants");
        tenants.MapPost("", Create).RequireScope(Scopes.Operator, needsTenant: false).WithName("CreateTenant").WithSummary("Creates a tenant with its first live and test key.");
        tenants.MapGet("/{id:id(ten_)}", Get).RequireScope(Scopes.Admin, needsTenant: false).WithName("GetTenant").WithSummary("A tenant.");
        tenants.MapPatch("/{id:id(ten_)}", Change).RequireScope(Scopes.Admin, needsTenant: false).WithName("ChangeTenant").WithSummary("Changes a tenant.")
            .WithDescription("The tenant's own keys change its name and when a delay is told; ingress rate and weight are the operator's.");
        tenants.MapPost("/{id:id(ten_)}/keys", CreateKey).RequireScope(Scopes.Admin, needsTenant: false).WithName("CreateKey").WithSummary("Creates a key; it is shown this once.");
        tenants.MapGet("/{id:id(ten_)}/keys", ListKeys).RequireScope(Scopes.Admin, needsTenant: false).WithName("ListKeys").WithSummary("The tenant's keys, revoked ones included.");
        tenants.MapGet("/{id:id(ten_)}/keys/{key:id(key_)}", GetKey).RequireScope(Scopes.Admin, needsTenant: false).WithName("GetKey").WithSummary("A key, without the key itself.");
        tenants.MapDelete("/{id:id(ten_)}/keys/{key:id(key_)}", RevokeKey).RequireScope(Scopes.Admin, needsTenant: false).WithName("RevokeKey").WithSummary("Revokes a key.");
    }

    private static async Task<Results<Created<Tenant>, ProblemHttpResult>> Create(TenantRequest request, TenantRegistry registry, TenantRequestValidator validator, CancellationToken ct)
    {
        if (validator.Validate(request) is { IsValid: false } validation) return Problem.InvalidFields(ValidationErrors.ByPath(validation));
        if (request.Name is null) return Problem.InvalidFields(new Dictionary<string, string[]> { ["name"] = ["Required."] });
        var tenant = await registry.Create(request.Name, Merge(IngressRate.Default, request.IngressRate), request.DelayedAfterSeconds, request.Weight ?? 1, ct);
        return TypedResults.Created($"/tenants/{tenant.Id}", tenant);
    }

    private static async Task<Results<Ok<Tenant>, ProblemHttpResult>> Get(string id, Caller caller, TenantRegistry registry, CancellationToken ct) =>
        Own(id, caller) is { } tenant && await registry.Find(tenant, ct) is { } found ? TypedResults.Ok(found) : NoSuchTenant();

    private static async Task<Results<Ok<Tenant>, ProblemHttpResult>> Change(
        string id, TenantRequest request, Caller caller, TenantRegistry registry, TenantRequestValidator validator, CancellationToken ct)
    {
        if (validator.Validate(request) is { IsValid: false } validation) return Problem.InvalidFields(ValidationErrors.ByPath(validation));
        if (Own(id, caller) is not { } tenant || await registry.Find(tenant, ct) is not { } found) return NoSuchTenant();
        if (caller.IsTest || caller.IsBound) return Problem.ScopeMissing.With("A test key, or one that is bound to domains or networks or expires, changes nothing of its tenant.");
        if (!caller.IsOperator && (request.IngressRate is not null || request.Weight is not null)) return Problem.OperatorOnly.With("A tenant's ingress rate and weight are the operator's to change.");
        var changed = found with
        {
            Name = request.Name ?? found.Name,
            IngressRate = Merge(found.IngressRate, request.IngressRate),
            DelayedAfterSeconds = request.DelayedAfterSeconds ?? found.DelayedAfterSeconds,
            Weight = request.Weight ?? found.Weight,
        };
        await registry.Update(changed, ct);
        return TypedResults.Ok(changed);
    }

    private static async Task<Results<Created<Key>, ProblemHttpResult>> CreateKey(
        string id, KeyRequest request, Caller caller, TenantRegistry registry, KeyRequestValidator validator, CancellationToken ct)
    {
        if (Own(id, caller) is not { } tenant || await registry.Find(tenant, ct) is null) return NoSuchTenant();
        if (validator.Validate(request) is { IsValid: false } validation) return Problem.InvalidFields(ValidationErrors.ByPath(validation));
        if (caller.IsBound) return Problem.ScopeMissing.With("A key that is bound to domains or networks, or that expires, makes no keys.");
        if (caller.IsTest && EnumText.Parse<KeyMode>(request.Mode!) == KeyMode.Live) return Problem.ScopeMissing.With("A test key makes test keys only.");
        IReadOnlyList<string> scopes = request.Scopes is null ? caller.IsOperator ? TenantRegistry.AllScopes : caller.Scopes : [.. request.Scopes.Select(scope => scope!).Distinct()];
        if (scopes.FirstOrDefault(scope => !MayGrant(caller, scope)) is { } missing) return Problem.ScopeMissing.With($"The key lacks the scope {missing} and cannot grant it.");
        var key = await registry.CreateKey(tenant, new NewKey(request.Name ?? "", EnumText.Parse<KeyMode>(request.Mode!), scopes)
        {
            Domains = request.Domains is null ? null : [.. request.Domains.Select(domain => domain!)],
            Networks = request.Networks is null ? null : [.. request.Networks.Select(network => network!)],
            DefaultCategory = request.DefaultCategory is null ? null : EnumText.Parse<Category>(request.DefaultCategory),
            ExpiresAt = request.ExpiresAt,
        }, ct);
        return TypedResults.Created($"/tenants/{tenant}/keys/{key.Id}", key);
    }

    private static async Task<Results<Ok<KeyList>, ProblemHttpResult>> ListKeys(string id, Caller caller, TenantRegistry registry, CancellationToken ct) =>
        Own(id, caller) is { } tenant && await registry.Find(tenant, ct) is not null ? TypedResults.Ok(new KeyList(await registry.Keys(tenant, ct))) : NoSuchTenant();

    private static async Task<Results<Ok<Key>, ProblemHttpResult>> GetKey(string id, string key, Caller caller, TenantRegistry registry, CancellationToken ct) =>
        Own(id, caller) is { } tenant && PrefixedId.TryParse<KeyId>(key, out var keyId) && (await registry.Keys(tenant, ct)).Find(known => known.Id == keyId) is { } found
            ? TypedResults.Ok(found)
            : Problem.NotFound.With();

    private static async Task<Results<NoContent, ProblemHttpResult>> RevokeKey(string id, string key, Caller caller, TenantRegistry registry, CancellationToken ct) =>
        Own(id, caller) is { } tenant && PrefixedId.TryParse<KeyId>(key, out var keyId) && await registry.Revoke(tenant, keyId, ct)
            ? TypedResults.NoContent()
            : Problem.NotFound.With("There is no such key.");

    /// <summary>The tenant that a route names, if the caller may know of it.</summary>
    private static TenantId? Own(string id, Caller caller) =>
        PrefixedId.TryParse<TenantId>(id, out var tenant) && (caller.IsOperator || caller.TenantOrNone == tenant) ? tenant : null;

    /// <summary>A key can give what it has: <c>send</c> covers <c>send:{category}</c>.</summary>
    private static bool MayGrant(Caller caller, string scope) => caller.Has(scope) || (scope.StartsWith("send:", StringComparison.Ordinal) && caller.Has(Scopes.Send));

    private static IngressRate Merge(IngressRate rate, IngressRateRequest? request) => new(request?.PerSecond ?? rate.PerSecond, request?.Burst ?? rate.Burst);

    private static ProblemHttpResult NoSuchTenant() => Problem.NotFound.With("There is no such tenant.");
}
