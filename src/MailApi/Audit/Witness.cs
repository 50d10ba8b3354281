using System.Globalization;
using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Audit;

/// <summary>
/// Sees every request that changes something and has it noted: every route that asks for a key and does not just read, but for those marked as
/// <see cref="Traffic"/>. What is refused is not an act.
/// </summary>
internal sealed partial class Witness(Db db, AppendAct append, ILogger<Witness> log) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var request = context.HttpContext;
        if (!IsAct(request) || request.Features.Get<Caller>() is not { } caller) return await next(context);
        var act = Seen(request, caller);
        act.Begin();
        try
        {
            var result = await next(context);
            act.End();
            // A call that changes nothing here, such as a relay's test, uses a secret all the same.
            if (act.Mark is null && Succeeded(result)) await db.Note(act, request.RequestAborted);
            return result;
        }
        finally
        {
            act.End();
            if (act.Mark is not null) LogAct(act.Name, act.Actor, act.Mark);
        }
    }

    private static bool IsAct(HttpContext request) =>
        !HttpMethods.IsGet(request.Request.Method) && request.GetEndpoint() is { } endpoint && endpoint.Metadata.GetMetadata<RequiredScope>() is not null
        && endpoint.Metadata.GetMetadata<Traffic>() is null;

    private Act Seen(HttpContext request, Caller caller)
    {
        // Not an address in the path: it is content.
        var ids = ((RouteEndpoint)request.GetEndpoint()!).RoutePattern.Parameters
            .Where(parameter => parameter.Name == "selector" || parameter.ParameterPolicies.Any(policy => policy.Content?.StartsWith(IdRouteConstraint.Name + "(", StringComparison.Ordinal) == true))
            .Select(parameter => Convert.ToString(request.Request.RouteValues[parameter.Name], CultureInfo.InvariantCulture)).ToList();
        var tenant = ids is [var first, ..] && PrefixedId.TryParse<TenantId>(first, out var named) ? named : caller.TenantOrNone;
        return new Act(append)
        {
            Name = request.GetEndpoint()!.Metadata.GetMetadata<IEndpointNameMetadata>()!.EndpointName,
            Actor = caller.Key?.ToString() ?? "operator",
            Address = request.Connection.RemoteIpAddress?.ToString(),
            Tenant = tenant,
            Subject = ids.Count == 0 ? null : string.Join(' ', ids),
        };
    }

    private static bool Succeeded(object? result) => (result is INestedHttpResult { Result: var nested } ? nested : result) is not IStatusCodeHttpResult { StatusCode: >= 400 };

    [LoggerMessage(Level = LogLevel.Information, Message = "{Act} by {Actor} stands in the audit log as {Mark}")]
    private partial void LogAct(string act, string actor, string mark);
}
