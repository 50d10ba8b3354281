using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>The published program, a receiving mail server and a name server, and one tenant that no limit holds back.</summary>
internal sealed class Stage : IAsyncDisposable
{
    public const string Domain = "mail.shop.example";

    /// <summary>Of a documentation network (RFC 5737): mail is judged as if it came from there.</summary>
    private const string Egress = "203.0.113.7";
    private readonly DnsZone dns;
    private readonly Servers? servers;
    private readonly HttpClient client;

    private Stage(MailApiProcess api, ScriptedSink sink, DnsZone dns, Servers? servers, string key)
    {
        (Api, Sink, this.dns, this.servers) = (api, sink, dns, servers);
        client = new HttpClient(new SocketsHttpHandler { UseCookies = false, UseProxy = false }) { BaseAddress = api.BaseAddress };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public MailApiProcess Api { get; }
    public ScriptedSink Sink { get; }

    /// <summary>With the tenant's live key.</summary>
    public HttpClient Client => client;

    public static async Task<Stage> Set(Mode mode, Dictionary<string, string>? more = null, bool keepContent = false)
    {
        var servers = mode == Mode.Distributed ? await Servers.Start() : null;
        var sink = ScriptedSink.Start(new SinkOptions { KeepContent = keepContent });
        var dns = DnsZone.Start();
        dns.Mx("example.net", 10, "mx.example.net").A("mx.example.net", "127.0.0.1").Txt("spf.mx.mailapi.test", $"v=spf1 ip4:{Egress} -all");
        var settings = new Dictionary<string, string>(servers?.Settings ?? [])
        {
            ["Dns__Servers"] = dns.Address,
            ["Delivery__MxPort"] = sink.Port.ToString(CultureInfo.InvariantCulture),
            ["Delivery__AllowPrivateNetworks"] = "true",
            ["Delivery__HeloName"] = "out.mailapi.test",
            ["Delivery__EgressAddresses"] = Egress,
            ["Domains__ServiceHost"] = "mx.mailapi.test",
        };
        foreach (var (name, value) in more ?? []) settings[name] = value;
        var api = await MailApiProcess.StartAsync(settings, CancellationToken.None);
        return new Stage(api, sink, dns, servers, (await Registration.Register(api.Admin, Domain))[0].Key);
    }

    /// <summary>Processes whose processor time is worth telling apart.</summary>
    public CpuMeter MeterCpu() => new([("MailApi", Api.Process.Pid), .. servers?.Processes ?? [], ("load and sink", Environment.ProcessId)]);

    /// <summary>Posts a message of about 5 KB once composed; its recipient names it.</summary>
    /// <exception cref="InvalidOperationException">It was not accepted.</exception>
    public async Task Post(int number, string category = "notification")
    {
        using var response = await client.PostAsync(new Uri("/send", UriKind.Relative), Body(number, category));
        var answer = await response.Content.ReadAsByteArrayAsync();
        if ((int)response.StatusCode != 202) throw new InvalidOperationException($"{(int)response.StatusCode} {Encoding.UTF8.GetString(answer)}\n{Api.Output}");
    }

    /// <summary>Puts what the service issues for its domain into the DNS.</summary>
    public async Task PublishRecords()
    {
        var domains = await Registration.Json(await client.GetAsync(new Uri("/domains", UriKind.Relative)));
        foreach (var record in domains.GetProperty("items")[0].GetProperty("records").EnumerateArray())
        {
            var (name, value) = (record.GetProperty("name").GetString()!, record.GetProperty("value").GetString()!);
            switch (record.GetProperty("type").GetString())
            {
                case "TXT": dns.Txt(name, value); break;
                case "MX": dns.Mx(name, (ushort)record.GetProperty("priority").GetInt32(), value); break;
                default: dns.Cname(name, value); break;
            }
        }
    }

    /// <summary>Asks what would become of a message; answers the score.</summary>
    public async Task<double> Diagnose(int number)
    {
        using var response = await client.PostAsync(new Uri("/diagnose/send", UriKind.Relative), Body(number, "notification"));
        return (await Registration.Json(response)).GetProperty("score").GetDouble();
    }

    public static string Recipient(int number) => string.Create(CultureInfo.InvariantCulture, $"ann{number}@example.net");

    /// <summary>Waits until nothing is left to deliver or to record.</summary>
    public Task WaitUntilRecorded() => Eventually.HoldsAsync(
        async () => (await Registration.Json(await Api.Admin.GetAsync(new Uri("/queue", UriKind.Relative)))).GetProperty("categories").GetArrayLength() == 0,
        TimeSpan.FromSeconds(60), "the queue is empty", CancellationToken.None);

    /// <summary>Resident memory of the program (proc_pid_status(5)).</summary>
    public int MemoryMegabytes()
    {
        var line = File.ReadLines($"/proc/{Api.Process.Pid}/status").First(it => it.StartsWith("VmRSS:", StringComparison.Ordinal));
        return int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await Api.DisposeAsync();
        await Sink.DisposeAsync();
        await dns.DisposeAsync();
        if (servers is not null) await servers.DisposeAsync();
    }

    private static ByteArrayContent Body(int number, string category)
    {
        var body = new ByteArrayContent(Encoding.UTF8.GetBytes(Template.Replace("{recipient}", Recipient(number), StringComparison.Ordinal).Replace("{category}", category, StringComparison.Ordinal)));
        body.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return body;
    }

    private static readonly string Template = JsonSerializer.Serialize(new Dictionary<string, object>
    {
        ["from"] = $"Example Shop <orders@{Domain}>",
        ["to"] = new[] { "Ann <{recipient}>" },
        ["subject"] = "Order 1001 is on its way",
        ["text"] = string.Concat(Enumerable.Repeat("Your parcel left our warehouse this morning and is on its way.\n", 30)),
        ["html"] = $"<html><body>{string.Concat(Enumerable.Repeat("<p>Your parcel left our warehouse this morning, on its way.</p>\n", 40))}</body></html>",
        ["category"] = "{category}",
        ["tags"] = new[] { "shipping" },
        ["metadata"] = new Dictionary<string, string> { ["order"] = "1001" },
    });
}
