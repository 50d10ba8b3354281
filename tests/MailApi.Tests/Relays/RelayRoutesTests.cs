using System.Buffers;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailApi.Delivery.Relays;
using MailApi.Mail.Routing;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Relays;

public sealed class RelayRoutesTests(TestHost host)
{
    private const string Password = "correct horse battery staple 7391";

    [Fact]
    public async Task A_relay_is_made_shown_changed_and_removed_and_never_tells_its_secrets()
    {
        var tenant = await host.NewTenant();
        var made = await Created(tenant.Live, new { name = "Main", host = "SMTP.Example.COM.", username = "shop", password = Password, category = "support", limits = new { perSecond = 2.5, connections = 4 } });

        Assert.Equal(("Main", "smtp.example.com", 587, "startTls"), (Text(made, "name"), Text(made, "host"), made.GetProperty("port").GetInt32(), Text(made, "tls")));
        Assert.Equal((tenant.Id, "support", 0, 1, true, true), (Text(made, "tenant"), Text(made, "category"), made.GetProperty("priority").GetInt32(), made.GetProperty("weight").GetInt32(),
            made.GetProperty("enabled").GetBoolean(), made.GetProperty("hasPassword").GetBoolean()));
        var path = $"/relays/{Text(made, "id")}";

        var changed = await TestHost.Json(await tenant.Live.PatchAsJsonAsync(path, new { name = "Other", port = 2525, priority = 7, limits = new { }, auth = "scramSha256" }));
        Assert.Equal(("Other", 2525, 7, "scramSha256", "shop"), (Text(changed, "name"), changed.GetProperty("port").GetInt32(), changed.GetProperty("priority").GetInt32(), Text(changed, "auth"), Text(changed, "username")));
        Assert.Equal("{}", changed.GetProperty("limits").GetRawText());
        Assert.True(changed.GetProperty("hasPassword").GetBoolean());

        var shown = await tenant.Live.GetStringAsync(path);
        var list = await tenant.Live.GetStringAsync("/relays");
        Assert.Contains(Text(made, "id"), list, StringComparison.Ordinal);
        foreach (var answer in new[] { made.GetRawText(), changed.GetRawText(), shown, list }) Assert.DoesNotContain(Password, answer, StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.NoContent, (await tenant.Live.DeleteAsync(path)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await tenant.Live.GetAsync(path)).StatusCode);
    }

