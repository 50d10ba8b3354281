using System.Net;
using System.Text;
using System.Text.Json;
using MailApi.Api;
using MailApi.Tests.Architecture;

namespace MailApi.Tests.Http;

/// <summary>A refusal that a client cannot read is handled wrongly: every one is a problem (RFC 9457) with a type from the catalogue.</summary>
public sealed class RefusalTests(TestHost host)
{
    [Theory]
    [InlineData("GET", "/nothing", 404, "not-found")]
    [InlineData("POST", "/nothing", 404, "not-found")]
    [InlineData("GET", "/", 404, "not-found")]
    [InlineData("GET", "/messages/msg_1", 404, "not-found")]
    [InlineData("GET", "/Messages/../health/live", 404, "not-found")]
    [InlineData("GET", "/health/live", 404, "not-found")]
    [InlineData("GET", "/metrics", 404, "not-found")]
    [InlineData("GET", "/send", 405, "method-not-allowed")]
    [InlineData("DELETE", "/send", 405, "method-not-allowed")]
    [InlineData("PUT", "/messages", 405, "method-not-allowed")]
    [InlineData("TRACE", "/messages", 405, "method-not-allowed")]
    [InlineData("FOO", "/webhooks", 405, "method-not-allowed")]
    [InlineData("GET", "/messages?limit=0", 422, "invalid")]
    [InlineData("GET", "/messages?limit=x", 400, "bad-request")]
    [InlineData("GET", "/messages?from=yesterday", 422, "invalid")]
    [InlineData("GET", "/messages?domain=%00", 422, "invalid")]
    [InlineData("GET", "/messages?tag=%00", 422, "invalid")]
    [InlineData("GET", "/sandbox/messages?recipient=%00", 422, "invalid")]
    [InlineData("GET", "/messages?cursor=%F0%28", 422, "invalid")]
    [InlineData("GET", "/events?after=AAAA", 422, "invalid")]
    public async Task What_the_framework_refuses_is_a_problem_too(string method, string path, int status, string type)
    {
        var tenant = await host.AnyTenant();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await tenant.Live.SendAsync(request);
        await IsProblem(response, status, type);
        if (status == 405) Assert.NotEmpty(response.Content.Headers.Allow);
    }

    [Fact]
    public async Task A_body_over_the_bound_of_its_route_is_413_and_of_another_kind_415()
    {
        var tenant = await host.AnyTenant();
        var wrong = new List<string>();
        foreach (var route in ApiRoutes.Guarded(host).Where(route => route.TakesJson))
        {
            var (status, type) = await Ask(route, new StringContent("a", Encoding.UTF8, "text/plain"));
            if ((status, type) != (415, "unsupported-media-type")) wrong.Add($"{route}: {status} {type}");
            // Sent in chunks, so that the length is a surprise.
            (status, type) = await Ask(route, new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes(new string(' ', route.ToString() is "POST /send" or "POST /diagnose/send" or "POST /diagnose/authentication" ? 41 << 20 : (1 << 20) + 1)))) { Headers = { ContentType = new("application/json") } });
            if ((status, type) != (413, "too-large")) wrong.Add($"{route}: {status} {type}");
        }
        Rule.Holds(wrong);

        async Task<(int, string)> Ask(ApiRoute route, HttpContent content)
        {
            using var request = new HttpRequestMessage(new HttpMethod(route.Method), route.UnknownPath + (route.Required!.NeedsTenant ? "?tenant=" + tenant.Id : "")) { Content = content };
            request.Headers.TransferEncodingChunked = content is StreamContent;
            request.Headers.ExpectContinue = false;
            using var response = await host.Admin.SendAsync(request);
            var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
            return ((int)response.StatusCode, problem.GetProperty("type").GetString()!.Split('/')[^1]);
        }
    }

    [Theory, InlineData("HEAD"), InlineData("OPTIONS"), InlineData("TRACE"), InlineData("PUT"), InlineData("GET"), InlineData("POST"), InlineData("PATCH"), InlineData("DELETE"), InlineData("PROPFIND")]
    public async Task No_method_fails_on_any_route(string method)
    {
        var tenant = await host.AnyTenant();
        var wrong = new List<string>();
        foreach (var route in ApiRoutes.Of(host))
            foreach (var client in new[] { host.Anonymous, tenant.Test })
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), route.UnknownPath);
                using var response = await client.SendAsync(request);
                if (response.StatusCode >= HttpStatusCode.InternalServerError) wrong.Add($"{method} {route.UnknownPath}: {(int)response.StatusCode}");
            }
        Rule.Holds(wrong);
    }

    private static async Task IsProblem(HttpResponseMessage response, int status, string type)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.Equal((status, "application/problem+json"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        var problem = JsonDocument.Parse(text).RootElement;
        Assert.Equal(Problem.TypeBase + type, problem.GetProperty("type").GetString());
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.Contains(Problem.All, known => known.Type == type && known.Status == status && known.Title == problem.GetProperty("title").GetString());
        Assert.NotEqual("", problem.GetProperty("detail").GetString());
    }
}
