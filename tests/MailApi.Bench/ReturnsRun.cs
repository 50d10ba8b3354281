using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>How many bounces a second the listener on port 25 takes, each on disk before its 250; and how long after that a bounce, a complaint and an unsubscription are told to a webhook.</summary>
internal static class ReturnsRun
{
    /// <summary>Of each kind.</summary>
    private const int Told = 200;

    /// <summary>Of the recipient: without key and cookie.</summary>
    private static readonly HttpClient Program = new(new SocketsHttpHandler { UseCookies = false, UseProxy = false });

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static async Task<int> Run(Arguments arguments)
    {
        var (bounces, connections) = (arguments.Number("messages", 10_000), arguments.Number("connections", 16));
        var (port, all) = (FreePort.Next(), bounces + 3 * Told);
        await using var stage = await Stage.Set(arguments.Mode, new() { ["Receive__Smtp"] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"), ["Webhooks__AllowPrivateNetworks"] = "true" }, keepContent: true);
        await Parallel.ForEachAsync(Enumerable.Range(0, all), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (number, _) => await stage.Post(number, number < Told ? "marketing" : "notification"));
        var taken = (await stage.Sink.WaitForCount(all, Patience)).ToLookup(message => message.Header("List-Unsubscribe") is null);
        var (orders, newsletters) = (taken[true].ToList(), taken[false]);
        await stage.WaitUntilRecorded();

        var meter = stage.MeterCpu();
        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        var refused = 0;
        var waits = await Task.WhenAll(Enumerable.Range(0, connections).Select(async lane =>
        {
            var took = new List<TimeSpan>();
            await using var receiver = await SmtpCaller.Connect(port);
            receiver.ReversePath = "";
            await receiver.Ask("EHLO mx.example.net");
            for (var index = lane; index < bounces; index += connections)
            {
                var (message, began) = (orders[index], clock.GetTimestamp());
                var reply = await receiver.Send(Answers.Bounce(message.MailFrom, message.Recipient, message.MessageId), message.MailFrom);
                if (!reply.StartsWith("250 ", StringComparison.Ordinal)) Interlocked.Increment(ref refused);
                took.Add(clock.GetElapsedTime(began));
            }
            return took;
        }));
        var elapsed = clock.GetElapsedTime(start);

        var sorted = waits.SelectMany(it => it).Order().ToList();
        Console.WriteLine($"returns --mode {arguments.Mode} --connections {connections}: {bounces} bounces, {refused} refused");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"taken            {bounces / elapsed.TotalSeconds:0} bounces/s ({elapsed.TotalSeconds:0.0} s); p50 {sorted[sorted.Count / 2].TotalMilliseconds:0.0} ms, p99 {sorted[sorted.Count * 99 / 100].TotalMilliseconds:0.0} ms from MAIL to the reply"));
        meter.Print(bounces, elapsed);
        Console.WriteLine($"memory           {stage.MemoryMegabytes()} MB");
        await using var stranger = await SmtpCaller.Connect(port);
        stranger.ReversePath = "";
        await stranger.Ask("EHLO mx.example.net");
        Console.WriteLine("from the positive answer until a webhook's endpoint has it:");
        Console.WriteLine(await ToWebhook(stage, "message.bounced", orders.Skip(bounces).Take(Told), message => Bring(Answers.Bounce(message.MailFrom, message.Recipient, message.MessageId), message.MailFrom)));
        Console.WriteLine(await ToWebhook(stage, "message.complained", orders.Skip(bounces + Told), message => Bring(Answers.Feedback(message.MailFrom, message.MessageId), $"feedback@{message.MailFrom.Split('@')[1]}")));
        Console.WriteLine(await ToWebhook(stage, "recipient.unsubscribed", newsletters, message => OneClick(stage, message)));
        return refused == 0 ? 0 : 1;

        async Task Bring(byte[] message, string to)
        {
            if (await stranger.Send(message, to) is var reply && !reply.StartsWith("250 ", StringComparison.Ordinal)) throw new InvalidOperationException($"Port 25 says {reply}.");
        }
    }

    /// <summary>From the positive answer until an endpoint has read the event, one after the other.</summary>
    private static async Task<Latencies> ToWebhook(Stage stage, string type, IEnumerable<SinkMessage> messages, Func<SinkMessage, Task> bring)
    {
        await using var endpoint = await WebhookReceiver.StartAsync();
        await Registration.Json(await stage.Client.PostAsJsonAsync("/webhooks", new { url = endpoint.Url, events = new[] { type } }));
        var took = new List<TimeSpan>();
        foreach (var message in messages)
        {
            await bring(message);
            var taken = TimeProvider.System.GetTimestamp();
            await endpoint.WaitForCount(took.Count + 1, Patience);
            took.Add(TimeProvider.System.GetElapsedTime(taken));
        }
        return new Latencies(type, took);
    }

    /// <summary>As a mail program does it (RFC 8058 §3.2).</summary>
    private static async Task OneClick(Stage stage, SinkMessage message)
    {
        var link = new Uri(message.Header("List-Unsubscribe")!.Split('<', '>')[1]);
        using var click = await Program.PostAsync(new Uri(stage.Api.BaseAddress, link.AbsolutePath), new StringContent("List-Unsubscribe=One-Click", Encoding.ASCII, "application/x-www-form-urlencoded"));
        click.EnsureSuccessStatusCode();
    }
}
