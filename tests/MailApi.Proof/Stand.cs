using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Proof.Ledgers;
using MailApi.Proof.Loading;
using MailApi.Testing;

namespace MailApi.Proof;

/// <summary>What a stand is put together from.</summary>
public sealed record StandOptions
{
    public required Mode Mode { get; init; }

    /// <summary>Processes on one store, bus and limits; the embedded mode has one.</summary>
    public int Nodes { get; init; } = 1;

    /// <summary>Servers that others use as well; null: the distributed mode starts its own, which may be broken.</summary>
    public DistributedServers? Servers { get; init; }

    /// <summary>Another build of the program; null: the published one.</summary>
    public string? Binary { get; init; }

    /// <summary>Of the program, beside those that every stand needs, or in their place.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Where the ledgers are written.</summary>
    public required string Directory { get; init; }
}

/// <summary>One system under test and its peers, each of which keeps a ledger: receiving mail server, webhook endpoint, name server, load.</summary>
public sealed class Stand : IAsyncDisposable
{
    /// <summary>Sites of a kind that objects. All have one address and each its own name: one alone that so many objections came from would be given a mail a minute.</summary>
    public const int SitesOfAKind = 200;

    /// <summary>What objecting sites are called, before their number.</summary>
    public static readonly IReadOnlyList<string> Kinds = ["refuse", "defer", "slow", "odd", "held"];

    /// <summary>Sites that take what they are given: <c>ok0.test</c> and so on.</summary>
    public const int QuietSites = 4;

    private readonly List<MailApiProcess> nodes = [];
    private readonly List<Tenant> tenants = [];
    private readonly List<IAsyncDisposable> kept = [];
    private readonly CancellationTokenSource ended = new();
    private readonly bool ownsServers;
    private Task releasing = Task.CompletedTask;

    private Stand(StandOptions options, ScriptedSink sink, DnsZone dns, WebhookReceiver hooks, DistributedServers? servers)
    {
        (Options, Sink, Dns, Hooks, Servers, ownsServers) = (options, sink, dns, hooks, servers, options.Servers is null);
        Timeline = new Timeline(PathOf("timeline"));
        Settings = new Dictionary<string, string>();
    }

    public StandOptions Options { get; }
    public Mode Mode => Options.Mode;
    public ScriptedSink Sink { get; }
    public DnsZone Dns { get; }
    public WebhookReceiver Hooks { get; }

    /// <summary>Null in embedded mode.</summary>
    public DistributedServers? Servers { get; }

    /// <summary>What was done to the system, and when.</summary>
    public Timeline Timeline { get; }

    /// <summary>What the nodes are started with; a fault may put itself between them and a peer before <see cref="StartNodes"/>.</summary>
    public Dictionary<string, string> Settings { get; }

    /// <summary>What one node alone is started with, in its place.</summary>
    public Dictionary<(int Node, string Name), string> OwnSettings { get; } = [];

    public IReadOnlyList<MailApiProcess> Nodes => nodes;
    public IReadOnlyList<Tenant> Tenants => tenants;

    /// <summary>What sends; a fault may send mail of its own by it.</summary>
    public Load Load { get => field ?? throw new InvalidOperationException("Nothing sends yet."); set; }

    /// <summary>Receivers that hold a reply hold it until this is false again; else they give it after a second or so.</summary>
    public bool HoldsReplies { get; set; }

    /// <summary>The PostgreSQL database's name.</summary>
    public string Database { get; private set; } = "";

    /// <summary>The file of a ledger: <c>intents</c>, <c>answers</c>, <c>sink</c>, <c>webhooks</c>, <c>database</c>, <c>timeline</c>.</summary>
    public string PathOf(string ledger) => Path.Combine(Options.Directory, ledger + ".jsonl");

    /// <summary>Recipients whose local part begins so, of mail that their receivers have.</summary>
    public HashSet<string> TakenFor(string beginning) =>
        [.. SinkLedgerLine.Read(PathOf("sink")).Select(line => line.Recipient).Where(recipient => recipient.StartsWith(beginning, StringComparison.Ordinal))];

    /// <summary>Starts the peers and settles what the nodes will be started with.</summary>
    public static async Task<Stand> Prepare(StandOptions options, CancellationToken ct)
    {
        Directory.CreateDirectory(options.Directory);
        var servers = options.Mode == Mode.Embedded ? null : options.Servers ?? await DistributedServers.Start();
        var sink = ScriptedSink.Start(new SinkOptions
        {
            LedgerPath = Path.Combine(options.Directory, "sink.jsonl"),
            KeepContent = false,
            TarpitDelay = TimeSpan.FromSeconds(1),
        });
        var dns = DnsZone.Start();
        foreach (var site in Sites()) dns.Mx($"{site}.test", 10, $"mx.{site}.test").A($"mx.{site}.test", "127.0.0.1");
        var hooks = await WebhookReceiver.StartAsync(Path.Combine(options.Directory, "webhooks.jsonl"));
        var stand = new Stand(options, sink, dns, hooks, servers);
        await stand.Settle(ct);
        return stand;
    }

    /// <summary>Starts the nodes; returns when they are ready.</summary>
    public async Task StartNodes(CancellationToken ct)
    {
        for (var index = 0; index < Options.Nodes; index++)
        {
            var settings = new Dictionary<string, string>(Settings);
            foreach (var ((_, name), value) in OwnSettings.Where(own => own.Key.Node == index)) settings[name] = value;
            nodes.Add(Options.Binary is { } binary ? await MailApiProcess.StartAsync(binary, settings, ct) : await MailApiProcess.StartAsync(settings, ct));
        }
        releasing = ReleaseHeld();
    }

