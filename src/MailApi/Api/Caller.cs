namespace MailApi.Api;

/// <summary>What a key may do; <c>send:{category}</c> narrows <c>send</c> to one category.</summary>
public static class Scopes
{
    public const string Send = "send";
    public const string Read = "read";
    public const string Domains = "domains";
    public const string Webhooks = "webhooks";
    public const string Suppressions = "suppressions";
    public const string Templates = "templates";

    /// <summary>To hand in mail that came back elsewhere.</summary>
    public const string Receive = "receive";

    /// <summary>Within a tenant: its keys and settings. The operator's key has it for all tenants.</summary>
    public const string Admin = "admin";

    /// <summary>Marks a route that only the operator's key may use.</summary>
    public const string Operator = "operator";

    public static string SendCategory(Category category) => "send:" + category.ToText();
}

/// <summary>Who calls: the tenant behind the key, and what the key may do. Bound from the request by type.</summary>
public sealed record Caller
{
    /// <summary>The tenant acted for. Null only for the operator's key where no <c>?tenant=ten_…</c> is given.</summary>
    public required TenantId? TenantOrNone { get; init; }

    /// <summary>Null for the operator's key.</summary>
    public required KeyId? Key { get; init; }

    public required bool IsOperator { get; init; }

    /// <summary>A test key: the whole pipeline, but the sandbox inbox as only destination.</summary>
    public required bool IsTest { get; init; }

    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>Domain names that the key is bound to; null for all of the tenant's.</summary>
    public required IReadOnlyList<string>? Domains { get; init; }

    /// <summary>The key is bound to domains or networks, or ends: it makes no keys, since they would be freer than itself.</summary>
    public bool IsBound { get; init; }

    /// <summary>The key's default category for SMTP submission, if any.</summary>
    public Category? DefaultCategory { get; init; }

    /// <summary>The tenant; routes marked with a tenant scope are never entered without one.</summary>
    public TenantId Tenant => TenantOrNone ?? throw new InvalidOperationException("The route admits callers without a tenant.");

    public bool Has(string scope) => IsOperator || Scopes.Contains(scope);

    public bool MaySend(Category category) => Has(Api.Scopes.Send) || Has(Api.Scopes.SendCategory(category));

    /// <summary>In one category at least.</summary>
    public bool MaySendSome => Enum.GetValues<Category>().Any(MaySend);

    public static ValueTask<Caller?> BindAsync(HttpContext context) => ValueTask.FromResult(context.Features.Get<Caller>());
}

/// <summary>The scope that a route asks for: the authentication middleware refuses callers without it.</summary>
public sealed record RequiredScope(string Scope, bool NeedsTenant)
{
    /// <summary>Whether requests by this method count against the tenant's ingress rate: all that change something (a commit at the least) do, and those so marked.</summary>
    public bool IsMetered(string method, CountsAsIngress? mark) => mark is not null || (!HttpMethods.IsGet(method) && Scope != Scopes.Operator);
}

/// <summary>A route that changes nothing and yet costs more than a query: its requests count against the tenant's ingress rate, as all do that change something.</summary>
public sealed record CountsAsIngress;

/// <summary>A route that carries mail or answers about it: it changes no settings, and the audit log leaves it out.</summary>
public sealed record Traffic;

public static class ScopeConventions
{
    public static TBuilder IsTraffic<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new Traffic());

    /// <summary>Holds a GET to the tenant's ingress rate.</summary>
    public static TBuilder CountAsIngress<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new CountsAsIngress());

    /// <summary>
    /// Admits keys with <paramref name="scope"/>. The operator's key is admitted when it names a tenant (<c>?tenant=ten_…</c>),
    /// or without one where <paramref name="needsTenant"/> is false.
    /// </summary>
    public static TBuilder RequireScope<TBuilder>(this TBuilder builder, string scope, bool needsTenant = true) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new RequiredScope(scope, needsTenant));
}
