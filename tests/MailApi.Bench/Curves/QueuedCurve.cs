using System.Globalization;
using System.Net.Http.Json;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>What a backlog costs those who accept, cancel, suspend and look, and how fast it leaves once it may.</summary>
internal sealed class QueuedCurve(Arguments arguments, int sinkPort, int warmUp, int messages)
{
    private const int Tenants = 4;
    private const int Sites = 4;
    private const int Connections = 64;
    private const int Times = 20;
    private static readonly int[] Counts = [0, 1000, 10_000, 100_000, 1_000_000];
    private static readonly TimeSpan DrainWatched = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeProvider Clock = TimeProvider.System;

    public async Task<IReadOnlyList<QueuedPoint>> Run()
    {
        List<QueuedPoint> points = [];
        // A million takes minutes to write: it comes with the tenfold scale.
        foreach (var count in Counts.Where(count => count <= 100_000 * Math.Min(10, arguments.Number("scale", 1)))) points.Add(await Measure(count));
        return points;
    }

    private async Task<QueuedPoint> Measure(int count)
    {
        IReadOnlyList<Inhabitant> all = [];
        var start = Clock.GetTimestamp();
        var keys = KeyRing.Make(Tenants);
        await using var installation = await Installation.Start(arguments.Mode, sinkPort, Sites, arguments.Settings, async (db, vault) =>
        {
            all = await Population.Write(db, vault, Tenants, Tenants, keys);
            await Backlog.Write(db, all, [.. Enumerable.Range(0, Sites).Select(site => $"site{site}.example")], count);
        });
        installation.Senders = [.. all.Select(it => it.Sender)];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"queued {count}: written and started in {Clock.GetElapsedTime(start).TotalSeconds:0} s"));

        await Accept(installation, warmUp, "warm");
        var accepted = await Accept(installation, messages, "more");
        var memory = installation.MemoryMegabytes();
        var (cancel, suspend, queue) = (await Cancel(installation), await Suspend(installation, all[0]), await Look(installation));
        var (drained, draining) = await Drain(installation, count + warmUp + messages - Times);
        var point = new QueuedPoint
        {
            Queued = count,
            AcceptedPerSecond = accepted,
            DrainedPerSecond = drained,
            MemoryMegabytes = memory,
            MemoryDrainingMegabytes = draining,
            Cancel = cancel,
            Suspend = suspend,
            Queue = queue,
        };
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"queued {count}: accepts {accepted:0}/s, drains {drained:0}/s, {memory} MB, draining {draining} MB\n  {cancel}\n  {suspend}\n  {queue}"));
        return point;
    }

    /// <summary>Messages a second; nothing is delivered meanwhile.</summary>
    private static async Task<double> Accept(Installation installation, int count, string label)
    {
        var start = Clock.GetTimestamp();
        await using var generator = Generator.Wrk(installation, new Template(5 * 1024), count, recipients: 1, Connections, label);
        await generator.WaitUntilFinished();
        return count / Clock.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<Latencies> Cancel(Installation installation)
    {
        using var client = installation.Api.WithKey(installation.Senders[0].Key);
        var list = await Registration.Json(await client.GetAsync(new Uri($"/messages?state=queued&limit={Times}", UriKind.Relative)));
        List<TimeSpan> times = [];
        foreach (var message in list.GetProperty("items").EnumerateArray())
            times.Add(await Time(() => client.PostAsync(new Uri($"/messages/{message.GetProperty("id").GetString()}/cancel", UriKind.Relative), null)));
        return new Latencies("cancel", times);
    }

    /// <summary>A tenant, again and again; that it holds is the sweep's doing.</summary>
    private static async Task<Latencies> Suspend(Installation installation, Inhabitant one)
    {
        List<TimeSpan> times = [];
        for (var time = 0; time < Times; time++)
        {
            times.Add(await Time(() => Steer(installation, "suspend", new { tenant = one.Tenant.ToString() })));
            await Time(() => Steer(installation, "resume", new { tenant = one.Tenant.ToString() }));
        }
        return new Latencies("suspend", times);
    }

    private static async Task<Latencies> Look(Installation installation)
    {
        List<TimeSpan> times = [];
        for (var time = 0; time < 5; time++) times.Add(await Time(() => installation.Api.Admin.GetAsync(new Uri("/queue", UriKind.Relative))));
        return new Latencies("GET /queue", times);
    }

    private async Task<(double PerSecond, int MemoryMegabytes)> Drain(Installation installation, int waiting)
    {
        await using var sink = await SmtpSink.Start(sinkPort);
        await Time(() => Steer(installation, "resume", new { category = "notification" }));
        var start = Clock.GetTimestamp();
        while (sink.Count() < waiting && Clock.GetElapsedTime(start) < DrainWatched) await Task.Delay(Pause, Clock);
        return (sink.Count() / Clock.GetElapsedTime(start).TotalSeconds, installation.MemoryMegabytes());
    }

    private static Task<HttpResponseMessage> Steer(Installation installation, string verb, object key) => installation.Api.Admin.PostAsJsonAsync($"/queue/{verb}", key);

    private static async Task<TimeSpan> Time(Func<Task<HttpResponseMessage>> ask)
    {
        var start = Clock.GetTimestamp();
        using var response = await ask();
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode ? Clock.GetElapsedTime(start) : throw new InvalidOperationException($"{(int)response.StatusCode} {text}");
    }
}
