using System.Globalization;

namespace MailApi.Bench;

/// <summary>A closed loop as fast as it goes: how many messages a second are accepted, and delivered and recorded.</summary>
internal static class ThroughputRun
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static async Task<int> Run(Arguments arguments)
    {
        var (messages, connections, warmUp) = (arguments.Number("messages", 20_000), arguments.Number("connections", 32), arguments.Number("warm-up", 2000));
        await using var stage = await Stage.Set(arguments.Mode);
        await Post(stage, 0, warmUp, connections);
        await stage.Sink.WaitForCount(warmUp, Patience);
        await stage.WaitUntilRecorded();

        var meter = stage.MeterCpu();
        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        await Post(stage, warmUp, messages, connections);
        var accepted = clock.GetElapsedTime(start);
        var all = await stage.Sink.WaitForCount(warmUp + messages, Patience);
        await stage.WaitUntilRecorded();
        var recorded = clock.GetElapsedTime(start);

        Console.WriteLine($"throughput --mode {arguments.Mode} --connections {connections}: {messages} messages of {all[^1].SizeBytes} octets after {warmUp} to warm up");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"accepted         {messages / accepted.TotalSeconds:0} msg/s ({accepted.TotalSeconds:0.0} s)"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"delivered        {messages / recorded.TotalSeconds:0} msg/s ({recorded.TotalSeconds:0.0} s until delivered and recorded)"));
        meter.Print(messages, recorded);
        var recipients = stage.Sink.Messages.Select(message => message.Recipient).ToHashSet();
        Console.WriteLine($"arrived          {recipients.Count} of {warmUp + messages}, {stage.Sink.Count - recipients.Count} twice; {stage.Sink.ConnectionsEver} connections; {stage.MemoryMegabytes()} MB");
        return recipients.Count == warmUp + messages ? 0 : 1;
    }

    private static Task Post(Stage stage, int first, int count, int connections)
    {
        var next = first - 1;
        return Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var number && number < first + count) await stage.Post(number);
        })));
    }
}
