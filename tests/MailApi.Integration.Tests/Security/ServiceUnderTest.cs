using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Api;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Storage;
using MailApi.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailApi.Integration.Tests.Security;

/// <summary>A tenant that has one of everything, and what of it is secret.</summary>
internal sealed record Owner(TenantId Id, HttpClient Live, HttpClient Test, string Domain, string DomainId, IReadOnlyList<string> Secrets, IReadOnlyList<string> Content);

/// <summary>The whole program in this process, over either store, with everything that it logs.</summary>
internal sealed class ServiceUnderTest : IAsyncDisposable
{
    public const string AdminKey = "operator-key-of-the-tests-0123456789abcdef";
    private readonly TempDirectory directory = new();
    private readonly ConcurrentQueue<string> log = new();
    private readonly ScriptedSink sink = ScriptedSink.Start();
    private readonly DnsZone dns = DnsZone.Start();
    private WebApplication app = null!;

    public Db Db => app.Services.GetRequiredService<Db>();
    public string DataDirectory => directory.Path;
    public Uri Address { get; private set; } = null!;
    public Uri Management { get; private set; } = null!;
    public HttpClient Admin { get; private set; } = null!;
    public IReadOnlyList<string> Log => [.. log];

    public static async Task<ServiceUnderTest> Start(StoreProvider provider, SharedServers servers, params string[] more)
    {
        var service = new ServiceUnderTest();
        string[] store = [];
        if (provider == StoreProvider.PostgreSql)
        {
            var server = await servers.PostgreSql;
            store = ["--Store:Provider=PostgreSql", $"--Store:ConnectionString={server.ConnectionString(await server.CreateDatabaseAsync(CancellationToken.None))}"];
        }
        service.dns.Mx("example.net", 10, "mx.example.net").A("mx.example.net", "127.0.0.1");
        service.app = MailApiHost.Build(
        [
            "--Urls=http://127.0.0.1:0", "--Management:Urls=http://127.0.0.1:0", $"--DataDirectory={service.directory.Path}", $"--Admin:Key={AdminKey}", $"--Dns:Servers={service.dns.Address}",
            $"--Delivery:MxPort={service.sink.Port}", "--Delivery:AllowPrivateNetworks=true", "--Delivery:HeloName=out.mailapi.test", "--Webhooks:AllowPrivateNetworks=true", .. store, .. more,
        ]);
        service.app.Services.GetRequiredService<ILoggerFactory>().AddProvider(new Capture(service.log));
        await service.app.StartAsync();
        var listeners = service.app.Services.GetRequiredService<Listeners>();
        service.Address = new Uri(listeners.PublicAddress.Replace("localhost", "127.0.0.1", StringComparison.Ordinal));
        service.Management = new Uri(listeners.ManagementAddress.Replace("localhost", "127.0.0.1", StringComparison.Ordinal));
        service.Admin = service.WithKey(AdminKey);
        return service;
    }

