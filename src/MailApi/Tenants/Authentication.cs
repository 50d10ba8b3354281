using MailApi.Api;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Tenants;

/// <summary>
/// Turns the key of a request into its <see cref="Caller"/> and holds it to the scope that the route asks for. Routes without
/// <see cref="RequiredScope"/> are open to everyone.
/// </summary>
internal sealed class Authentication(RequestDelegate next, KeyDirectory directory, OperatorKey operatorKey, IngressLimit ingress, TenantRegistry tenants)
{
    private const string Scheme = "Bearer ";

    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<RequiredScope>() is not { } required)
        {
            await next(context);
            return;
        }
        var (caller, rate, refusal) = await Identify(context);
        refusal ??= Admit(caller!, required);
        var isMetered = required.IsMetered(context.Request.Method, context.GetEndpoint()!.Metadata.GetMetadata<CountsAsIngress>());
        if (refusal is null && isMetered && rate is not null) refusal = ingress.Take(context, caller!.Tenant, rate, sends: required.Scope == Scopes.Send);
        if (refusal is not null)
        {
            await refusal.ExecuteAsync(context);
            return;
        }
        context.Features.Set(caller);
        await next(context);
    }

    private async Task<(Caller? Caller, IngressRate? Rate, ProblemHttpResult? Refusal)> Identify(HttpContext context)
    {
        var header = context.Request.Headers.Authorization.ToString();
        var key = header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : "";
        if (operatorKey.Is(key)) return await Operator(context);
        if (await directory.Admit(key, context.Connection.RemoteIpAddress, context.RequestAborted) is { } known)
            return (known.Caller, known.IngressRate, null);

        context.Response.Headers.WWWAuthenticate = "Bearer";
        return (null, null, Problem.Unauthorized.With(key.Length == 0 ? "Send the header Authorization: Bearer mk_…" : "The key is unknown, revoked, expired, or not for this network."));
    }

    /// <summary>The operator acts for the tenant that <c>?tenant=ten_…</c> names.</summary>
    private async Task<(Caller?, IngressRate?, ProblemHttpResult?)> Operator(HttpContext context)
    {
        TenantId? tenant = null;
        IngressRate? rate = null;
        if (context.Request.Query.TryGetValue("tenant", out var named))
        {
            if (!PrefixedId.TryParse<TenantId>(named, out var id) || await tenants.Find(id, context.RequestAborted) is not { } found)
                return (null, null, Problem.NotFound.With("There is no such tenant."));
            (tenant, rate) = (id, found.IngressRate);
        }
        return (new Caller { TenantOrNone = tenant, Key = null, IsOperator = true, IsTest = false, Scopes = [], Domains = null }, rate, null);
    }

    private static ProblemHttpResult? Admit(Caller caller, RequiredScope required)
    {
        if (caller.IsOperator)
            return required.NeedsTenant && caller.TenantOrNone is null ? Problem.BadRequest.With("The operator's key must name the tenant it acts for: add ?tenant=ten_….") : null;
        if (required.Scope == Scopes.Operator) return Problem.OperatorOnly.With("This route is for the operator's key, Admin__Key.");
        var has = required.Scope == Scopes.Send ? caller.MaySendSome : caller.Has(required.Scope);
        return has ? null : Problem.ScopeMissing.With($"The key lacks the scope {required.Scope}.");
    }
}

