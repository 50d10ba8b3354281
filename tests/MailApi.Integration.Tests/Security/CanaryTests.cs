using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Storage;

namespace MailApi.Integration.Tests.Security;

/// <summary>S-28, S-29: what is secret or somebody's own turns up where it is read by others: logs, metrics, traces, refusals, a dump, the disk.</summary>
public sealed class CanaryTests(SharedServers servers)
{
    private static readonly CancellationToken Ct = CancellationToken.None;

    /// <summary>The sources whose traces the service exports.</summary>
    private static readonly string[] Exported = ["MailApi", "MassTransit", "Microsoft.AspNetCore"];

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task No_secret_is_found_anywhere_and_no_mail_outside_the_store(StoreProvider provider)
    {
        var traces = new ConcurrentQueue<string>();
        using var listener = new ActivityListener { ShouldListenTo = source => Exported.Contains(source.Name), Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded, ActivityStopped = activity => traces.Enqueue(Text(activity)) };
        ActivitySource.AddActivityListener(listener);
        await using var service = await ServiceUnderTest.Start(provider, servers);
        var owner = await service.Tenant();
        await Eventually(() => service.Log.Any(line => line.Contains("whk_", StringComparison.Ordinal)));
        var refusals = await Refusals(service, owner);
        using var metrics = new HttpClient();
        var measured = await metrics.GetStringAsync(new Uri(service.Management, "/metrics"), Ct);
        var dump = await Dump(service, provider);

        Assert.Contains("mailapi", measured, StringComparison.OrdinalIgnoreCase);
        Assert.NotEmpty(traces);
        // The canaries can be found: what is no secret is in the dump.
        Assert.NotEmpty(Found(dump, owner.Content));
        foreach (var (place, texts) in new (string, IReadOnlyList<string>)[] { ("logs", service.Log), ("metrics", [measured]), ("traces", [.. traces]), ("refusals", refusals), ("the dump", dump), ("the disk", Disk(service)) })
            Assert.True(Found(texts, [.. owner.Secrets, ServiceUnderTest.AdminKey]) is [], $"{place}: {string.Join('\n', Found(texts, [.. owner.Secrets, ServiceUnderTest.AdminKey]).Take(3))}");
        foreach (var (place, texts) in new (string, IReadOnlyList<string>)[] { ("logs", service.Log), ("metrics", [measured]), ("traces", [.. traces]) })
            Assert.True(Found(texts, owner.Content) is [], $"{place}: {string.Join('\n', Found(texts, owner.Content).Take(3))}");
    }

    [Fact]
    public async Task A_collector_is_sent_metrics_traces_and_logs_in_which_nobody_and_no_secret_is_named()
    {
        await using var collector = await Collector.Start();
        Owner owner;
        await using (var service = await ServiceUnderTest.Start(StoreProvider.Sqlite, servers,
            $"--OTEL_EXPORTER_OTLP_ENDPOINT={collector.Address}", "--OTEL_METRIC_EXPORT_INTERVAL=200", "--OTEL_BSP_SCHEDULE_DELAY=200", "--OTEL_BLRP_SCHEDULE_DELAY=200"))
        {
            owner = await service.Tenant();
            // Beside the path of its preferences: an address in a query, and what may be the token of an unsubscribe link.
            using var listed = await owner.Live.GetAsync($"/messages?recipient=ann.{owner.Content[0]}@example.net", Ct);
            using var visited = await owner.Live.GetAsync($"/u/{owner.Content[0]}", Ct);
            await Eventually(() => service.Log.Any(line => line.Contains("whk_", StringComparison.Ordinal)));
            await Eventually(() => Came("metrics", "mailapi.") && Came("trace", "/recipients/{address}/preferences") && Came("trace", "/messages") && Came("logs", "whk_"));
        }

        // With the end of the service everything has come.
        foreach (var signal in (string[])["metrics", "trace", "logs"])
        {
            string[] canaries = [.. owner.Content, .. owner.Secrets, ServiceUnderTest.AdminKey];
            Assert.True(Found(collector.Of(signal), canaries) is [], $"{signal}: {string.Join('\n', Found(collector.Of(signal), canaries).Take(3))}");
        }

        bool Came(string signal, string text) => collector.Of(signal).Any(octets => octets.Contains(text, StringComparison.Ordinal));
    }