    /// <summary>A tenant with a verified domain, a live key and a webhook for every event.</summary>
    /// <param name="perSecond">Of its domain's sending rate.</param>
    /// <param name="burst">Likewise.</param>
    /// <param name="ct">Ends it.</param>
    public async Task<Tenant> Register(int perSecond, int burst, CancellationToken ct, bool hears = true)
    {
        var (number, admin) = (tenants.Count, nodes[0].Admin);
        var domain = $"mail{number}.shop.example";
        var made = await Json(await admin.PostAsJsonAsync("/tenants", new { name = $"Shop {number}", ingressRate = new { perSecond = 10_000, burst = 10_000 } }, ct), ct);
        var key = made.GetProperty("keys").EnumerateArray().First(it => it.GetProperty("mode").GetString() == "live").GetProperty("key").GetString()!;
        var id = made.GetProperty("id").GetString()!;
        await Json(await admin.PostAsJsonAsync("/domains", new
        {
            tenant = id,
            name = domain,
            verification = "manual",
            categories = new[] { "notification", "support" },
            rate = new { perSecond, burst },
        }, ct), ct);
        var (path, secret) = hears ? await Listen(number, key, ct) : (null, "");
        var tenant = new Tenant(number, id, domain, key, path, secret, perSecond, burst);
        tenants.Add(tenant);
        return tenant;
    }

    private async Task<(string? Path, string Secret)> Listen(int tenant, string key, CancellationToken ct)
    {
        using var live = nodes[0].WithKey(key);
        var path = $"/hook/{tenant}";
        var webhook = await Json(await live.PostAsJsonAsync("/webhooks", new { url = new Uri(new Uri(Hooks.Url), path).ToString(), events = new[] { "*" } }, ct), ct);
        return (path, webhook.GetProperty("secret").GetString()!);
    }

    /// <summary>What a fault has put up for this stand; it goes with it.</summary>
    public T Keep<T>(T part) where T : IAsyncDisposable
    {
        kept.Add(part);
        return part;
    }

    /// <summary>kill -9 of a node, marked as what may have caused a copy.</summary>
    public async Task Kill(MailApiProcess node)
    {
        await Timeline.Disturbed($"kill -9 of node {nodes.IndexOf(node)}");
        await node.Kill9Async();
    }

    /// <summary>Starts a node again that was killed or has died, and returns when it is ready.</summary>
    public async Task StartAgain(MailApiProcess node, CancellationToken ct)
    {
        // What the dead one had said last may have been read by its peer until now, or, by one that reads slowly, while the new one starts.
        await Timeline.Disturbed($"node {nodes.IndexOf(node)} starts again");
        await node.StartAgainAsync(ct);
        await Timeline.Disturbed($"node {nodes.IndexOf(node)} has started again");
    }

    /// <summary>Waits until nothing is under way any more: every envelope final, every webhook delivery done.</summary>
    /// <exception cref="TimeoutException">It is not; the message says what is left.</exception>
    public async Task Settled(TimeSpan patience, CancellationToken ct)
    {
        var left = "";
        try
        {
            await Eventually.HoldsAsync(async () => (left = await DatabaseLedger.Unsettled(this, ct)).Length == 0, TimeSpan.FromMilliseconds(250), patience, "everything is final", ct);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}. Left: {left}\n{string.Join('\n', nodes.Select(node => node.Output))}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ended.CancelAsync();
        await releasing;
        foreach (var node in nodes) await node.DisposeAsync();
        foreach (var part in kept) await part.DisposeAsync();
        await Sink.DisposeAsync();
        await Dns.DisposeAsync();
        await Hooks.DisposeAsync();
        await Timeline.DisposeAsync();
        if (ownsServers && Servers is not null) await Servers.DisposeAsync();
        ended.Dispose();
    }

    private static IEnumerable<string> Sites() =>
        Enumerable.Range(0, QuietSites).Select(number => $"ok{number}").Concat(Kinds.SelectMany(kind => Enumerable.Range(0, SitesOfAKind).Select(number => $"{kind}{number}")));

    private async Task Settle(CancellationToken ct)
    {
        foreach (var (name, value) in Servers is null ? [] : await Servers.Settings()) Settings[name] = value;
        if (Servers is not null) Database = new Npgsql.NpgsqlConnectionStringBuilder(Settings["Store__ConnectionString"]).Database!;
        Settings["Dns__Servers"] = Dns.Address;
        Settings["Delivery__MxPort"] = Sink.Port.ToString(CultureInfo.InvariantCulture);
        Settings["Delivery__AllowPrivateNetworks"] = "true";
        Settings["Delivery__HeloName"] = "out.mailapi.test";
        Settings["Webhooks__AllowPrivateNetworks"] = "true";
        // A claimed delivery of a process that was killed comes back after this and fifteen seconds.
        Settings["Webhooks__Timeout"] = "00:00:02";
        Settings["Categories__notification__RetryDelays__0"] = "00:00:01";
        Settings["Categories__support__RetryDelays__0"] = "00:00:02";
        // What several nodes must share.
        Settings["Secrets__KeyEncryptionKey"] = Convert.ToBase64String([.. Enumerable.Range(0, 32).Select(number => (byte)number)]);
        foreach (var (name, value) in Options.Settings) Settings[name] = value;
        ct.ThrowIfCancellationRequested();
    }

    private async Task ReleaseHeld()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(ended.Token))
            {
                if (!HoldsReplies) Sink.ReleaseHeld();
            }
        }
        catch (OperationCanceledException)
        {
            // The stand goes.
        }
    }

    private static async Task<JsonElement> Json(HttpResponseMessage response, CancellationToken ct)
    {
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync(ct);
            if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"{response.RequestMessage?.RequestUri} → {(int)response.StatusCode} {text}");
            return JsonDocument.Parse(text).RootElement.Clone();
        }
    }
}
