using System.Net;
using System.Net.Http.Headers;
using System.Text;
using MailApi.Api;
using MailApi.Tenants;
using MailApi.Tests.Architecture;

namespace MailApi.Tests.Http;

/// <summary>S-14: a key does what its scopes do not cover, or a route was left without a guard.</summary>
public sealed class ScopeTests(TestHost host)
{
    private static readonly string[] AllScopes = [.. TenantRegistry.AllScopes, .. Enum.GetValues<Category>().Select(Scopes.SendCategory)];

    [Fact]
    public void Only_the_reference_the_links_in_mail_and_the_way_in_for_reports_are_open_to_everyone()
    {
        // The page of the reference has its own files beside it.
        var open = ApiRoutes.Of(host).Where(route => route.Required is null).Select(route => route.Pattern.StartsWith("/docs/", StringComparison.Ordinal) ? "GET /docs/…" : route.ToString());
        Assert.Equal(["GET /.well-known/mta-sts.txt", "GET /docs/…", "GET /openapi/v1.json", "GET /u/{token}", "POST /reports/{token}", "POST /u/{token}"], open.Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_key_with_every_scope_but_the_needed_one_is_refused_everywhere()
    {
        var tenant = await host.AnyTenant();
        var wrong = new List<string>();
        foreach (var routes in TenantRoutes().GroupBy(route => route.Required!.Scope))
        {
            var key = await tenant.WithScopes([.. AllScopes.Where(scope => scope != routes.Key && !scope.StartsWith(routes.Key + ":", StringComparison.Ordinal))]);
            foreach (var route in routes)
                if (await Ask(key, route, route.UnknownPath) is var answer && answer != "403 scope-missing") wrong.Add($"{route}: {answer}");
        }
        Rule.Holds(wrong);
    }

    [Fact]
    public async Task A_key_with_just_the_needed_scope_is_admitted_everywhere()
    {
        var tenant = await host.AnyTenant();
        var wrong = new List<string>();
        foreach (var routes in TenantRoutes().GroupBy(route => route.Required!.Scope))
        {
            var key = await tenant.WithScopes(routes.Key);
            foreach (var route in routes)
            {
                // Nobody's domain is 403 to everyone: an empty body comes as far as validation.
                using var response = await key.SendAsync(route.ToString() is "POST /send" or "POST /diagnose/send" ? Json(route, "{}") : route.Request(route.UnknownPath));
                if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or >= HttpStatusCode.InternalServerError) wrong.Add($"{route}: {(int)response.StatusCode}");
            }
        }
        Rule.Holds(wrong);
    }

    [Fact]
    public async Task Operator_routes_refuse_a_tenants_key_with_every_scope_and_admit_the_operator()
    {
        var tenant = await host.AnyTenant();
        var key = await tenant.WithScopes(AllScopes);
        var routes = ApiRoutes.Guarded(host).Where(route => route.IsForOperators).ToList();
        Assert.NotEmpty(routes);
        foreach (var route in routes)
        {
            var path = route.Path(prefix => prefix == "ten_" ? tenant.Id : prefix);
            Assert.Equal($"{route}: 403 operator-only", $"{route}: {await Ask(key, route, path)}");
            Assert.StartsWith("2", await Ask(host.Admin, route, path), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_operator_must_say_whose_things_it_touches()
    {
        var routes = ApiRoutes.Guarded(host).Where(route => route.Required!.NeedsTenant).ToList();
        foreach (var route in routes)
        {
            Assert.Equal($"{route}: 400 bad-request", $"{route}: {await Ask(host.Admin, route, route.UnknownPath)}");
            Assert.Equal($"{route}: 404 not-found", $"{route}: {await Ask(host.Admin, route, $"{route.UnknownPath}?tenant=ten_{Guid.CreateVersion7():N}")}");
            Assert.Equal($"{route}: 404 not-found", $"{route}: {await Ask(host.Admin, route, $"{route.UnknownPath}?tenant=1")}");
        }
    }

    [Fact]
    public async Task Without_a_valid_key_every_guarded_route_is_401_and_says_how_to_ask()
    {
        var known = (await host.AnyTenant()).LiveKey;
        var invented = ApiKey.Generate(KeyMode.Live);
        string?[] headers =
        [
            null, "", "Bearer", "Bearer ", "Bearer garbage", "Bearer " + invented, "Bearer " + invented[..^1] + (invented[^1] == 'A' ? 'B' : 'A'), "Bearer " + known[..^1],
            "Bearer " + known + "A", "Bearer " + known.Replace("live", "test", StringComparison.Ordinal), "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("key:" + known)),
            known, "Bearer " + TestHost.AdminKey[..^1], "Bearer " + TestHost.AdminKey.ToUpperInvariant(), $"Bearer {known}, Bearer {TestHost.AdminKey}", "Bearer " + new string('A', 10_000),
        ];
        var wrong = new List<string>();
        foreach (var route in ApiRoutes.Guarded(host))
            foreach (var header in headers)
            {
                using var request = route.Request(route.UnknownPath);
                if (header is not null) request.Headers.TryAddWithoutValidation("Authorization", header);
                using var response = await host.Anonymous.SendAsync(request);
                var body = await response.Content.ReadAsStringAsync();
                var right = response.StatusCode == HttpStatusCode.Unauthorized && response.Headers.WwwAuthenticate.ToString() == "Bearer"
                    && response.Content.Headers.ContentType?.MediaType == "application/problem+json" && body.Contains("/errors/unauthorized", StringComparison.Ordinal);
                if (!right) wrong.Add($"{route} with '{header}': {(int)response.StatusCode} {body}");
                // An answer that repeats what it was sent would carry a mistyped key into logs.
                if (header?.Length > 20 && body.Contains(header["Bearer ".Length..], StringComparison.Ordinal)) wrong.Add($"{route} repeats the key");
            }
        Rule.Holds(wrong);
    }

    private List<ApiRoute> TenantRoutes()
    {
        var routes = ApiRoutes.Guarded(host).Where(route => !route.IsForOperators).ToList();
        Assert.NotEmpty(routes);
        Assert.All(routes, route => Assert.Contains(route.Required!.Scope, AllScopes));
        return routes;
    }

    /// <summary>The status and the last word of the problem's type.</summary>
    private static async Task<string> Ask(HttpClient client, ApiRoute route, string path)
    {
        using var response = await client.SendAsync(route.Request(path));
        if (response.Content.Headers.ContentType?.MediaType != "application/problem+json") return $"{(int)response.StatusCode}";
        var problem = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        return $"{(int)response.StatusCode} {problem.GetProperty("type").GetString()!.Split('/')[^1]}";
    }

    private static HttpRequestMessage Json(ApiRoute route, string body) => new(new HttpMethod(route.Method), route.UnknownPath)
    {
        Content = new StringContent(body, new MediaTypeHeaderValue("application/json")),
    };
}
