using System.Net;
using System.Text;
using MailApi.Tests.Architecture;
using MailApi.Tests.Http;

namespace MailApi.Tests.Security;

/// <summary>
/// S-15, S-19, S-30 and S-32: there is no login, no session and no redirect, so that none can be taken over, ridden on or led astray, and no page can be framed.
/// Each holds for every route, so that one that is added cannot bring it in.
/// </summary>
public sealed class BrowserTests(TestHost host)
{
    private const string Elsewhere = "https://evil.example";
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_that_a_browser_sends_by_itself_is_a_credential()
    {
        using var browser = Browser();
        var wrong = new List<string>();
        foreach (var route in ApiRoutes.Guarded(host))
            foreach (var (name, value) in new[]
            {
                ("Cookie", $"session={TestHost.AdminKey}; key={TestHost.AdminKey}; Authorization=Bearer {TestHost.AdminKey}; .AspNetCore.Cookies={TestHost.AdminKey}"),
                ("Authorization", "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("admin:" + TestHost.AdminKey))),
            })
            {
                using var request = route.Request(route.UnknownPath);
                request.Headers.Add(name, value);
                request.Headers.Add("Origin", Elsewhere);
                using var response = await browser.SendAsync(request, Ct);
                if (response.StatusCode != HttpStatusCode.Unauthorized) wrong.Add($"{route} with {name}: {(int)response.StatusCode}");
                wrong.AddRange(Traces(route, response));
            }
        Rule.Holds(wrong);
    }

    [Fact]
    public async Task No_answer_begins_a_session_or_is_for_scripts_of_other_sites()
    {
        using var browser = Browser();
        var wrong = new List<string>();
        foreach (var route in Routes())
        {
            using var request = route.Request(PathOf(route));
            request.Headers.Add("Authorization", "Bearer " + TestHost.AdminKey);
            request.Headers.Add("Origin", Elsewhere);
            using var response = await browser.SendAsync(request, Ct);
            wrong.AddRange(Traces(route, response));
            using var preflight = new HttpRequestMessage(HttpMethod.Options, PathOf(route)) { Headers = { { "Origin", Elsewhere }, { "Access-Control-Request-Method", route.Method } } };
            using var allowed = await browser.SendAsync(preflight, Ct);
            wrong.AddRange(Traces(route, allowed));
        }
        Rule.Holds(wrong);
    }

    [Fact]
    public async Task Nothing_in_a_request_leads_its_sender_elsewhere()
    {
        using var browser = Browser();
        var queries = from name in new[] { "url", "to", "next", "redirect", "returnUrl" } from target in new[] { Elsewhere, "//evil.example" } select $"?{name}={Uri.EscapeDataString(target)}";
        string[] paths =
        [
            .. from route in ApiRoutes.Of(host) where route.Method == "GET" from query in route.Required is null ? queries : queries.Take(1) select PathOf(route) + query,
            "//evil.example/", "//evil.example/..", "/\\evil.example", "/%5cevil.example", "/%2f%2fevil.example/", "/docs//evil.example", "/u//evil.example", "/click?url=" + Elsewhere,
            "/click/" + Convert.ToBase64String(Encoding.ASCII.GetBytes(Elsewhere)), "/track/click/" + Uri.EscapeDataString(Elsewhere), "/redirect?to=" + Elsewhere, "/docs", "/u",
        ];
        var wrong = new List<string>();
        foreach (var path in paths)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(host.Anonymous.BaseAddress!.GetLeftPart(UriPartial.Authority) + path));
            request.Headers.Add("Authorization", "Bearer " + TestHost.AdminKey);
            request.Headers.Host = "evil.example";
            using var response = await browser.SendAsync(request, Ct);
            // The page of the reference is reached by its folder.
            if ((int)response.StatusCode is >= 300 and < 400 && response.Headers.Location?.OriginalString != "docs/") wrong.Add($"{path}: {(int)response.StatusCode} {response.Headers.Location}");
            if (response.Headers.Contains("Refresh")) wrong.Add($"{path}: Refresh");
        }
        Rule.Holds(wrong);
    }

    [Fact]
    public async Task No_page_may_be_framed_and_no_body_is_taken_for_another_type()
    {
        using var browser = Browser();
        var (wrong, pages) = (new List<string>(), 0);
        foreach (var route in Routes())
        {
            using var request = route.Request(PathOf(route));
            request.Headers.Add("Authorization", "Bearer " + TestHost.AdminKey);
            using var response = await browser.SendAsync(request, Ct);
            if (!response.Headers.TryGetValues("X-Content-Type-Options", out var options) || options.Single() != "nosniff") wrong.Add($"{route}: no X-Content-Type-Options");
            if (response.Content.Headers.ContentType?.MediaType != "text/html") continue;
            pages++;
            if (!response.Headers.TryGetValues("Content-Security-Policy", out var policy) || !policy.Single().Contains("frame-ancestors 'none'", StringComparison.Ordinal)) wrong.Add($"{route}: may be framed");
        }
        using var broken = new HttpRequestMessage(HttpMethod.Post, "/tenants") { Content = new StringContent("{", Encoding.UTF8, "application/json"), Headers = { { "Authorization", "Bearer " + TestHost.AdminKey } } };
        using var refused = await browser.SendAsync(broken, Ct);
        if (!refused.Headers.Contains("X-Content-Type-Options")) wrong.Add($"what fails ({(int)refused.StatusCode}): no X-Content-Type-Options");
        Rule.Holds(wrong);
        Assert.True(pages >= 2, $"{pages} pages");
    }

    /// <summary>But the unsubscribe page's form, which has its own tests.</summary>
    private IEnumerable<ApiRoute> Routes() => ApiRoutes.Of(host).Where(route => route.ToString() != "POST /u/{token}");

    private HttpClient Browser() => new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = host.Anonymous.BaseAddress };

    private static IEnumerable<string> Traces(ApiRoute route, HttpResponseMessage response) =>
        from header in response.Headers
        where header.Key.Equals("Set-Cookie", StringComparison.OrdinalIgnoreCase) || header.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase)
        select $"{route}: {header.Key}: {string.Join(", ", header.Value)}";

    private static string PathOf(ApiRoute route) => route.UnknownPath.Replace("{token}", "nobodys", StringComparison.Ordinal);
}
