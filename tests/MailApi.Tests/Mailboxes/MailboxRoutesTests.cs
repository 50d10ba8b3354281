using System.Buffers;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Mail.Routing;
using MailApi.Mailboxes;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Mailboxes;

public sealed class MailboxRoutesTests(TestHost host)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_mailbox_is_named_shown_replaced_and_removed_and_never_tells_its_secrets()
    {
        var tenant = await host.NewTenant();
        var path = $"/domains/{tenant.DomainId}/mailbox";
        Assert.Equal(HttpStatusCode.NotFound, (await tenant.Live.GetAsync(path)).StatusCode);
        var secret = $"pw-{Guid.NewGuid():N}";
        var named = await Put(tenant, new { protocol = "imap", host = "IMAP.Example.COM.", username = "bounces", password = secret });
        Assert.Equal("imap imap.example.com 993 implicit password bounces INBOX move Processed", Words(named, "protocol", "host", "port", "tls", "auth", "username", "folder", "after", "moveTo"));
        Assert.Equal(0, named.GetProperty("state").GetProperty("processed").GetInt64());

        var replaced = await Put(tenant, new
        {
            protocol = "pop3",
            host = "pop.example.com",
            tls = "startTls",
            username = "bounces",
            oauth = new { provider = "google", grant = "refreshToken", clientId = "c", clientSecret = "cs-" + secret, refreshToken = "rt-" + secret },
        });
        Assert.Equal("pop3 pop.example.com 110 startTls xoauth2 bounces delete", Words(replaced, "protocol", "host", "port", "tls", "auth", "username", "after"));
        Assert.Equal("""{"provider":"google","tokenEndpoint":"https://oauth2.googleapis.com/token","grant":"refreshToken","clientId":"c"}""", replaced.GetProperty("oauth").GetRawText());

        foreach (var answer in new[] { named.GetRawText(), replaced.GetRawText(), await tenant.Live.GetStringAsync(path) }) Assert.DoesNotContain(secret, answer, StringComparison.Ordinal);
        Assert.Empty(DataFiles.Containing(host.DataDirectory, SearchValues.Create([secret], StringComparison.Ordinal)));
        Assert.Equal(HttpStatusCode.NoContent, (await tenant.Live.DeleteAsync(path)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await tenant.Live.GetAsync(path)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await tenant.Live.DeleteAsync(path)).StatusCode);
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task What_keeps_a_mailbox_from_being_read_is_shown_and_a_check_tells_it_at_once()
    {
        var tenant = await host.NewTenant();
        var path = $"/domains/{tenant.DomainId}/mailbox";
        await Put(tenant, new { protocol = "imap", host = "127.0.0.1", port = 1, username = "bounces", password = "secret" });

        var check = await TestHost.Json(await tenant.Live.PostAsync(path + "/check", null));
        Assert.False(check.GetProperty("ok").GetBoolean());
        const string Told = "127.0.0.1:1 could not be connected to (ConnectionRefused). Compare host and port with those of the provider; a firewall on the way may close them.";
        Assert.Equal(Told, check.GetProperty("result").GetString());

        await Eventually.HoldsAsync(async () => (await State(tenant)).TryGetProperty("lastError", out var error) && error.GetString() == Told, Patience, "the state tells the error", CancellationToken.None);
        Assert.False((await State(tenant)).TryGetProperty("lastConnectedAt", out _));

        // Of other settings nothing is known yet.
        await Put(tenant, new { protocol = "imap", host = "nobody.invalid", username = "bounces", password = "secret" });
        await Eventually.HoldsAsync(async () => (await State(tenant)).TryGetProperty("lastError", out var error) && error.GetString()!.StartsWith("The host nobody.invalid has no address now", StringComparison.Ordinal), Patience, "the new settings are tried", CancellationToken.None);
    }

    [Fact]
    public async Task Every_error_is_told_at_once()
    {
        var tenant = await host.NewTenant();
        using var response = await tenant.Live.PutAsJsonAsync($"/domains/{tenant.DomainId}/mailbox", new
        {
            protocol = "pop3",
            host = "not a host",
            port = 0,
            tls = "none",
            auth = "plain",
            username = "",
            password = "p",
            oauth = new { provider = "microsoft", grant = "password", clientId = "" },
            folder = "a\nb",
            after = "move",
            moveTo = "",
        });
        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        var errors = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("errors").EnumerateObject().Select(error => error.Name).Order(StringComparer.Ordinal);
        Assert.Equal(["after", "auth", "folder", "host", "moveTo", "oauth.clientId", "oauth.directory", "oauth.grant", "password", "port", "tls", "username"], errors);
    }

    [Theory]
    [InlineData("password", """{"protocol":"imap","host":"imap.example.com","username":"a"}""")]
    [InlineData("oauth", """{"protocol":"imap","host":"imap.example.com","username":"a","auth":"xoauth2"}""")]
    [InlineData("moveTo", """{"protocol":"imap","host":"imap.example.com","username":"a","password":"p","moveTo":"inbox"}""")]
    [InlineData("moveTo", """{"protocol":"imap","host":"imap.example.com","username":"a","password":"p","after":"flag","moveTo":"Done"}""")]
    [InlineData("port", """{"protocol":"imap","host":"imap.example.com","username":"a","password":"p","port":6379}""")]
    [InlineData("host", """{"protocol":"imap","host":"127.0.0.1","username":"a","password":"p"}""")]
    [InlineData("host", """{"protocol":"imap","host":"169.254.169.254","username":"a","password":"p"}""")]
    [InlineData("oauth.tokenEndpoint", """{"protocol":"imap","host":"imap.example.com","username":"a","oauth":{"provider":"custom","tokenEndpoint":"http://127.0.0.1/token","grant":"refreshToken","clientId":"c","refreshToken":"r"}}""")]
    [InlineData("", """{"protocol":"imap","host":"imap.example.com","username":"a","password":"p","port":143,"tls":"startTls","folder":"INBOX/Bounces","after":"move","moveTo":"INBOX"}""")]
    [InlineData("", """{"protocol":"pop3","host":"pop.example.com","username":"a","password":"p","after":"flag"}""")]
    public void What_a_mailbox_may_be_on_the_public_internet(string wrong, string json)
    {
        var request = JsonSerializer.Deserialize<MailboxRequest>(json, JsonSerializerOptions.Web)!;
        var result = new MailboxValidator(new RoutingOptions { AllowPrivateNetworks = false }).Validate(request);
        Assert.Equal(wrong.Length == 0 ? [] : [wrong], result.Errors.Select(error => error.PropertyName).Distinct());
    }

    [Fact]
    public async Task A_name_that_leads_into_a_private_network_is_connected_to_nowhere()
    {
        await using var zone = DnsZone.Start();
        zone.A("inside.example", "10.0.0.1");
        var dns = new DnsResolver(new DnsOptions { Servers = [zone.EndPoint], AllowPrivateNetworks = true }, TimeProvider.System);
        var router = new MxRouter(dns, new RoutingOptions { AllowPrivateNetworks = false }, Random.Shared);
        Assert.Empty((await router.Addresses("inside.example", CancellationToken.None))!);
        Assert.Empty((await router.Addresses("127.0.0.1", CancellationToken.None))!);
        Assert.Null(await router.Addresses("nobody.example", CancellationToken.None));
    }

    [Fact]
    public async Task A_test_key_names_no_mailbox()
    {
        var tenant = await host.AnyTenant();
        using var response = await tenant.Test.PutAsJsonAsync($"/domains/{tenant.DomainId}/mailbox", new { protocol = "imap", host = "imap.example.com", username = "a", password = "p" });
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    private static async Task<JsonElement> State(TestTenant tenant) => (await TestHost.Json(await tenant.Live.GetAsync($"/domains/{tenant.DomainId}/mailbox"))).GetProperty("state");

    private static async Task<JsonElement> Put(TestTenant tenant, object mailbox) => await TestHost.Json(await tenant.Live.PutAsJsonAsync($"/domains/{tenant.DomainId}/mailbox", mailbox));

    private static string Words(JsonElement shown, params string[] names) => string.Join(' ', names.Select(name => shown.GetProperty(name).ToString()));
}
