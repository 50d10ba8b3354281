using System.Globalization;
using System.Security.Cryptography;
using MailApi.Hosting;
using MailApi.Storage;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>
/// The published program with its servers and a name server that has an MX record for <c>site0.example</c>, <c>site1.example</c> and so on, each
/// with an address of its own in 127.0.0.0/8, all on the port of one sink.
/// </summary>
internal sealed class Installation : IAsyncDisposable
{
    private static readonly TimeSpan RecordPatience = TimeSpan.FromMinutes(2);
    private readonly TempDirectory directory;
    private readonly DnsZone dns;
    private readonly Servers? servers;

    private Installation(MailApiProcess api, TempDirectory directory, DnsZone dns, Servers? servers, IReadOnlyList<string> sites)
    {
        (Api, this.directory, this.dns, this.servers, Sites) = (api, directory, dns, servers, sites);
    }

    public MailApiProcess Api { get; }

    /// <summary>Recipient domains.</summary>
    public IReadOnlyList<string> Sites { get; }

    /// <summary>Who sends; set by whoever registered them.</summary>
    public IReadOnlyList<Sender> Senders { get; set; } = [];

    /// <summary>Processes whose processor time is worth telling apart.</summary>
    public IEnumerable<(string Name, int Pid)> Processes => [("MailApi", Api.Process.Pid), .. servers?.Processes ?? []];

    /// <param name="mode">How it is put together.</param>
    /// <param name="sinkPort">Of the receiving mail server.</param>
    /// <param name="sites">How many.</param>
    /// <param name="extra">Settings that add to ours or replace them.</param>
    /// <param name="prepare">Fills the store before the program starts.</param>
    public static async Task<Installation> Start(Mode mode, int sinkPort, int sites, IReadOnlyDictionary<string, string> extra, Func<Db, Vault, Task>? prepare = null)
    {
        var servers = mode == Mode.Distributed ? await Servers.Start() : null;
        var directory = new TempDirectory();
        var secret = RandomNumberGenerator.GetBytes(Vault.KeyBytes);
        if (prepare is not null) await Prepare(servers, directory, secret, prepare);
        var (dns, names) = Zone(sites);
        var settings = new Dictionary<string, string>(servers?.Settings ?? [])
        {
            ["DataDirectory"] = directory.Path,
            ["Secrets__KeyEncryptionKey"] = Convert.ToBase64String(secret),
            ["Dns__Servers"] = dns.Address,
            ["Delivery__MxPort"] = sinkPort.ToString(CultureInfo.InvariantCulture),
            ["Delivery__AllowPrivateNetworks"] = "true",
            ["Delivery__HeloName"] = "out.mailapi.test",
        };
        foreach (var (name, value) in extra) settings[name] = value;
        return new Installation(await MailApiProcess.StartAsync(settings, CancellationToken.None), directory, dns, servers, names);
    }

    /// <summary>Makes tenants, each with so many domains, over the API.</summary>
    public async Task Register(int tenants, int domainsOfEach)
    {
        List<Sender> senders = [];
        for (var tenant = 0; tenant < tenants; tenant++)
            senders.AddRange(await Registration.Register(Api.Admin, [.. Enumerable.Range(0, domainsOfEach).Select(index => $"mail{index}.shop{tenant}.example")]));
        Senders = senders;
    }

    /// <summary>The names of the DKIM records of all senders with what belongs there.</summary>
    public async Task<IReadOnlyDictionary<string, string>> KeyRecords()
    {
        var records = new Dictionary<string, string>();
        foreach (var key in Senders.Select(sender => sender.Key).Distinct())
        {
            using var client = Api.WithKey(key);
            var domains = await Registration.Json(await client.GetAsync(new Uri("/domains", UriKind.Relative)));
            foreach (var record in domains.GetProperty("items").EnumerateArray().SelectMany(domain => domain.GetProperty("records").EnumerateArray()))
                if (record.GetProperty("purpose").GetString() == "dkim") records[record.GetProperty("name").GetString()!] = record.GetProperty("value").GetString()!;
        }
        return records;
    }

    /// <summary>Waits until nothing is left to deliver or to record.</summary>
    public Task WaitUntilRecorded() => Eventually.HoldsAsync(
        async () => (await Registration.Json(await Api.Admin.GetAsync(new Uri("/queue", UriKind.Relative)))).GetProperty("categories").GetArrayLength() == 0,
        RecordPatience, "the queue is empty", CancellationToken.None);

    /// <summary>Resident memory of the program (proc_pid_status(5)).</summary>
    public int MemoryMegabytes()
    {
        var line = File.ReadLines($"/proc/{Api.Process.Pid}/status").First(it => it.StartsWith("VmRSS:", StringComparison.Ordinal));
        return int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await dns.DisposeAsync();
        if (servers is not null) await servers.DisposeAsync();
        directory.Dispose();
    }

    private static async Task Prepare(Servers? servers, TempDirectory directory, byte[] secret, Func<Db, Vault, Task> prepare)
    {
        var options = servers is null ? new StoreOptions() : new StoreOptions { Provider = StoreProvider.PostgreSql, ConnectionString = servers.PostgreSql.ConnectionString() };
        Store.Migrate(options, directory.Path);
        using (var db = Store.Open(options, directory.Path, TimeProvider.System)) await prepare(db, new Vault(secret));
        // What the statistics of an empty table say would make the planner read the whole of it.
        if (servers is not null) await servers.PostgreSql.AdminAsync("analyze", CancellationToken.None, PostgreSqlServer.User);
    }

    private static (DnsZone Dns, IReadOnlyList<string> Names) Zone(int sites)
    {
        const int PerNet = 250;
        var dns = DnsZone.Start();
        List<string> names = [];
        for (var site = 0; site < sites; site++)
        {
            var (name, address) = ($"site{site}.example", $"127.1.{site / PerNet}.{1 + (site % PerNet)}");
            dns.Mx(name, 10, $"mx.{name}").A($"mx.{name}", address);
            names.Add(name);
        }
        return (dns, names);
    }
}
