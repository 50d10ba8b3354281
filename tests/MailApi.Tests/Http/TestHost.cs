using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailApi.Hosting;
using MailApi.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

[assembly: AssemblyFixture(typeof(MailApi.Tests.Http.TestHost))]

namespace MailApi.Tests.Http;

/// <summary>The whole program in this process, embedded mode, with a scripted mail server as every receiver.</summary>
public sealed class TestHost : IAsyncLifetime
{
    public const string AdminKey = "operator-key-of-the-tests-0123456789abcdef";

    /// <summary>What receivers see mail come from.</summary>
    public const string EgressAddress = "203.0.113.25";
    public const string ServiceHost = "service.mailapi.test";

    private readonly TempDirectory directory = new();
    private WebApplication app = null!;
    private Lazy<Task<TestTenant>> anyTenant = null!;

    public ScriptedSink Sink { get; } = ScriptedSink.Start();
    public DnsZone Dns { get; } = DnsZone.Start();
    public HttpClient Anonymous { get; private set; } = null!;
    public HttpClient Admin { get; private set; } = null!;
    public Uri ManagementAddress { get; private set; } = null!;
    public IServiceProvider Services => app.Services;
    public string DataDirectory => directory.Path;

    /// <summary>Beside those of every test, or in their place: <c>Delivery:HeloName=…</c>.</summary>
    internal string[] Settings { get; init; } = [];

    public async ValueTask InitializeAsync()
    {
        Dns.Mx("example.net", 10, "mx.example.net").A("mx.example.net", "127.0.0.1");
        Dns.Txt($"spf.{ServiceHost}", $"v=spf1 ip4:{EgressAddress} -all").A("out.mailapi.test", EgressAddress);
        Dns.Mx("xn--fsqu00a.xn--0zwm56d", 10, "mx.example.net");
        app = MailApiHost.Build(
        [
            "--Urls=http://127.0.0.1:0", "--Management:Urls=http://127.0.0.1:0", $"--DataDirectory={directory.Path}", $"--Admin:Key={AdminKey}",
            $"--Dns:Servers={Dns.Address}", $"--Delivery:MxPort={Sink.Port}", "--Delivery:AllowPrivateNetworks=true", "--Delivery:HeloName=out.mailapi.test",
            $"--Delivery:EgressAddresses={EgressAddress}", $"--Domains:ServiceHost={ServiceHost}",
            // Every sink is on a private network, where little is asked of us: these sites are treated as strangers.
            "--Delivery:Sites:four:MxSuffixes:0=four.test", "--Delivery:Sites:four:Connections=4", "--Delivery:Sites:four:PerSecond=0",
            "--Delivery:Sites:strangers:MxSuffixes:0=strangers.test", "--Delivery:Sites:strangers:MessagesPerConnection=3",
            // All clients have one address here: each test would wait for the others' wrong keys.
            "--Receive:Smtp=127.0.0.1:0", "--Receive:Submission=127.0.0.1:0", "--Receive:SubmissionTls=127.0.0.1:0", "--Receive:LoginFailuresMax=1000", "--Receive:GreetingPause=00:00:00",
            "--Webhooks:AllowPrivateNetworks=true", "--Categories:notification:RetryDelays:0=00:00:01",
            .. Settings.Select(setting => "--" + setting),
        ]);
        await app.StartAsync();
        var listeners = app.Services.GetRequiredService<Listeners>();
        Anonymous = new HttpClient { BaseAddress = new Uri(listeners.PublicAddress.Replace("localhost", "127.0.0.1", StringComparison.Ordinal)) };
        ManagementAddress = new Uri(listeners.ManagementAddress.Replace("localhost", "127.0.0.1", StringComparison.Ordinal));
        Admin = WithKey(AdminKey);
        anyTenant = new(() => NewTenant());
    }

    /// <summary>A client of the listener for port 25, greeted.</summary>
    public Task<SmtpCaller> Stranger() => SmtpCaller.Connect(SmtpPort(Listeners.SmtpName));

    /// <summary>A client of submission, past STARTTLS and EHLO.</summary>
    public async Task<SmtpCaller> Caller()
    {
        var caller = await SmtpCaller.Connect(SmtpPort(Listeners.SubmissionName));
        await caller.Secure();
        return caller;
    }

    /// <summary>Where a listener listens, by its name in <see cref="Listeners"/>.</summary>
    internal int SmtpPort(string name) => app.Services.GetRequiredService<Listeners>().Smtp.Single(listener => listener.Name == name).EndPoint!.Port;

    public HttpClient WithKey(string key) => new()
    {
        BaseAddress = Anonymous.BaseAddress,
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", key) },
    };

    /// <summary>A tenant for tests that do not mind what others do with it: a domain's key pair is costly.</summary>
    public Task<TestTenant> AnyTenant() => anyTenant.Value;

