using System.Globalization;

namespace MailApi.Bench;

/// <summary>
/// Latency of <c>POST /send</c> at a fixed rate, while the mail is delivered. An open loop: a message is due by the schedule whether or
/// not the ones before it were answered, and its latency counts from then, so that a stall is paid for by all who would have met it.
/// </summary>
internal static class AcceptRun
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan DeliveryPatience = TimeSpan.FromSeconds(60);

    public static async Task<int> Run(Arguments arguments)
    {
        var (rate, warmUp) = (arguments.Number("rate", 200), arguments.Number("warm-up", 5) * arguments.Number("rate", 200));
        var counted = arguments.Number("seconds", 30) * rate;
        await Rehearse(arguments.Number("rehearse", 0) * rate, rate);
        await using var stage = await Stage.Set(arguments.Mode);

        var cold = await Post(stage, 0, warmUp, rate);
        var meter = stage.MeterCpu();
        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        var posts = await Post(stage, warmUp, counted, rate);
        var arrived = await Arrivals(stage, warmUp + counted);
        await stage.WaitUntilRecorded();
        var elapsed = clock.GetElapsedTime(start);

        Console.WriteLine($"accept --mode {arguments.Mode} --rate {rate}: {counted} messages of {stage.Sink.Messages[^1].SizeBytes} octets after {warmUp} to warm up");
        if (warmUp > 0) Console.WriteLine(new Latencies("warming up", cold.Select(post => post.Accepted - post.Due)));
        Console.WriteLine(new Latencies("POST /send", posts.Select(post => post.Accepted - post.Due)));
        Console.WriteLine(new Latencies("generator late", posts.Select(post => post.Sent - post.Due)));
        Console.WriteLine(new Latencies("202 to sink", posts.Where(post => arrived.ContainsKey(post.Recipient)).Select(post => Later(arrived[post.Recipient] - post.Accepted))));
        meter.Print(counted, elapsed);
        var missing = cold.Concat(posts).Count(post => !arrived.ContainsKey(post.Recipient));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"arrived          {arrived.Count} of {warmUp + counted}, {stage.Sink.Count - arrived.Count} twice, {missing} missing"));
        return missing == 0 ? 0 : 1;
    }

    /// <summary>Compiles the generator and the sink on a process that is thrown away, so that what is slow after a start is the program itself.</summary>
    private static async Task Rehearse(int messages, int rate)
    {
        if (messages == 0) return;
        await using var stage = await Stage.Set(Mode.Embedded);
        await Post(stage, 0, messages, rate);
        await Arrivals(stage, messages);
    }

    /// <summary>Mail may reach the sink before its 202 has crossed the loopback.</summary>
    private static TimeSpan Later(TimeSpan duration) => duration < TimeSpan.Zero ? TimeSpan.Zero : duration;

    private static async Task<Posted[]> Post(Stage stage, int first, int count, int rate)
    {
        var clock = TimeProvider.System;
        var start = clock.GetUtcNow();
        var posts = new Task<Posted>[count];
        for (var index = 0; index < count; index++)
        {
            var due = start + TimeSpan.FromSeconds((double)index / rate);
            while (clock.GetUtcNow() < due) await Task.Delay(Tick, clock);
            var number = first + index;
            posts[index] = Task.Run(() => Post(stage, number, due));
        }
        return await Task.WhenAll(posts);
    }

    private static async Task<Posted> Post(Stage stage, int number, DateTimeOffset due)
    {
        var sent = TimeProvider.System.GetUtcNow();
        await stage.Post(number);
        return new Posted(Stage.Recipient(number), due, sent, TimeProvider.System.GetUtcNow());
    }

    private static async Task<Dictionary<string, DateTimeOffset>> Arrivals(Stage stage, int count)
    {
        try
        {
            await stage.Sink.WaitForCount(count, DeliveryPatience);
        }
        catch (TimeoutException e)
        {
            Console.WriteLine(e.Message);
        }
        return stage.Sink.Messages.GroupBy(message => message.Recipient).ToDictionary(copies => copies.Key, copies => copies.Min(copy => copy.Time));
    }

    private sealed record Posted(string Recipient, DateTimeOffset Due, DateTimeOffset Sent, DateTimeOffset Accepted);
}
