using System.Buffers;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using MailApi.Storage;
using MailApi.Tenants;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace MailApi.Tests.Http;

/// <summary>S-13: a key is stolen from the store, outlives its end, works from elsewhere, or makes itself a mightier one.</summary>
public sealed class KeyTests(TestHost host)
{
    private const int WindowChars = 12;

    [Fact]
    public async Task The_store_holds_no_part_of_a_key()
    {
        var tenant = await host.AnyTenant();
        var name = "key " + Guid.NewGuid();
        var key = Secret(await tenant.NewKey(new { name, mode = "live" }));
        await tenant.Send(tenant.Mail("ann@example.net"), host.WithKey(key));
        foreach (var issued in new[] { key, tenant.LiveKey })
        {
            var secret = issued["mk_live_".Length..];
            var windows = Enumerable.Range(0, secret.Length - WindowChars + 1).Select(start => secret.Substring(start, WindowChars)).ToArray();
            var found = DataFiles.Containing(host.DataDirectory, SearchValues.Create(windows, StringComparison.Ordinal));
            Assert.Empty(found);
        }
        Assert.NotEmpty(DataFiles.Containing(host.DataDirectory, SearchValues.Create([name], StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_key_is_shown_once()
    {
        var tenant = await host.AnyTenant();
        var made = await tenant.NewKey(new { mode = "test" });
        Assert.StartsWith("mk_test_", Secret(made), StringComparison.Ordinal);
        foreach (var path in new[] { $"/tenants/{tenant.Id}/keys", $"/tenants/{tenant.Id}" })
        {
            var shown = await tenant.Live.GetStringAsync(path);
            Assert.DoesNotContain("mk_", shown, StringComparison.Ordinal);
            Assert.DoesNotContain("hash", shown, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_revoked_key_is_refused_at_once_and_for_good()
    {
        var tenant = await host.AnyTenant();
        var made = await tenant.NewKey(new { mode = "live" });
        var key = host.WithKey(Secret(made));
        Assert.Equal(HttpStatusCode.OK, await Status(key));
        for (var times = 0; times < 2; times++)
        {
            using var revoked = await tenant.Live.DeleteAsync($"/tenants/{tenant.Id}/keys/{made.GetProperty("id").GetString()}");
            Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, await Status(key));
        }
    }

    [Fact]
    public async Task An_expired_key_is_refused()
    {
        var tenant = await host.AnyTenant();
        var made = await tenant.NewKey(new { mode = "live", expiresAt = TimeProvider.System.GetUtcNow().AddDays(1) });
        var key = host.WithKey(Secret(made));
        Assert.Equal(HttpStatusCode.OK, await Status(key));
        await host.Services.GetRequiredService<Db>().Execute(
            "update api_keys set expires_at = now_ms() where hash = @hash", CancellationToken.None, ("hash", ApiKey.Hash(Secret(made))));
        host.Services.GetRequiredService<KeyDirectory>().Forget();
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(key));
        using var past = await tenant.Live.PostAsJsonAsync($"/tenants/{tenant.Id}/keys", new { mode = "live", expiresAt = "2020-01-01T00:00:00Z" });
        Assert.Equal(HttpStatusCode.UnprocessableEntity, past.StatusCode);
    }

    [Theory]
    [InlineData("127.0.0.0/8", HttpStatusCode.OK)]
    [InlineData("192.0.2.0/24", HttpStatusCode.Unauthorized)]
    [InlineData("::/0", HttpStatusCode.Unauthorized)]
    public async Task A_key_bound_to_a_network_works_from_there_alone(string network, HttpStatusCode status)
    {
        var tenant = await host.AnyTenant();
        Assert.Equal(status, await Status(host.WithKey(Secret(await tenant.NewKey(new { mode = "live", networks = new[] { network } })))));
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task Behind_a_proxy_the_client_is_whom_a_trusted_one_names()
    {
        await using var behind = new TestHost { Settings = ["TrustedProxies:0=10.0.0.0/8", "TrustedProxies:1=127.0.0.1"] };
        await using var strict = new TestHost { Settings = ["TrustedProxies:0=10.0.0.0/8"] };
        foreach (var own in (TestHost[])[behind, strict]) await own.InitializeAsync();

        Assert.Equal(HttpStatusCode.OK, await Forwarded(behind, "192.0.2.7"));
        Assert.Equal(HttpStatusCode.OK, await Forwarded(behind, "198.51.100.9, 192.0.2.7, 10.1.2.3"));
        // Whatever stands before what a trusted proxy saw, the client wrote itself.
        Assert.Equal(HttpStatusCode.Unauthorized, await Forwarded(behind, "192.0.2.7, 198.51.100.9"));
        foreach (var untrusting in (TestHost[])[strict, host]) Assert.Equal(HttpStatusCode.Unauthorized, await Forwarded(untrusting, "192.0.2.7"));

        static async Task<HttpStatusCode> Forwarded(TestHost host, string names)
        {
            var tenant = await TestHost.Json(await host.Admin.PostAsJsonAsync("/tenants", new { name = "Shop" }));
            var made = await TestHost.Json(await host.Admin.PostAsJsonAsync($"/tenants/{tenant.GetProperty("id").GetString()}/keys", new { mode = "live", networks = new[] { "192.0.2.0/24" } }));
            using var client = host.WithKey(Secret(made));
            client.DefaultRequestHeaders.Add("X-Forwarded-For", names);
            return await Status(client);
        }
    }

    [Fact]
    public async Task A_key_bound_to_a_domain_neither_sends_from_nor_sees_another()
    {
        var tenant = await host.AnyTenant();
        var other = await TestHost.Json(await host.Admin.PostAsJsonAsync("/domains", new
        {
            tenant = tenant.Id,
            name = $"other-{Guid.NewGuid():N}.example",
            verification = "manual",
            categories = new[] { "notification" },
        }));
        var key = host.WithKey(Secret(await tenant.NewKey(new { mode = "live", domains = new[] { tenant.Domain } })));
        await tenant.Send(tenant.Mail("ann@example.net"), key);

        var mail = tenant.Mail("ann@example.net");
        mail["from"] = "orders@" + other.GetProperty("name").GetString();
        Assert.Equal("403 domain-not-allowed", await Refusal(key, "/send", mail));
        using var seen = await key.GetAsync($"/domains/{other.GetProperty("id").GetString()}");
        Assert.Equal(HttpStatusCode.NotFound, seen.StatusCode);
        Assert.DoesNotContain("other-", await key.GetStringAsync("/domains"), StringComparison.Ordinal);
        await tenant.Send(mail);
    }

    [Fact]
    public async Task A_key_for_one_category_neither_sends_nor_cancels_another()
    {
        var tenant = await host.AnyTenant();
        var key = await tenant.WithScopes("send:notification");
        var mail = tenant.Mail("ann@example.net");
        await tenant.Send(mail, key);
        foreach (var category in new[] { "marketing", "support" })
        {
            mail["category"] = category;
            Assert.Equal("403 scope-missing", await Refusal(key, "/send", mail));
            mail["sendAt"] = TimeProvider.System.GetUtcNow().AddDays(1).ToString("O");
            var scheduled = await tenant.Send(mail);
            Assert.Equal("403 scope-missing", await Refusal(key, $"/messages/{scheduled}/cancel", new { }));
            await TestHost.Json(await tenant.Live.PostAsync($"/messages/{scheduled}/cancel", null));
            mail.Remove("sendAt");
        }
    }

    [Theory]
    [InlineData("admin,read", "send", false)]
    [InlineData("admin,read", "send:marketing", false)]
    [InlineData("admin,read", "templates", false)]
    [InlineData("admin,read", "admin", true)]
    [InlineData("admin,read", "read,admin", true)]
    [InlineData("admin,read", "read,domains", false)]
    [InlineData("admin,send:notification", "send:notification", true)]
    [InlineData("admin,send:notification", "send", false)]
    [InlineData("admin,send:notification", "send:marketing", false)]
    [InlineData("admin,send", "send:marketing", true)]
    public async Task A_key_grants_only_scopes_that_it_has(string has, string grants, bool granted)
    {
        var tenant = await host.AnyTenant();
        var key = await tenant.WithScopes(has.Split(','));
        using var response = await key.PostAsJsonAsync($"/tenants/{tenant.Id}/keys", new { mode = "live", scopes = grants.Split(',') });
        Assert.Equal(granted ? HttpStatusCode.Created : HttpStatusCode.Forbidden, response.StatusCode);
        var silent = await tenant.NewKey(new { mode = "live" }, key);
        Assert.Equal(has.Split(','), silent.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString()!));
        foreach (var scope in new[] { "operator", "*", "", "Admin" })
        {
            using var invented = await tenant.Live.PostAsJsonAsync($"/tenants/{tenant.Id}/keys", new { mode = "live", scopes = new[] { scope } });
            Assert.Equal(HttpStatusCode.UnprocessableEntity, invented.StatusCode);
        }
    }

    [Fact]
    public async Task A_test_key_makes_no_live_key()
    {
        var tenant = await host.AnyTenant();
        Assert.Equal("403 scope-missing", await Refusal(tenant.Test, $"/tenants/{tenant.Id}/keys", new { mode = "live" }));
        await tenant.NewKey(new { mode = "test" }, tenant.Test);
    }

    [Fact]
    public async Task A_bound_key_makes_no_keys_since_they_could_be_freer()
    {
        var tenant = await host.AnyTenant();
        object[] bounds =
        [
            new { mode = "live", domains = new[] { tenant.Domain } }, new { mode = "live", networks = new[] { "127.0.0.0/8" } },
            new { mode = "live", expiresAt = TimeProvider.System.GetUtcNow().AddDays(1) },
        ];
        foreach (var bound in bounds)
        {
            var maker = host.WithKey(Secret(await tenant.NewKey(bound)));
            Assert.Equal("403 scope-missing", await Refusal(maker, $"/tenants/{tenant.Id}/keys", bound));
            Assert.Equal("403 scope-missing", await Refusal(maker, $"/tenants/{tenant.Id}/keys", new { mode = "test" }));
        }
    }

    [Fact]
    public async Task The_last_use_of_a_key_is_shown()
    {
        var tenant = await host.AnyTenant();
        var made = await tenant.NewKey(new { mode = "live" });
        Assert.False(await LastUsed());
        Assert.Equal(HttpStatusCode.OK, await Status(host.WithKey(Secret(made))));
        await host.Services.GetServices<IHostedService>().OfType<KeyUse>().Single().Note(CancellationToken.None);
        Assert.True(await LastUsed());

        async Task<bool> LastUsed() => (await TestHost.Json(await tenant.Live.GetAsync($"/tenants/{tenant.Id}/keys"))).GetProperty("items").EnumerateArray()
            .Single(key => key.GetProperty("id").GetString() == made.GetProperty("id").GetString()).TryGetProperty("lastUsedAt", out _);
    }

    private static string Secret(JsonElement made) => made.GetProperty("key").GetString()!;

    private static async Task<HttpStatusCode> Status(HttpClient key)
    {
        using var response = await key.GetAsync("/messages");
        return response.StatusCode;
    }

    private static async Task<string> Refusal(HttpClient client, string path, object body)
    {
        using var content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        using var response = await client.PostAsync(path, content);
        var text = await response.Content.ReadAsStringAsync();
        Assert.False(response.IsSuccessStatusCode, $"{path} {JsonSerializer.Serialize(body)}: {text}");
        return $"{(int)response.StatusCode} {JsonDocument.Parse(text).RootElement.GetProperty("type").GetString()!.Split('/')[^1]}";
    }
}