    /// <summary>A tenant with a verified domain for all categories.</summary>
    /// <param name="domain">Its name; by default one that nobody has.</param>
    public async Task<TestTenant> NewTenant(int perSecond = 10_000, int burst = 10_000, string? domain = null)
    {
        var tenant = await Json(await Admin.PostAsJsonAsync("/tenants", new { name = "Shop", ingressRate = new { perSecond, burst } }));
        var id = tenant.GetProperty("id").GetString()!;
        var keys = tenant.GetProperty("keys").EnumerateArray().ToDictionary(key => key.GetProperty("mode").GetString()!, key => key.GetProperty("key").GetString()!);
        var name = domain ?? $"mail-{Guid.NewGuid():N}.shop.example";
        var registered = await Json(await Admin.PostAsJsonAsync("/domains", new
        {
            tenant = id,
            name,
            verification = "manual",
            categories = new[] { "marketing", "notification", "support" },
            rate = new { perSecond = 10_000, burst = 10_000 },
            dkim = new { selector = AnyKey.Selector, privateKey = AnyKey.Pem },
        }));
        return new TestTenant(this, id, name, registered.GetProperty("id").GetString()!, WithKey(keys["live"]), WithKey(keys["test"]), keys["live"]);
    }

    public static Task<JsonElement> Json(HttpResponseMessage response) => Responses.Json(response);

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync();
        await app.DisposeAsync();
        await Sink.DisposeAsync();
        await Dns.DisposeAsync();
        directory.Dispose();
    }
}

public sealed record TestTenant(TestHost Host, string Id, string Domain, string DomainId, HttpClient Live, HttpClient Test, string LiveKey)
{
    public JsonObject Mail(params string[] to) => new()
    {
        ["from"] = $"Example Shop <orders@{Domain}>",
        ["to"] = new JsonArray([.. to.Select(address => JsonValue.Create(address))]),
        ["subject"] = "Order 1001 is on its way",
        ["text"] = "Your parcel left our warehouse this morning.\n",
        ["category"] = "notification",
    };

    /// <summary>A further key, made with the tenant's own: the answer of <c>POST /tenants/{id}/keys</c>.</summary>
    public async Task<JsonElement> NewKey(object request, HttpClient? maker = null) =>
        await TestHost.Json(await (maker ?? Live).PostAsJsonAsync($"/tenants/{Id}/keys", request));

    /// <summary>A client with a further live key of these scopes.</summary>
    public async Task<HttpClient> WithScopes(params string[] scopes) =>
        Host.WithKey((await NewKey(new { mode = "live", scopes })).GetProperty("key").GetString()!);

    public async Task<string> Send(JsonObject mail, HttpClient? client = null) =>
        (await TestHost.Json(await (client ?? Live).PostAsJsonAsync("/send", mail))).GetProperty("id").GetString()!;

    /// <summary>What the tenant publishes for its one selector.</summary>
    public async Task<string> DkimRecord() =>
        (await TestHost.Json(await Live.GetAsync($"/domains/{DomainId}"))).GetProperty("records").EnumerateArray()
            .Single(record => record.GetProperty("purpose").GetString() == "dkim").GetProperty("value").GetString()!;

    public async Task<JsonElement> WaitFor(string id, string state)
    {
        JsonElement message = default;
        await Eventually.HoldsAsync(async () =>
        {
            message = await TestHost.Json(await Live.GetAsync($"/messages/{id}"));
            return message.GetProperty("recipients").EnumerateArray().All(it => it.GetProperty("state").GetString() == state);
        }, TimeSpan.FromSeconds(60), $"{id} is {state}", CancellationToken.None);
        return message;
    }

    /// <summary>Sends mail to an address that nobody else has, and waits until it is delivered.</summary>
    public async Task<Sent> Deliver()
    {
        var recipient = $"ann-{Guid.NewGuid():N}@example.net";
        var (id, message) = await Deliver(Mail(recipient));
        return new Sent(id, recipient, message.MailFrom, message.MessageId);
    }

    /// <summary>Sends mail to a single recipient, and waits until it is delivered.</summary>
    public async Task<(string Id, SinkMessage Message)> Deliver(JsonObject mail)
    {
        var id = await Send(mail);
        await WaitFor(id, "delivered");
        return (id, await Host.Sink.WaitFor(mail["to"]![0]!.GetValue<string>(), TimeSpan.FromSeconds(60)));
    }

    /// <summary>Delivers marketing mail; the mail, and the address in its header that unsubscribes (RFC 2369).</summary>
    public async Task<(JsonObject Mail, string Unsubscribe)> DeliverMarketing()
    {
        var mail = Mail($"ann-{Guid.NewGuid():N}@example.net");
        mail["category"] = "marketing";
        var (_, message) = await Deliver(mail);
        return (mail, message.Header("List-Unsubscribe")!.Split("mailto:")[1].Split('>', '?')[0]);
    }

    /// <summary>Hands in a message that came back.</summary>
    /// <param name="message">As it came.</param>
    /// <param name="recipient">To which address of ours.</param>
    /// <param name="client">By default with the live key.</param>
    public Task<HttpResponseMessage> Receive(byte[] message, string? recipient = null, HttpClient? client = null)
    {
        var body = new ByteArrayContent(message) { Headers = { ContentType = new MediaTypeHeaderValue("message/rfc822") } };
        return (client ?? Live).PostAsync("/receive" + (recipient is null ? "" : "?recipient=" + System.Net.WebUtility.UrlEncode(recipient)), body);
    }

    public async Task<JsonElement> Received(byte[] message, string? recipient = null) => await TestHost.Json(await Receive(message, recipient));
}

/// <summary>A delivered message: its id, and what its receiver knows of it.</summary>
/// <param name="MessageId">With its angle brackets.</param>
public sealed record Sent(string Id, string Recipient, string MailFrom, string MessageId);