    /// <summary>Requests that carry secrets and are refused: none is said again.</summary>
    private static async Task<IReadOnlyList<string>> Refusals(ServiceUnderTest service, Owner owner)
    {
        var secret = owner.Secrets[0];
        var texts = new List<string>();
        async Task Refused(Task<HttpResponseMessage> asked)
        {
            using var response = await asked;
            Assert.False(response.IsSuccessStatusCode);
            texts.Add(response.Headers + await response.Content.ReadAsStringAsync(Ct));
        }
        await Refused(owner.Live.PostAsJsonAsync("/relays", new { name = "x", host = "", port = 1, username = "u", password = secret }, Ct));
        await Refused(owner.Live.PostAsJsonAsync("/relays", new { name = "x", host = "h.example", port = 1, password = secret }, Ct));
        await Refused(owner.Live.PostAsJsonAsync("/relays", new { name = "x", host = "h.example", port = 1, oauth = new { provider = "google", clientSecret = secret, refreshToken = secret } }, Ct));
        await Refused(owner.Live.PutAsJsonAsync($"/domains/{owner.DomainId}/mailbox", new { protocol = "pop3", host = "", port = 0, username = "u", password = secret }, Ct));
        await Refused(owner.Live.PostAsJsonAsync($"/domains/{owner.DomainId}/dkim/import", new { selector = "x", privateKey = $"-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----" }, Ct));
        await Refused(owner.Live.PostAsync("/relays", new StringContent($"{{\"password\":\"{secret}\",\"password\":\"{secret}\"}}", Encoding.UTF8, "application/json"), Ct));
        await Refused(owner.Live.PostAsync("/relays", new StringContent($"{{\"password\":{secret}}}", Encoding.UTF8, "application/json"), Ct));
        using var stranger = service.WithKey("mk_live_" + secret);
        await Refused(stranger.GetAsync("/messages", Ct));
        return texts;
    }

    /// <summary>Every row of every table as text; octets as they are and in hexadecimal.</summary>
    private static async Task<IReadOnlyList<string>> Dump(ServiceUnderTest service, StoreProvider provider)
    {
        var tables = await service.Db.Query(provider == StoreProvider.PostgreSql
            ? "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"
            : "select name from sqlite_master where type = 'table'", row => row.GetString(0), Ct);
        var rows = new List<string>();
        foreach (var table in tables)
            rows.AddRange(await service.Db.Query($"select * from {table}", row => table + " " + string.Join('|', Enumerable.Range(0, row.FieldCount).Select(column => row.GetValue(column) switch
            {
                byte[] octets => Encoding.Latin1.GetString(octets) + Convert.ToHexStringLower(octets),
                var value => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture),
            })), Ct));
        return rows;
    }

    private static IReadOnlyList<string> Disk(ServiceUnderTest service) =>
    [
        .. Directory.GetFiles(service.DataDirectory, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "lock").Select(file =>
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream, Encoding.Latin1, detectEncodingFromByteOrderMarks: false);
            return file + "\n" + reader.ReadToEnd();
        }),
    ];

    /// <summary>As they are, in base64 (whichever way the three octets fall) and in hexadecimal.</summary>
    private static List<string> Found(IReadOnlyList<string> texts, IReadOnlyList<string> canaries)
    {
        string[] forms = [.. canaries.SelectMany(canary => new[] { canary, Convert.ToHexStringLower(Encoding.UTF8.GetBytes(canary)) }.Concat(Enumerable.Range(0, 3).Select(skip => Convert.ToBase64String(Encoding.UTF8.GetBytes(canary)[skip..])[..16])))];
        return [.. from text in texts from form in forms where text.Contains(form, StringComparison.OrdinalIgnoreCase) select $"{form}: {text[..Math.Min(text.Length, 200)]}"];
    }

    private static string Text(Activity activity) => $"{activity.DisplayName} {string.Join(' ', activity.TagObjects.Select(tag => $"{tag.Key}={tag.Value}"))} {string.Join(' ', activity.Events.SelectMany(it => it.Tags).Select(tag => $"{tag.Key}={tag.Value}"))} {string.Join(' ', activity.Baggage)}";

    private static Task Eventually(Func<bool> holds) => Testing.Eventually.HoldsAsync(holds, TimeSpan.FromSeconds(60), "the failed webhook is logged", Ct);
}
