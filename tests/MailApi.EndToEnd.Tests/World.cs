using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests;

/// <summary>A running program and its peers: name server, receiving mail server, webhook endpoint.</summary>
public sealed class World : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly List<MailApiProcess> others = [];

    private World(MailApiProcess api, IReadOnlyDictionary<string, string> settings, ScriptedSink sink, DnsZone dns, WebhookReceiver hooks, DistributedServers? servers) =>
        (Api, Settings, Sink, Dns, Hooks, Servers) = (api, settings, sink, dns, hooks, servers);

    public MailApiProcess Api { get; }
    public ScriptedSink Sink { get; }
    public DnsZone Dns { get; }
    public WebhookReceiver Hooks { get; }

    /// <summary>What the program was started with.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; }

    /// <summary>Null in embedded mode.</summary>
    public DistributedServers? Servers { get; }

    /// <param name="servers">Null for the embedded mode; they end with the world.</param>
    /// <param name="settings">Beside those that every world needs, or in their place.</param>
    public static async Task<World> Start(DistributedServers? servers, Dictionary<string, string> settings)
    {
        var sink = ScriptedSink.Start(new SinkOptions { TarpitDelay = TimeSpan.FromSeconds(1) });
        var dns = DnsZone.Start();
        dns.A("mx.example.net", "127.0.0.1");
        foreach (var domain in (string[])["example.net", "example.com", "example.org"]) dns.Mx(domain, 10, "mx.example.net");
        var hooks = await WebhookReceiver.StartAsync();
        var all = new Dictionary<string, string>
        {
            ["Dns__Servers"] = dns.Address,
            ["Delivery__MxPort"] = sink.Port.ToString(CultureInfo.InvariantCulture),
            ["Delivery__AllowPrivateNetworks"] = "true",
            ["Delivery__HeloName"] = "out.mailapi.test",
            ["Webhooks__AllowPrivateNetworks"] = "true",
            ["Categories__notification__RetryDelays__0"] = "00:00:01",
        };
        foreach (var (name, value) in servers is null ? [] : await servers.Settings()) all[name] = value;
        foreach (var (name, value) in settings) all[name] = value;
        return new World(await MailApiProcess.StartAsync(all, CancellationToken.None), all, sink, dns, hooks, servers);
    }

    /// <summary>Starts another process on the same store, bus and limits; it ends with the world.</summary>
    /// <param name="roles">What it does; <c>Api</c>, <c>Deliver</c>, <c>Webhook</c>, <c>Receive</c>.</param>
    public async Task<MailApiProcess> Join(string roles)
    {
        var process = await MailApiProcess.StartAsync(new Dictionary<string, string>(Settings) { ["Roles"] = roles }, CancellationToken.None);
        others.Add(process);
        return process;
    }

    /// <summary>A tenant with a verified domain for every category, a webhook for every event, and a live and a test key.</summary>
    public async Task<Shop> NewShop(double perSecond = 10_000, int burst = 10_000, bool webhook = true, string? domain = null)
    {
        var shop = await NewTenant(domain ?? $"mail-{Guid.NewGuid():N}.shop.example");
        await Json(await Api.Admin.PostAsJsonAsync("/domains", new
        {
            tenant = shop.Tenant,
            name = shop.Domain,
            verification = "manual",
            categories = new[] { "marketing", "notification", "support" },
            rate = new { perSecond, burst },
        }));
        if (webhook) await shop.Listen();
        return shop;
    }

    /// <summary>A tenant with a live and a test key, which has not registered its domain yet.</summary>
    public async Task<Shop> NewTenant(string domain)
    {
        var tenant = await Json(await Api.Admin.PostAsJsonAsync("/tenants", new { name = "Shop", ingressRate = new { perSecond = 10_000, burst = 10_000 } }));
        var keys = tenant.GetProperty("keys").EnumerateArray().ToDictionary(key => key.GetProperty("mode").GetString()!, key => key.GetProperty("key").GetString()!);
        return new Shop(this, tenant.GetProperty("id").GetString()!, domain, Api.WithKey(keys["live"]), Api.WithKey(keys["test"]));
    }

    public static Task<JsonElement> Json(HttpResponseMessage response) => Responses.Json(response);

    public async ValueTask DisposeAsync()
    {
        foreach (var process in others) await process.DisposeAsync();
        await Api.DisposeAsync();
        await Sink.DisposeAsync();
        await Dns.DisposeAsync();
        await Hooks.DisposeAsync();
        if (Servers is not null) await Servers.DisposeAsync();
    }
}
