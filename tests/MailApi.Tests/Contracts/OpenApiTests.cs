using System.Text.Json;
using MailApi.Api;
using MailApi.Hosting;
using MailApi.Sending;
using MailApi.Testing;
using MailApi.Tests.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;

namespace MailApi.Tests.Contracts;

/// <summary><c>contracts/openapi.json</c> says what the host serves, and the host what its routes do.</summary>
public sealed class OpenApiTests(TestHost host)
{
    private static readonly string[] Methods = ["get", "post", "put", "patch", "delete"];

    [Fact]
    public async Task The_committed_document_is_the_served_one()
    {
        var served = await host.Anonymous.GetStringAsync("/openapi/v1.json");
        // What a working copy or an editor does to line ends is no difference.
        var committed = (await File.ReadAllTextAsync(Path.Combine(Repository.Root, "contracts/openapi.json"))).ReplaceLineEndings("\n").TrimEnd('\n');

        Assert.True(committed == served, "contracts/openapi.json is stale. Regenerate it with a Debug build, dotnet build src/MailApi, and commit it.\n" + FirstDifference(committed, served));
    }

    [Fact]
    public async Task Every_route_is_in_the_document()
    {
        var document = await Document();
        var routes = Routes().Select(route => route.Key).Order(StringComparer.Ordinal);
        var operations = Operations(document).Select(operation => operation.Route).Order(StringComparer.Ordinal);

        Assert.Equal(routes, operations);
    }

    [Fact]
    public async Task Every_operation_has_a_name_of_its_own_a_summary_and_a_tag_that_is_explained()
    {
        var document = await Document();
        var tags = document.GetProperty("tags").EnumerateArray().Select(tag => tag.GetProperty("name").GetString()).ToList();
        var operations = Operations(document).ToList();

        Assert.All(operations, operation =>
        {
            Assert.False(string.IsNullOrWhiteSpace(operation.Value.GetProperty("summary").GetString()), operation.Route);
            Assert.Contains(Assert.Single(operation.Value.GetProperty("tags").EnumerateArray()).GetString(), tags);
        });
        Assert.Equal(operations.Count, operations.DistinctBy(operation => operation.Value.GetProperty("operationId").GetString()).Count());
    }

    [Fact]
    public async Task A_route_with_a_scope_asks_for_a_key_with_it_and_may_refuse()
    {
        var routes = Routes();
        Assert.All(Operations(await Document()), operation =>
        {
            var scope = routes[operation.Route].Metadata.GetMetadata<RequiredScope>()?.Scope;
            var security = operation.Value.TryGetProperty("security", out var schemes) ? Assert.Single(schemes.EnumerateArray()).GetProperty("key")[0].GetString() : null;

            Assert.Equal(scope, security);
            if (scope is not null) AssertRefusals(operation, "401", "403", "503");
        });
    }

    [Fact]
    public async Task An_operation_declares_the_refusals_that_its_input_can_earn()
    {
        Assert.All(Operations(await Document()), operation =>
        {
            var parameters = Parameters(operation.Value).ToList();
            if (operation.Route.Contains("{id}", StringComparison.Ordinal)) AssertRefusals(operation, "404");
            if (parameters.Any(parameter => parameter.GetProperty("in").GetString() == "query")) AssertRefusals(operation, "400", "422");
            if (operation.Value.TryGetProperty("requestBody", out _)) AssertRefusals(operation, "400", "413", "415", "422");
        });
    }

    [Fact]
    public async Task Send_declares_what_it_may_answer_and_no_more()
    {
        var responses = (await Document()).GetProperty("paths").GetProperty("/send").GetProperty("post").GetProperty("responses");

        Assert.Equal(["202", "400", "401", "403", "404", "413", "415", "422", "429", "503"], responses.EnumerateObject().Select(response => response.Name));
    }

    [Fact]
    public async Task A_route_that_is_held_to_the_ingress_rate_declares_429_and_tells_where_the_tenant_stands()
    {
        var (document, routes) = (await Document(), Routes());
        var metered = Operations(document).Where(operation => operation.Route == "get /domains/{id}/health"
            || (!operation.Route.StartsWith("get ", StringComparison.Ordinal) && routes[operation.Route].Metadata.GetMetadata<RequiredScope>() is { Scope: not Scopes.Operator })).ToList();
        Assert.NotEmpty(metered);
        Assert.All(metered, operation =>
        {
            AssertRefusals(operation, "429");
            Assert.All(operation.Value.GetProperty("responses").EnumerateObject().Where(response => response.Name.StartsWith('2')), response =>
                Assert.Equal(2, Headers(response.Value).Count(name => name is "RateLimit" or "RateLimit-Policy")));
        });
        Assert.Equal(["RateLimit", "RateLimit-Policy", "Retry-After"], Headers(document.GetProperty("components").GetProperty("responses").GetProperty("RateLimited")).Order(StringComparer.Ordinal));

        static IEnumerable<string> Headers(JsonElement response) => response.GetProperty("headers").EnumerateObject().Select(header => header.Name);
    }

