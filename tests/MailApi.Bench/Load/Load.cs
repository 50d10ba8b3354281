using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>What to send.</summary>
internal sealed record LoadPlan
{
    public required Template Template { get; init; }

    /// <summary>Of each message.</summary>
    public required int Recipients { get; init; }
    public required int WarmUp { get; init; }

    /// <summary>After those to warm up.</summary>
    public required int Messages { get; init; }

    /// <summary>Messages a second by a fixed schedule (an open loop); null: as fast as the answers come (a closed loop).</summary>
    public required int? Rate { get; init; }

    /// <summary>Of the closed loop.</summary>
    public required int Connections { get; init; }
}

/// <summary>What came of it; every latency is of the messages after the warm-up.</summary>
internal sealed record LoadResult
{
    /// <summary><c>POST /send</c>, from when it was due (open loop) or sent (closed loop).</summary>
    public required Latencies Accept { get; init; }

    /// <summary>How much of that the generator itself was late.</summary>
    public required Latencies Late { get; init; }

    /// <summary>From the <c>202</c> to the receiving server's <c>250</c>.</summary>
    public required Latencies Deliver { get; init; }
    public required double AcceptedPerSecond { get; init; }

    /// <summary>Until everything was delivered and recorded, in envelopes.</summary>
    public required double DeliveredPerSecond { get; init; }
    public required CpuUse Cpu { get; init; }

    /// <summary>Requests that were not answered with 202.</summary>
    public required int Refused { get; init; }

    /// <summary>Accepted and not at the sink.</summary>
    public required int Missing { get; init; }
    public required int Twice { get; init; }
}

/// <summary>
/// The generator. In the open loop a message is due by the schedule whether or not the ones before it were answered, and its latency counts from
/// then, so that a stall is paid for by all who would have met it.
/// </summary>
internal sealed class Load(Installation installation, ScriptedSink sink, LoadPlan plan) : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan DeliveryPatience = TimeSpan.FromMinutes(2);
    private static readonly TimeProvider Clock = TimeProvider.System;
    private const int RefusalsTold = 3;
    private readonly ConcurrentBag<HttpLane> idle = [];
    private int told;

    public async Task<LoadResult> Run()
    {
        var warm = await Post(0, plan.WarmUp);
        await Arrived(warm);
        var meter = new CpuMeter([.. installation.Processes, ("load and sink", Environment.ProcessId)]);
        var start = Clock.GetTimestamp();
        var posts = await Post(plan.WarmUp, plan.Messages);
        var accepting = Clock.GetElapsedTime(start);
        await Arrived([.. warm, .. posts]);
        await installation.WaitUntilRecorded();
        var elapsed = Clock.GetElapsedTime(start);
        var use = meter.Read(elapsed);

        var arrivals = sink.Messages.GroupBy(message => message.Recipient).ToDictionary(copies => copies.Key, copies => copies.Min(copy => copy.Time));
        var accepted = posts.Where(post => !post.Refused).ToList();
        return new LoadResult
        {
            Accept = new Latencies("POST /send", accepted.Select(post => post.Answered - post.Due)),
            Late = new Latencies("generator late", posts.Select(post => post.Sent - post.Due)),
            Deliver = new Latencies("202 to sink", accepted.SelectMany(post => Recipients(post.Number).Where(arrivals.ContainsKey).Select(recipient => Later(arrivals[recipient] - post.Answered)))),
            AcceptedPerSecond = accepted.Count / accepting.TotalSeconds,
            DeliveredPerSecond = accepted.Count * plan.Recipients / elapsed.TotalSeconds,
            Cpu = use,
            Refused = posts.Length - accepted.Count,
            Missing = warm.Concat(accepted).Where(post => !post.Refused).SelectMany(post => Recipients(post.Number)).Count(recipient => !arrivals.ContainsKey(recipient)),
            Twice = sink.Count - arrivals.Count,
        };
    }

    public void Dispose()
    {
        foreach (var lane in idle) lane.Dispose();
    }

    private Task<Posted[]> Post(int first, int count) => plan.Rate is { } rate ? PostBySchedule(first, count, rate) : PostByTurns(first, count);

    private async Task<Posted[]> PostBySchedule(int first, int count, int rate)
    {
        var start = Clock.GetUtcNow();
        var posts = new Task<Posted>[count];
        for (var index = 0; index < count; index++)
        {
            var due = start + TimeSpan.FromSeconds((double)index / rate);
            while (Clock.GetUtcNow() < due) await Task.Delay(Tick, Clock);
            var number = first + index;
            posts[index] = Task.Run(() => Post(number, due));
        }
        return await Task.WhenAll(posts);
    }

    private async Task<Posted[]> PostByTurns(int first, int count)
    {
        var next = first - 1;
        var posts = new Posted[count];
        await Task.WhenAll(Enumerable.Range(0, plan.Connections).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var number && number < first + count) posts[number - first] = await Post(number, Clock.GetUtcNow());
        })));
        return posts;
    }

    private async Task<Posted> Post(int number, DateTimeOffset due)
    {
        var sender = installation.Senders[number % installation.Senders.Count];
        var body = plan.Template.Fill(sender, [.. Recipients(number)], number);
        var sent = Clock.GetUtcNow();
        HttpLane? lane = null;
        try
        {
            if (!idle.TryTake(out lane)) lane = await HttpLane.Connect(installation.Api.BaseAddress);
            await lane.Send(sender.Key, body);
            idle.Add(lane);
            return new Posted(number, due, sent, Clock.GetUtcNow(), Refused: false);
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or SocketException)
        {
            if (Interlocked.Increment(ref told) <= RefusalsTold) Console.WriteLine($"  not accepted: {e.Message}");
            lane?.Dispose();
            return new Posted(number, due, sent, Clock.GetUtcNow(), Refused: true);
        }
    }

    private IEnumerable<string> Recipients(int number) => Enumerable.Range(0, plan.Recipients).Select(index =>
        string.Create(CultureInfo.InvariantCulture, $"load{number}-{index}@{installation.Sites[(number + index) % installation.Sites.Count]}"));

    private async Task Arrived(IReadOnlyCollection<Posted> posts)
    {
        var expected = posts.Count(post => !post.Refused) * plan.Recipients;
        try
        {
            await sink.WaitForCount(expected, DeliveryPatience);
        }
        catch (TimeoutException)
        {
            Console.WriteLine($"After {DeliveryPatience.TotalMinutes:0} minutes {sink.Count} of {expected} have arrived.\n{installation.Api.Output}");
        }
    }

    /// <summary>Mail may reach the sink before its 202 has crossed the loopback.</summary>
    private static TimeSpan Later(TimeSpan duration) => duration < TimeSpan.Zero ? TimeSpan.Zero : duration;

    private sealed record Posted(int Number, DateTimeOffset Due, DateTimeOffset Sent, DateTimeOffset Answered, bool Refused);
}
