using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>
/// The same rate for an hour, one recipient in twenty dead and one deferred at first: whether memory, threads, open files or latency grow, told for each tenth of
/// the time.
/// </summary>
internal static class EnduranceRun
{
    private const int Tenths = 10;
    private const int Kinds = 20;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan SampleEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ArrivalPatience = TimeSpan.FromMinutes(10);
    private static readonly TimeProvider Clock = TimeProvider.System;

    public static async Task<int> Run(Arguments arguments)
    {
        await Programs.Publish();
        var (rate, minutes) = (arguments.Number("rate", 50), arguments.Number("minutes", 60));
        var messages = rate * minutes * 60;
        await using var sink = ScriptedSink.Start(new SinkOptions { EndPoint = new IPEndPoint(IPAddress.Any, FreePort.Next()), KeepContent = false });
        await using var installation = await Installation.Start(arguments.Mode, sink.Port, arguments.Number("sites", 4), arguments.Settings);
        await installation.Register(arguments.Number("tenants", 4), arguments.Number("domains", 1));

        Console.WriteLine($"endurance --mode {arguments.Mode} --rate {rate} --minutes {minutes}: {messages} messages");
        var posts = new Posts(installation, new Template(arguments.Number("size", 5120)), rate);
        var rows = new List<Row>();
        for (var tenth = 0; tenth < Tenths; tenth++)
        {
            var sending = posts.Send(messages / Tenths);
            var samples = new List<Sample> { Sample.Of(installation) };
            while (await Task.WhenAny(sending, Task.Delay(SampleEvery, Clock)) != sending) samples.Add(Sample.Of(installation));
            var row = new Row(await sending, Middle(samples, it => it.Megabytes), Middle(samples, it => it.Threads), Middle(samples, it => it.Files));
            rows.Add(row);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{tenth + 1,2}/10  {row.Megabytes} MB, {row.Threads} threads, {row.Files} files, {sink.Count} arrived; {row.Accept}"));
        }

        var expected = Enumerable.Range(0, messages / Tenths * Tenths).Count(number => Kind(number) != "550");
        await sink.WaitForCount(expected, ArrivalPatience);
        await installation.WaitUntilRecorded();
        var (refused, arrived) = (posts.Refused, sink.Messages.Select(message => message.Recipient).Distinct().Count());
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"memory {(double)rows[^1].Megabytes / rows[1].Megabytes:0.00} times that of the second tenth, p99 {rows[^1].Accept.At(0.99) / rows[1].Accept.At(0.99):0.00} times; {refused} refused, {expected - arrived} missing, {sink.Count - arrived} twice; load average {Machine.Load}"));
        return refused == 0 && arrived == expected ? 0 : 1;
    }

    /// <summary>What the recipient's address makes of the mail (<see cref="ScriptedSink"/>).</summary>
    private static string Kind(int number) => (number % Kinds) switch
    {
        0 => "550",
        1 => "451-1",
        _ => "ok",
    };

    private static int Middle(IReadOnlyList<Sample> samples, Func<Sample, int> value) => samples.Select(value).Order().ElementAt(samples.Count / 2);

    private sealed record Row(Latencies Accept, int Megabytes, int Threads, int Files);

    /// <summary>Of the program (proc_pid_status(5), proc_pid_fd(5)).</summary>
    private sealed record Sample(int Megabytes, int Threads, int Files)
    {
        public static Sample Of(Installation installation)
        {
            var process = $"/proc/{installation.Api.Process.Pid}";
            return new Sample(installation.MemoryMegabytes(), Directory.GetDirectories($"{process}/task").Length, Directory.GetFiles($"{process}/fd").Length);
        }
    }

    /// <summary>An open loop: a message is due by the schedule, and its latency counts from then.</summary>
    private sealed class Posts(Installation installation, Template template, int rate)
    {
        private readonly ConcurrentBag<HttpLane> idle = [];
        private int next;
        private int refused;

        public int Refused => refused;

        public async Task<Latencies> Send(int count)
        {
            var start = Clock.GetUtcNow();
            var latencies = new Task<TimeSpan>[count];
            for (var index = 0; index < count; index++)
            {
                var due = start + TimeSpan.FromSeconds((double)index / rate);
                while (Clock.GetUtcNow() < due) await Task.Delay(Tick, Clock);
                var number = next++;
                latencies[index] = Task.Run(() => Send(number, due));
            }
            return new Latencies("POST /send", await Task.WhenAll(latencies));
        }

        private async Task<TimeSpan> Send(int number, DateTimeOffset due)
        {
            var sender = installation.Senders[number % installation.Senders.Count];
            var recipient = string.Create(CultureInfo.InvariantCulture, $"{Kind(number)}-n{number}@{installation.Sites[number % installation.Sites.Count]}");
            try
            {
                var lane = idle.TryTake(out var open) ? open : await HttpLane.Connect(installation.Api.BaseAddress);
                await lane.Send(sender.Key, template.Fill(sender, [recipient], number));
                idle.Add(lane);
            }
            catch (Exception e) when (e is InvalidOperationException or IOException)
            {
                if (Interlocked.Increment(ref refused) == 1) Console.WriteLine($"  not accepted: {e.Message}");
            }
            return Clock.GetUtcNow() - due;
        }
    }
}