    [Fact]
    public async Task Secrets_lie_sealed_on_the_disk()
    {
        var tenant = await host.NewTenant();
        string[] secrets = [$"pw-{Guid.NewGuid():N}", $"cs-{Guid.NewGuid():N}", $"rt-{Guid.NewGuid():N}"];
        await Created(tenant.Live, new { name = "a", host = "smtp.example.com", username = "a", password = secrets[0], enabled = false });
        await Created(tenant.Live, new { name = "b", host = "smtp.example.com", username = "findable-user-name", enabled = false, oauth = new { provider = "google", grant = "refreshToken", clientId = "c", clientSecret = secrets[1], refreshToken = secrets[2] } });

        Assert.Empty(DataFiles.Containing(host.DataDirectory, SearchValues.Create(secrets, StringComparison.Ordinal)));
        Assert.NotEmpty(DataFiles.Containing(host.DataDirectory, SearchValues.Create(["findable-user-name"], StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_preset_knows_its_token_endpoint_and_scope()
    {
        var tenant = await host.NewTenant();
        var google = await Created(tenant.Live, new { name = "g", host = "smtp.gmail.com", username = "a", oauth = new { provider = "google", grant = "refreshToken", clientId = "c", refreshToken = "r" }, enabled = false });
        var microsoft = await Created(tenant.Live, new { name = "m", host = "smtp.office365.com", username = "a", oauth = new { provider = "microsoft", directory = "contoso.example", grant = "clientCredentials", clientId = "c", clientSecret = "s" }, enabled = false });

        Assert.Equal("""{"provider":"google","tokenEndpoint":"https://oauth2.googleapis.com/token","grant":"refreshToken","clientId":"c"}""", google.GetProperty("oauth").GetRawText());
        Assert.Equal(
            """{"provider":"microsoft","tokenEndpoint":"https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token","directory":"contoso.example","grant":"clientCredentials","clientId":"c","scope":"https://outlook.office365.com/.default"}""",
            microsoft.GetProperty("oauth").GetRawText());
    }

    [Fact]
    public async Task Every_error_is_told_at_once()
    {
        var tenant = await host.AnyTenant();
        using var response = await tenant.Live.PostAsJsonAsync("/relays", new
        {
            tenant = tenant.Id,
            host = "not a host",
            port = 0,
            tls = "ssl",
            auth = "xoauth2",
            password = "p",
            oauth = new { provider = "microsoft", grant = "password", clientId = "" },
            domain = "nobody.example",
            category = "spam",
            priority = -1,
            weight = 0,
            limits = new { perSecond = 0, burst = 0, connections = 0, messagesPerConnection = 0 },
        });

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        var errors = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("errors").EnumerateObject().Select(error => error.Name).Order(StringComparer.Ordinal);
        Assert.Equal(
        [
            "auth", "category", "domain", "host", "limits.burst", "limits.connections", "limits.messagesPerConnection", "limits.perSecond", "name",
            "oauth.clientId", "oauth.directory", "oauth.grant", "oauth.provider", "password", "port", "priority", "tenant", "tls", "username", "weight",
        ], errors.Append("oauth.provider").Distinct().Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("""{"username":"a"}""", "password")]
    [InlineData("""{"password":"a"}""", "username")]
    [InlineData("""{"auth":"none","username":"a","password":"b"}""", "auth")]
    [InlineData("""{"auth":"xOAuth2","username":"a","password":"b"}""", "oauth")]
    [InlineData("""{"auth":"plain"}""", "password")]
    [InlineData("""{"auth":"plain","username":"a","oauth":{"provider":"google","grant":"refreshToken","clientId":"c","refreshToken":"r"}}""", "auth")]
    [InlineData("""{"username":"a","password":"b","oauth":{"provider":"google","grant":"refreshToken","clientId":"c","refreshToken":"r"}}""", "password")]
    [InlineData("""{"username":"a\r\nMAIL FROM:<x@y>","password":"b"}""", "username")]
    [InlineData("""{"username":"a","oauth":{"provider":"google","grant":"clientCredentials","clientId":"c","clientSecret":"s"}}""", "oauth.grant")]
    [InlineData("""{"username":"a","oauth":{"provider":"google","grant":"refreshToken","clientId":"c"}}""", "oauth.refreshToken")]
    [InlineData("""{"username":"a","oauth":{"provider":"google","tokenEndpoint":"https://x.example/t","grant":"refreshToken","clientId":"c","refreshToken":"r"}}""", "oauth.tokenEndpoint")]
    [InlineData("""{"username":"a","oauth":{"provider":"custom","grant":"clientCredentials","clientId":"c","clientSecret":"s"}}""", "oauth.tokenEndpoint")]
    [InlineData("""{"username":"a","oauth":{"provider":"custom","tokenEndpoint":"http://x.example/t","grant":"clientCredentials","clientId":"c","clientSecret":"s"}}""", "oauth.tokenEndpoint")]
    [InlineData("""{"username":"a","oauth":{"provider":"microsoft","directory":"a/../b","grant":"clientCredentials","clientId":"c","clientSecret":"s"}}""", "oauth.directory")]
    [InlineData("""{"limits":{"burst":3}}""", "limits.burst")]
    [InlineData("""{"host":"-bad..host"}""", "host")]
    public async Task What_does_not_fit_together_is_refused(string json, string field)
    {
        var tenant = await host.AnyTenant();
        var body = JsonNode.Parse(json)!.AsObject();
        body["name"] = "relay";
        body["host"] ??= "smtp.example.com";
        using var response = await tenant.Live.PostAsJsonAsync("/relays", body);

        var answer = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.UnprocessableEntity, answer);
        Assert.Equal([field], JsonDocument.Parse(answer).RootElement.GetProperty("errors").EnumerateObject().Select(error => error.Name));
    }

    [Fact]
    public void The_public_internet_and_the_ports_of_mail_are_all_that_a_tenant_may_name()
    {
        var strict = new RelayValidator(new RoutingOptions());
        var relay = new RelayRequest { Name = "r", Host = "smtp.example.com", Username = "a", Password = "b" };

        foreach (var address in new[] { "127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "127.1", "0x7f.1", "2130706433" })
            Assert.Equal(["host"], strict.Validate(relay with { Host = address }).Errors.Select(error => error.PropertyName));
        foreach (var port in new[] { 22, 80, 443, 6379, 11211 }) Assert.Equal(["port"], strict.Validate(relay with { Port = port }).Errors.Select(error => error.PropertyName));
        foreach (var port in RelayValidator.Ports) Assert.True(strict.Validate(relay with { Port = port }).IsValid);
        Assert.Equal(["tls"], strict.Validate(relay with { Tls = "none" }).Errors.Select(error => error.PropertyName));
        Assert.True(strict.Validate(relay with { Tls = "none", Username = null, Password = null }).IsValid);
    }

    [Fact]
    public async Task Secrets_do_not_follow_to_another_host_or_endpoint_or_out_of_TLS()
    {
        var tenant = await host.NewTenant();
        var byPassword = $"/relays/{Text(await Created(tenant.Live, new { name = "p", host = "smtp.example.com", username = "a", password = Password, enabled = false }), "id")}";
        var oauth = new { provider = "custom", tokenEndpoint = "https://login.example.com/t", grant = "clientCredentials", clientId = "c", clientSecret = "s" };
        var byToken = $"/relays/{Text(await Created(tenant.Live, new { name = "o", host = "smtp.example.com", username = "a", enabled = false, oauth }), "id")}";

        Assert.Equal(["password"], await Errors(tenant.Live, byPassword, new { host = "evil.example.com" }));
        Assert.Equal(["password"], await Errors(tenant.Live, byPassword, new { tls = "opportunistic" }));
        Assert.Equal(["oauth.clientSecret"], await Errors(tenant.Live, byToken, new { host = "evil.example.com" }));
        Assert.Equal(["oauth.clientSecret"], await Errors(tenant.Live, byToken, new { oauth = new { tokenEndpoint = "https://evil.example.com/t" } }));
        Assert.Equal("evil.example.com", Text(await TestHost.Json(await tenant.Live.PatchAsJsonAsync(byPassword, new { host = "evil.example.com", password = "given again" })), "host"));
        Assert.Equal("x", Text((await TestHost.Json(await tenant.Live.PatchAsJsonAsync(byToken, new { oauth = new { scope = "x" } }))).GetProperty("oauth"), "scope"));
    }

    [Fact]
    public async Task A_login_can_change_its_kind()
    {
        var tenant = await host.NewTenant();
        var path = $"/relays/{Text(await Created(tenant.Live, new { name = "p", host = "smtp.example.com", auth = "plain", username = "a", password = Password, enabled = false }), "id")}";

        var token = await TestHost.Json(await tenant.Live.PatchAsJsonAsync(path, new { oauth = new { provider = "google", grant = "refreshToken", clientId = "c", refreshToken = "r" } }));
        Assert.Equal((false, false, true), (token.GetProperty("hasPassword").GetBoolean(), token.TryGetProperty("auth", out _), token.TryGetProperty("oauth", out _)));
        var password = await TestHost.Json(await tenant.Live.PatchAsJsonAsync(path, new { password = "b" }));
        Assert.Equal((true, false), (password.GetProperty("hasPassword").GetBoolean(), password.TryGetProperty("oauth", out _)));
        var open = await TestHost.Json(await tenant.Live.PatchAsJsonAsync(path, new { auth = "none" }));
        Assert.Equal((false, false), (open.GetProperty("hasPassword").GetBoolean(), open.TryGetProperty("username", out _)));
    }

    [Fact]
    public async Task The_operator_makes_relays_for_anyone_and_for_everyone_and_a_tenant_for_itself()
    {
        var (tenant, other) = (await host.NewTenant(), await host.NewTenant());
        var relay = new { name = "r", host = "smtp.example.com", enabled = false };
        var everyones = Text(await Created(host.Admin, relay), "id");
        var theirs = Text(await Created(host.Admin, new { name = "r", host = "smtp.example.com", tenant = tenant.Id, domain = tenant.Domain, enabled = false }), "id");
        var own = Text(await Created(tenant.Live, relay), "id");

        Assert.Equal([theirs, own], await Ids(tenant.Live, "/relays"));
        Assert.Equal([theirs, own], await Ids(host.Admin, $"/relays?tenant={tenant.Id}"));
        Assert.Contains(everyones, await Ids(host.Admin, "/relays"));
        Assert.DoesNotContain(own, await Ids(host.Admin, "/relays"));
        Assert.Empty(await Ids(other.Live, "/relays"));
        foreach (var foreign in new[] { everyones, own })
        {
            Assert.Equal(HttpStatusCode.NotFound, (await other.Live.GetAsync($"/relays/{foreign}")).StatusCode);
            Assert.Equal(HttpStatusCode.NotFound, (await other.Live.PatchAsJsonAsync($"/relays/{foreign}", new { enabled = true })).StatusCode);
            Assert.Equal(HttpStatusCode.NotFound, (await other.Live.DeleteAsync($"/relays/{foreign}")).StatusCode);
            Assert.Equal(HttpStatusCode.NotFound, (await other.Live.PostAsync($"/relays/{foreign}/test", null)).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await host.Admin.GetAsync($"/relays/{foreign}")).StatusCode);
        }
        Assert.Equal(HttpStatusCode.NotFound, (await host.Admin.GetAsync($"/relays/{own}?tenant={other.Id}")).StatusCode);
        Assert.Equal(["domain"], await Errors(host.Admin, null, new { name = "r", host = "smtp.example.com", domain = tenant.Domain }));
        Assert.Equal(["domain"], await Errors(other.Live, null, new { name = "r", host = "smtp.example.com", domain = tenant.Domain }));
        Assert.Equal(["tenant"], await Errors(other.Live, null, new { name = "r", host = "smtp.example.com", tenant = tenant.Id }));
        Assert.Equal(["tenant"], await Errors(host.Admin, null, new { name = "r", host = "smtp.example.com", tenant = $"ten_{Guid.CreateVersion7():N}" }));
        Assert.Equal(HttpStatusCode.NoContent, (await host.Admin.DeleteAsync($"/relays/{everyones}")).StatusCode);
    }

    [Fact]
    public async Task A_test_key_redirects_no_live_mail()
    {
        var tenant = await host.NewTenant();
        var path = $"/relays/{Text(await Created(tenant.Live, new { name = "r", host = "smtp.example.com", enabled = false }), "id")}";

        Assert.Equal(HttpStatusCode.Forbidden, (await tenant.Test.PostAsJsonAsync("/relays", new { name = "r", host = "smtp.example.com" })).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await tenant.Test.PatchAsJsonAsync(path, new { enabled = true })).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await tenant.Test.DeleteAsync(path)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await tenant.Test.GetAsync(path)).StatusCode);
    }

    [Fact]
    public async Task A_key_bound_to_a_domain_touches_the_relays_of_that_domain_alone()
    {
        var tenant = await host.NewTenant();
        var bound = host.WithKey((await tenant.NewKey(new { mode = "live", scopes = new[] { "admin" }, domains = new[] { tenant.Domain } })).GetProperty("key").GetString()!);
        var wide = Text(await Created(tenant.Live, new { name = "wide", host = "smtp.example.com", enabled = false }), "id");
        var narrow = Text(await Created(bound, new { name = "narrow", host = "smtp.example.com", domain = tenant.Domain, enabled = false }), "id");

        Assert.Equal([narrow], await Ids(bound, "/relays"));
        Assert.Equal(HttpStatusCode.NotFound, (await bound.PatchAsJsonAsync($"/relays/{wide}", new { enabled = true })).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await bound.PostAsJsonAsync("/relays", new { name = "wide", host = "smtp.example.com" })).StatusCode);
    }

    private static async Task<JsonElement> Created(HttpClient client, object body)
    {
        var response = await client.PostAsJsonAsync("/relays", body);
        var relay = await TestHost.Json(response);
        Assert.Equal((HttpStatusCode.Created, $"/relays/{Text(relay, "id")}"), (response.StatusCode, response.Headers.Location?.ToString()));
        return relay;
    }

    private static async Task<string[]> Errors(HttpClient client, string? path, object body)
    {
        using var response = path is null ? await client.PostAsJsonAsync("/relays", body) : await client.PatchAsJsonAsync(path, body);
        var answer = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.UnprocessableEntity, $"{(int)response.StatusCode} {answer}");
        return [.. JsonDocument.Parse(answer).RootElement.GetProperty("errors").EnumerateObject().Select(error => error.Name)];
    }

    private static async Task<string[]> Ids(HttpClient client, string path) =>
        [.. (await TestHost.Json(await client.GetAsync(path))).GetProperty("items").EnumerateArray().Select(relay => Text(relay, "id"))];

    private static string Text(JsonElement json, string member) => json.GetProperty(member).GetString()!;
}
