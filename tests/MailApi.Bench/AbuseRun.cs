using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace MailApi.Bench;

/// <summary>
/// What honest senders feel of each kind of abuse: latency at a fixed rate, without it and beside it, as a ratio. A ratio above 2 at the 99th percentile ends with code 1; the attackers
/// share the machine's cores with the service, which no real ones do.
/// </summary>
internal static class AbuseRun
{
    private const double RatioMax = 2;
    private const int Clients = 1000;
    private const int LargeAtOnce = 100;

    public static async Task<int> Run(Arguments arguments)
    {
        var (rate, seconds) = (arguments.Number("rate", 50), arguments.Number("seconds", 10));
        await using var stage = await Stage.Set(arguments.Mode);
        var number = 0;
        await Honest("warm-up");
        var before = await Honest("undisturbed");
        Console.WriteLine(before);
        var worst = 0d;
        foreach (var (name, attack) in Attacks(stage))
        {
            using var end = new CancellationTokenSource();
            var attacking = attack(end.Token);
            var beside = await Honest(name);
            await end.CancelAsync();
            await attacking;
            var ratio = beside.At(0.99) / before.At(0.99);
            worst = Math.Max(worst, ratio);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{beside}; p99 × {ratio:0.00}; {stage.MemoryMegabytes()} MB"));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"abuse --mode {arguments.Mode} --rate {rate} --seconds {seconds}: p99 at most × {worst:0.00} of undisturbed; load average {Machine.Load}"));
        return worst <= RatioMax ? 0 : 1;

        // An open loop: who waits does not keep the next from coming.
        async Task<Latencies> Honest(string name)
        {
            var (clock, answers) = (TimeProvider.System, new List<Task<TimeSpan>>());
            using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1d / rate), clock);
            while (answers.Count < rate * seconds && await timer.WaitForNextTickAsync()) answers.Add(Timed());
            return new Latencies(name, await Task.WhenAll(answers));

            async Task<TimeSpan> Timed()
            {
                var start = clock.GetTimestamp();
                await stage.Post(Interlocked.Increment(ref number));
                return clock.GetElapsedTime(start);
            }
        }
    }

    private static IEnumerable<(string Name, Func<CancellationToken, Task> Attack)> Attacks(Stage stage)
    {
        var key = stage.Client.DefaultRequestHeaders.Authorization;
        var post = $"POST /send HTTP/1.1\r\nHost: a\r\nAuthorization: {key}\r\nContent-Type: application/json\r\n";
        yield return ("slow headers", ct => Crowd(stage, Clients, "GET /messages HTTP/1.1\r\nHost: a\r\nX: ", "x", TimeSpan.FromSeconds(1), ct));
        yield return ("slow bodies", ct => Crowd(stage, Clients, $"{post}Content-Length: 41943040\r\n\r\n{{", " ", TimeSpan.FromSeconds(1), ct));
        yield return ("header flood", ct => Crowd(stage, 4, "GET /messages HTTP/1.1\r\nHost: a\r\n", string.Concat(Enumerable.Repeat($"X: {new string('x', 200)}\r\n", 100)), TimeSpan.Zero, ct));
        yield return ("wrong keys", ct => Crowd(stage, 4, "", "GET /messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer mk_live_wrong\r\n\r\n", TimeSpan.FromMilliseconds(1), ct));
        yield return ("a million deep", ct => Repeat(stage, 1, new string('[', 1_000_000), ct));
        yield return ("large bodies", ct => Repeat(stage, LargeAtOnce, $"{{\"text\":\"{new string('x', 25 << 20)}\"}}", ct));
    }

    /// <summary>Connections that begin a request and go on with it; one that was cut is made anew.</summary>
    private static Task Crowd(Stage stage, int clients, string beginning, string more, TimeSpan pause, CancellationToken ct) =>
        Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(async () =>
        {
            var octets = Encoding.ASCII.GetBytes(more);
            while (!ct.IsCancellationRequested)
            {
                try
                {
                    using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                    await socket.ConnectAsync(stage.Api.BaseAddress.Host, stage.Api.BaseAddress.Port, ct);
                    await socket.SendAsync(Encoding.ASCII.GetBytes(beginning), ct);
                    while (true)
                    {
                        if (pause > TimeSpan.Zero) await Task.Delay(pause, TimeProvider.System, ct);
                        await socket.SendAsync(octets, ct);
                        if (socket.Poll(0, SelectMode.SelectRead) && await socket.ReceiveAsync(new byte[65536], ct) == 0) break;
                    }
                }
                catch (Exception e) when (e is SocketException or OperationCanceledException)
                {
                    // Cut off, which is what the bounds are for, or the end.
                }
            }
        }, CancellationToken.None)));

    /// <summary>Requests whose answers do not matter.</summary>
    private static Task Repeat(Stage stage, int clients, string body, CancellationToken ct)
    {
        var octets = Encoding.ASCII.GetBytes(body);
        return Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(async () =>
        {
            while (!ct.IsCancellationRequested)
            {
                try
                {
                    using var content = new ByteArrayContent(octets) { Headers = { ContentType = new("application/json") } };
                    using var response = await stage.Client.PostAsync(new Uri("/send", UriKind.Relative), content, ct);
                }
                catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
                {
                    // As above.
                }
            }
        }, CancellationToken.None)));
    }
}
