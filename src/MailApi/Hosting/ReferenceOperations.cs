using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailApi.Api;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing.Constraints;
using Microsoft.OpenApi;

namespace MailApi.Hosting;

/// <summary>What every operation has in common, told once: its key, ids, paging, and the refusals that are not its own.</summary>
internal static class ReferenceOperations
{
    private const string ProblemJson = "application/problem+json";
    private const string TenantParameter = "tenant";

    public static Task Describe(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var scope = context.Description.ActionDescriptor.EndpointMetadata.OfType<RequiredScope>().FirstOrDefault();
        foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? []) Describe(parameter, context.Description);
        // It is a title there.
        operation.Summary = operation.Summary?.TrimEnd('.');
        operation.Responses = Responses(operation, scope, context);
        if (scope is null) return Task.CompletedTask;

        operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(ApiReference.SecurityScheme, context.Document)] = [scope.Scope] }];
        operation.Description = $"{operation.Description}\n\n{Who(scope)}".Trim();
        if (ActsForTenant(scope)) (operation.Parameters ??= []).Add(new OpenApiParameterReference(TenantParameter, context.Document));
        return Task.CompletedTask;
    }

    /// <summary>What operations of tenants have in common.</summary>
    public static IDictionary<string, IOpenApiParameter> Parameters() => new Dictionary<string, IOpenApiParameter>
    {
        [TenantParameter] = new OpenApiParameter
        {
            Name = TenantParameter,
            In = ParameterLocation.Query,
            Description = "With the operator's key: the tenant to act for. Other keys know theirs.",
            Schema = ReferenceSchemas.Id(TenantId.Prefix),
        },
    };

    /// <summary>The refusals by status, with every <see cref="Problem"/> that has it.</summary>
    public static async Task<IDictionary<string, IOpenApiResponse>> Problems(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken ct)
    {
        document.AddComponent(nameof(ProblemDetails), await context.GetOrCreateSchemaAsync(typeof(ProblemDetails), null, ct));
        return Problem.All.Where(problem => IsNamed(problem.Status)).GroupBy(problem => problem.Status).ToDictionary(
            problems => Name(problems.Key),
            IOpenApiResponse (problems) => new OpenApiResponse
            {
                Description = string.Join("\n", problems.Select(problem => $"* `{problem.Type}`: {problem.Title}")),
                Headers = Until(problems.Key),
                Content = new Dictionary<string, OpenApiMediaType> { [ProblemJson] = new() { Schema = new OpenApiSchemaReference(nameof(ProblemDetails), document) } },
            });
    }

    private static string Who(RequiredScope required) => required.Scope == Scopes.Operator ? "For the operator's key." : $"For keys with the scope `{required.Scope}`.";

    private static bool ActsForTenant(RequiredScope required) => required.NeedsTenant || required.Scope is not (Scopes.Operator or Scopes.Admin);


    private static void Describe(OpenApiParameter parameter, ApiDescription description)
    {
        var source = description.ParameterDescriptions.FirstOrDefault(it => it.Name == parameter.Name);
        parameter.Name = JsonNamingPolicy.CamelCase.ConvertName(parameter.Name!);
        if (source?.RouteInfo?.Constraints?.OfType<IdRouteConstraint>().FirstOrDefault() is { } id)
        {
            parameter.Schema = ReferenceSchemas.Id(id.Prefix);
            parameter.Description ??= $"An id of the form `{id.Prefix}…`.";
        }
        else if (parameter is { Name: "limit", Schema: OpenApiSchema limit })
        {
            parameter.Description ??= "How many to answer at most.";
            limit.Minimum = "1";
            limit.Maximum = Paging.LimitMax.ToString(CultureInfo.InvariantCulture);
            limit.Default = JsonValue.Create(Paging.LimitDefault);
        }
        else if (parameter is { Name: "cursor", In: ParameterLocation.Query }) parameter.Description ??= "The `next` of the page before; absent for the first page.";
    }

    /// <summary>What the route declares, and what its metadata implies, by status.</summary>
    private static OpenApiResponses Responses(OpenApiOperation operation, RequiredScope? scope, OpenApiOperationTransformerContext context)
    {
        var declared = operation.Responses ?? [];
        var statuses = declared.Where(pair => pair.Value.Content?.ContainsKey(ProblemJson) != true).ToDictionary();
        foreach (var status in Implied(operation, scope, context.Description).Concat(declared.Keys.Except(statuses.Keys).Select(int.Parse)))
            statuses[status.ToString(CultureInfo.InvariantCulture)] = new OpenApiResponseReference(Name(status), context.Document);
        foreach (var (status, response) in statuses.Where(pair => pair.Key.StartsWith('2')))
        {
            if (status == "201") Tell(response, Location());
            if (IsMetered(context.Description)) Tell(response, RateLimit());
        }

        var responses = new OpenApiResponses();
        foreach (var (status, response) in statuses.OrderBy(pair => pair.Key, StringComparer.Ordinal)) responses.Add(status, response);
        return responses;
    }

    private static IEnumerable<int> Implied(OpenApiOperation operation, RequiredScope? scope, ApiDescription description)
    {
        var hasBody = operation.RequestBody is not null;
        var hasQuery = operation.Parameters?.Any(it => it.In == ParameterLocation.Query) == true;
        if (scope is not null)
        {
            yield return StatusCodes.Status401Unauthorized;
            yield return StatusCodes.Status403Forbidden;
            yield return StatusCodes.Status503ServiceUnavailable;
        }
        if (hasBody || hasQuery || scope is { NeedsTenant: true }) yield return StatusCodes.Status400BadRequest;
        if (hasBody || hasQuery) yield return StatusCodes.Status422UnprocessableEntity;
        if (hasBody) yield return StatusCodes.Status413PayloadTooLarge;
        if (hasBody) yield return StatusCodes.Status415UnsupportedMediaType;
        if (IsMetered(description)) yield return StatusCodes.Status429TooManyRequests;
        if (description.ParameterDescriptions.Any(it => it.RouteInfo?.Constraints?.OfType<IdRouteConstraint>().Any() == true) || scope is not null && ActsForTenant(scope))
            yield return StatusCodes.Status404NotFound;
    }

    private static bool IsMetered(ApiDescription description)
    {
        var metadata = description.ActionDescriptor.EndpointMetadata;
        return metadata.OfType<RequiredScope>().LastOrDefault()?.IsMetered(description.HttpMethod!, metadata.OfType<CountsAsIngress>().FirstOrDefault()) == true;
    }

    /// <summary>Beside what the route itself tells of them.</summary>
    private static void Tell(IOpenApiResponse response, Dictionary<string, IOpenApiHeader> headers)
    {
        var told = ((OpenApiResponse)response).Headers ??= new Dictionary<string, IOpenApiHeader>();
        foreach (var (name, header) in headers) told[name] = header;
    }

    private static Dictionary<string, IOpenApiHeader> Location() => new()
    {
        ["Location"] = new OpenApiHeader { Description = "The path of what was made.", Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "uri-reference" } },
    };

    private static Dictionary<string, IOpenApiHeader> RateLimit() => new()
    {
        ["RateLimit"] = Text("How many more requests of this kind the tenant may make now, and when all of its burst is there again: `\"tenant\";r=9;t=1` of what sends, `\"tenant-changes\"` of what changes something."),
        ["RateLimit-Policy"] = Text("The tenant's burst, and the seconds that it takes to fill: `\"tenant\";q=1000;w=5`."),
    };

    /// <summary>Of a refusal that ends by itself.</summary>
    private static Dictionary<string, IOpenApiHeader>? Until(int status)
    {
        var retryAfter = new OpenApiHeader { Description = "Seconds.", Schema = new OpenApiSchema { Type = JsonSchemaType.Integer } };
        return status switch
        {
            StatusCodes.Status429TooManyRequests => new(RateLimit()) { ["Retry-After"] = retryAfter },
            StatusCodes.Status503ServiceUnavailable => new() { ["Retry-After"] = retryAfter },
            _ => null,
        };
    }

    private static OpenApiHeader Text(string description) => new() { Description = description, Schema = new OpenApiSchema { Type = JsonSchemaType.String } };

    /// <summary>405 is no operation's, and 500 is every one's.</summary>
    private static bool IsNamed(int status) => status is not (StatusCodes.Status405MethodNotAllowed or StatusCodes.Status500InternalServerError);

    private static string Name(int status) => status switch
    {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        413 => "TooLarge",
        415 => "UnsupportedMediaType",
        422 => "Invalid",
        429 => "RateLimited",
        503 => "Unavailable",
        _ => throw new InvalidOperationException($"The status {status} has no name in the reference yet."),
    };
}
