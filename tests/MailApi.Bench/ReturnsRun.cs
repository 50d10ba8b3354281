using System.Globalization;
using System.Net.Http.Json;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>How many bounces a second the listener on port 25 takes, each on disk before its 250; and how long after that one of them is told to a webhook.</summary>
internal static class ReturnsRun
{
    /// <summary>Told one after the other.</summary>
    private const int Told = 200;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static async Task<int> Run(Arguments arguments)
    {
        var (bounces, connections) = (arguments.Number("messages", 10_000), arguments.Number("connections", 16));
        var port = FreePort.Next();
        await using var stage = await Stage.Set(arguments.Mode, new() { ["Receive__Smtp"] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"), ["Webhooks__AllowPrivateNetworks"] = "true" });
        await Parallel.ForEachAsync(Enumerable.Range(0, bounces + Told), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (number, _) => await stage.Post(number));
        var messages = await stage.Sink.WaitForCount(bounces + Told, Patience);
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
                var (message, began) = (messages[index], clock.GetTimestamp());
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
        Console.WriteLine(await ToWebhook(stage, port, messages.Skip(bounces)));
        return refused == 0 ? 0 : 1;
    }

    /// <summary>From the 250 until an endpoint has read the event.</summary>
    private static async Task<Latencies> ToWebhook(Stage stage, int port, IEnumerable<SinkMessage> messages)
    {
        await using var endpoint = await WebhookReceiver.StartAsync();
        await Registration.Json(await stage.Client.PostAsJsonAsync("/webhooks", new { url = endpoint.Url, events = new[] { "message.bounced" } }));
        await using var receiver = await SmtpCaller.Connect(port);
        receiver.ReversePath = "";
        await receiver.Ask("EHLO mx.example.net");
        var took = new List<TimeSpan>();
        foreach (var message in messages)
        {
            await receiver.Send(Answers.Bounce(message.MailFrom, message.Recipient, message.MessageId), message.MailFrom);
            var taken = TimeProvider.System.GetTimestamp();
            await endpoint.WaitForCount(took.Count + 1, Patience);
            took.Add(TimeProvider.System.GetElapsedTime(taken));
        }
        return new Latencies("250 to webhook", took);
    }
}