    public HttpClient WithKey(string key) => new() { BaseAddress = Address, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", key) } };

    public async Task<Owner> Tenant()
    {
        var (secret, content) = ($"secret{Guid.NewGuid():N}", $"content{Guid.NewGuid():N}");
        var made = await Json(await Admin.PostAsJsonAsync("/tenants", new { name = "Shop" }));
        var keys = made.GetProperty("keys").EnumerateArray().ToDictionary(key => key.GetProperty("mode").GetString()!, key => key.GetProperty("key").GetString()!);
        var (id, live, test) = (made.GetProperty("id").GetString()!, WithKey(keys["live"]), WithKey(keys["test"]));
        using var rsa = System.Security.Cryptography.RSA.Create(2048);
        var pem = rsa.ExportPkcs8PrivateKeyPem();
        var name = $"mail-{Guid.NewGuid():N}.shop.example";
        var domain = (await Json(await Admin.PostAsJsonAsync("/domains", new
        {
            tenant = id,
            name,
            verification = "manual",
            categories = new[] { "marketing", "notification", "support" },
            dkim = new { selector = "own", privateKey = pem },
        }))).GetProperty("id").GetString()!;
        var webhook = await Json(await live.PostAsJsonAsync("/webhooks", new { url = $"http://127.0.0.1:1/{content}", events = new[] { "*" } }));
        var rotated = await Json(await live.PostAsync($"/webhooks/{webhook.GetProperty("id").GetString()}/rotate-secret", null));
        await Json(await live.PostAsJsonAsync("/suppressions", new { address = $"gone.{content}@example.net" }));
        await Json(await live.PutAsJsonAsync("/topics", new { items = new[] { new { name = "weekly", title = "Weekly news" } } }));
        await Json(await live.PutAsJsonAsync($"/recipients/pref.{content}@example.net/preferences", new { topics = new { weekly = false } }));
        await Json(await live.PostAsJsonAsync("/relays", new { name = "Relay", host = "127.0.0.1", port = 1, tls = "none", auth = "plain", username = "u", password = $"{secret}a", enabled = false }));
        await Json(await live.PostAsJsonAsync("/relays", new
        {
            name = "OAuth",
            host = "127.0.0.1",
            port = 1,
            username = "u",
            oauth = new { provider = "google", grant = "refreshToken", clientId = "c", clientSecret = $"{secret}b", refreshToken = $"{secret}c" },
            enabled = false,
        }));
        await Json(await live.PutAsJsonAsync($"/domains/{domain}/mailbox", new { protocol = "pop3", host = "127.0.0.1", port = 1, username = "u", password = $"{secret}d" }));
        foreach (var client in new[] { live, test })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/send") { Content = JsonContent.Create(Mail(name, content)) };
            request.Headers.Add("Idempotency-Key", client == live ? "live" : "test");
            await Json(await client.SendAsync(request));
        }
        await Eventually.HoldsAsync(async () =>
            (await Json(await live.GetAsync("/sandbox/messages"))).GetProperty("items").GetArrayLength() > 0 && (await Json(await live.GetAsync("/stats"))).GetProperty("items").GetArrayLength() > 0,
            TimeSpan.FromSeconds(60), "mail has been sent and counted", CancellationToken.None);
        Assert.True(PrefixedId.TryParse<TenantId>(id, out var tenant));
        return new Owner(tenant, live, test, name, domain,
            [secret, keys["live"]["mk_live_".Length..], keys["test"]["mk_test_".Length..], Shown(webhook), Shown(rotated), pem.Split('\n')[3]], [content]);
    }

    public static object Mail(string domain, string content) => new
    {
        from = $"{content} <{content}@{domain}>",
        to = new[] { $"{content} <{content}@example.net>" },
        subject = content,
        text = content,
        html = $"<p>{content}</p>",
        category = "marketing",
        topic = "weekly",
        tags = new[] { content },
        metadata = new Dictionary<string, string> { [content] = content },
        headers = new Dictionary<string, string> { ["X-Content"] = content },
    };

    public static Task<JsonElement> Json(HttpResponseMessage response) => Responses.Json(response);

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync();
        await app.DisposeAsync();
        await sink.DisposeAsync();
        await dns.DisposeAsync();
        directory.Dispose();
    }

    private static string Shown(JsonElement webhook) => webhook.GetProperty("secret").GetString()!["whsec_".Length..];

    /// <summary>At Information and above, as the program logs by default: message, state and exception.</summary>
    private sealed class Capture(ConcurrentQueue<string> lines) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            var values = state is IEnumerable<KeyValuePair<string, object?>> pairs ? string.Join(' ', pairs.Select(pair => $"{pair.Key}={pair.Value}")) : "";
            lines.Enqueue($"{formatter(state, exception)} | {values} | {exception}");
        }

        public void Dispose() => lines.Clear();
    }
}