    [Fact]
    public async Task Every_parameter_is_described_and_every_id_has_its_form()
    {
        Assert.All(Operations(await Document()), operation => Assert.All(Parameters(operation.Value), parameter =>
        {
            var name = parameter.GetProperty("name").GetString()!;
            Assert.True(parameter.TryGetProperty("description", out _), $"{operation.Route}: {name}");
            Assert.True(name is "Idempotency-Key" || char.IsLower(name[0]), $"{operation.Route}: {name}");
            if (name is "id" or "key") Assert.Matches(@"^\^[a-z]{3}_\[0-9a-f\]\{32\}\$$", parameter.GetProperty("schema").GetProperty("pattern").GetString());
        }));
    }

    [Fact]
    public async Task The_body_of_send_is_described_member_by_member()
    {
        var schemas = (await Document()).GetProperty("components").GetProperty("schemas");
        foreach (var type in new[] { typeof(SendRequest), typeof(SendAttachment) })
        {
            var properties = schemas.GetProperty(type.Name).GetProperty("properties");
            Assert.Equal(type.GetProperties().Select(member => JsonNamingPolicy.CamelCase.ConvertName(member.Name)), properties.EnumerateObject().Select(member => member.Name));
            Assert.All(properties.EnumerateObject(), member => Assert.True(member.Value.TryGetProperty("description", out _), member.Name));
        }
        var request = schemas.GetProperty(nameof(SendRequest));
        Assert.Equal(["category", "from", "subject"], Texts(request.GetProperty("required")));
        Assert.Equal(["marketing", "notification", "support"], Texts(request.GetProperty("properties").GetProperty("category").GetProperty("enum")));
        Assert.Equal(SendLimits.HeadersMax, request.GetProperty("properties").GetProperty("headers").GetProperty("maxProperties").GetInt32());
    }

    [Fact]
    public async Task Every_schema_is_described_and_typed_and_every_reference_leads_somewhere()
    {
        var document = await Document();
        Assert.All(document.GetProperty("components").GetProperty("schemas").EnumerateObject(), schema =>
        {
            Assert.True(schema.Value.TryGetProperty("type", out _), schema.Name);
            Assert.True(schema.Name == "Stream" || schema.Value.TryGetProperty("description", out _), schema.Name);
        });
        Assert.All(References(document), reference =>
            Assert.True(reference.Split('/').Skip(1).Aggregate(document, (at, name) => at.TryGetProperty(name, out var next) ? next : default).ValueKind == JsonValueKind.Object, reference));
    }

    [Fact]
    public void Building_the_host_touches_no_file()
    {
        using var directory = new TempDirectory();

        using var app = (IDisposable)MailApiHost.Build([$"--DataDirectory={directory["data"]}"]);

        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path, "*", SearchOption.AllDirectories));
    }

    private async Task<JsonElement> Document() => JsonDocument.Parse(await host.Anonymous.GetStringAsync("/openapi/v1.json")).RootElement;

    /// <summary>By method and path as the document writes it: <c>get /messages/{id}</c>.</summary>
    private Dictionary<string, RouteEndpoint> Routes() => (
        from route in host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        where route.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is not { ExcludeFromDescription: true }
        from method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []
        select (Key: $"{method.ToLowerInvariant()} {Template(route.RoutePattern)}", route)).ToDictionary(pair => pair.Key, pair => pair.route);

    private static string Template(RoutePattern pattern) =>
        "/" + string.Join('/', pattern.PathSegments.Select(segment => segment.Parts[0] switch
        {
            RoutePatternParameterPart parameter => $"{{{parameter.Name}}}",
            RoutePatternLiteralPart literal => literal.Content,
            var other => other.ToString(),
        }));

    private static IEnumerable<(string Route, JsonElement Value)> Operations(JsonElement document) =>
        from path in document.GetProperty("paths").EnumerateObject()
        from operation in path.Value.EnumerateObject()
        where Methods.Contains(operation.Name)
        select ($"{operation.Name} {path.Name}", operation.Value);

    /// <summary>An operation's own: those that are referred to are the same everywhere.</summary>
    private static IEnumerable<JsonElement> Parameters(JsonElement operation) =>
        operation.TryGetProperty("parameters", out var parameters) ? parameters.EnumerateArray().Where(parameter => !parameter.TryGetProperty("$ref", out _)) : [];

    private static void AssertRefusals((string Route, JsonElement Value) operation, params string[] statuses) => Assert.All(statuses, status =>
        Assert.True(operation.Value.GetProperty("responses").TryGetProperty(status, out var response) && response.TryGetProperty("$ref", out _), $"{operation.Route} does not declare {status}."));

    private static IEnumerable<string> References(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(member => member.NameEquals("$ref") ? [member.Value.GetString()!] : References(member.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(References),
        _ => [],
    };

    private static IEnumerable<string?> Texts(JsonElement array) => array.EnumerateArray().Select(text => text.GetString());

    private static string FirstDifference(string committed, string served)
    {
        var (before, after) = (committed.Split('\n'), served.Split('\n'));
        var line = before.Zip(after).TakeWhile(pair => pair.First == pair.Second).Count();
        return $"Line {line + 1} is\n  {before.ElementAtOrDefault(line)}\nand should be\n  {after.ElementAtOrDefault(line)}";
    }
}
