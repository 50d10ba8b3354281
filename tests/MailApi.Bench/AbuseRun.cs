using System.Globalization;
using System.Threading.Channels;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>
/// What honest senders feel of each kind of abuse: latency at a fixed rate, without it and beside it by turns, as the middle one of the ratios. One above 2 at the 99th percentile ends with
/// code 1. The attackers are a process of the lowest priority, since real ones bring processors of their own; where Linux shares processors among sessions first (sched(7)), their session is.
/// </summary>
internal static class AbuseRun
{
    private const double RatioMax = 2;
    private const string LowestPriority = "[ ! -w /proc/self/autogroup ] || echo 19 >/proc/self/autogroup; exec nice -n 19 \"$@\"";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task<int> Run(Arguments arguments)
    {
        var (rate, seconds, times) = (arguments.Number("rate", 50), arguments.Number("seconds", 20), arguments.Number("times", 3));
        var smtp = FreePort.Next();
        await using var stage = await Stage.Set(arguments.Mode, new() { ["Receive__Smtp"] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{smtp}") });
        var number = 0;
        await Honest("warm-up", bySmtp: false);
        var worst = 0d;
        foreach (var name in arguments.List("only") is { Count: > 0 } only ? only : AttackRun.Names)
        {
            var (ratios, bySmtp) = (new List<double>(), AttackRun.IsAtPort25(name));
            while (ratios.Count < times)
            {
                await Honest("settling", bySmtp);
                var before = await Honest("undisturbed", bySmtp);
                var beside = await Beside(name, bySmtp ? smtp : stage.Api.BaseAddress.Port, () => Honest(name, bySmtp));
                ratios.Add(beside.At(0.99) / before.At(0.99));
                Console.WriteLine(before);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{beside}; p99 × {ratios[^1]:0.00}; {stage.MemoryMegabytes()} MB"));
            }
            var ratio = ratios.Order().ElementAt(times / 2);
            worst = Math.Max(worst, ratio);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-16} p99 × {ratio:0.00}"));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"abuse --mode {arguments.Mode} --rate {rate} --seconds {seconds} --times {times}: p99 at most × {worst:0.00} of undisturbed; load average {Machine.Load}"));
        return worst <= RatioMax ? 0 : 1;

        // An open loop: who waits does not keep the next from coming.
        async Task<Latencies> Honest(string name, bool bySmtp)
        {
            await using var mailServers = bySmtp ? await MailServers.Connect(smtp) : null;
            var (clock, answers) = (TimeProvider.System, new List<Task<TimeSpan>>());
            using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1d / rate), clock);
            while (answers.Count < rate * seconds && await timer.WaitForNextTickAsync()) answers.Add(Timed());
            return new Latencies(name, await Task.WhenAll(answers));

            async Task<TimeSpan> Timed()
            {
                var start = clock.GetTimestamp();
                await (mailServers?.Report() ?? stage.Post(Interlocked.Increment(ref number)));
                return clock.GetElapsedTime(start);
            }
        }

        async Task<Latencies> Beside(string name, int port, Func<Task<Latencies>> measure)
        {
            using var directory = new TempDirectory();
            await using var attackers = ChildProcess.Start(new Launch("/bin/sh", "-c", LowestPriority, "sh", Environment.ProcessPath!, "attack", "--target", name, "--port", port.ToString(CultureInfo.InvariantCulture))
            {
                Environment = new Dictionary<string, string?> { ["MAILAPI_KEY"] = stage.Client.DefaultRequestHeaders.Authorization!.Parameter },
            }, directory["output"]);
            await attackers.WaitUntilReadyAsync(_ => Task.FromResult(attackers.Output.Contains(AttackRun.Begun, StringComparison.Ordinal)), Patience, CancellationToken.None);
            var measured = await measure();
            return attackers.HasExited ? throw new InvalidOperationException($"{name} ended: {attackers.Output}") : measured;
        }
    }

    /// <summary>Sessions at port 25, each of which brings one report after the other.</summary>
    private sealed class MailServers : IAsyncDisposable
    {
        private const int Sessions = 8;
        private readonly List<SmtpCaller> callers = [];
        private readonly Channel<SmtpCaller> free = Channel.CreateBounded<SmtpCaller>(Sessions);

        /// <exception cref="InvalidOperationException">One is not let in.</exception>
        public static async Task<MailServers> Connect(int port)
        {
            var servers = new MailServers();
            servers.callers.AddRange(await Task.WhenAll(Enumerable.Range(0, Sessions).Select(_ => SmtpCaller.Connect(port))));
            foreach (var caller in servers.callers)
            {
                caller.ReversePath = "";
                await Expect(caller.Ask("EHLO mx.example.net"));
                servers.free.Writer.TryWrite(caller);
            }
            return servers;
        }

        public async Task Report()
        {
            var caller = await free.Reader.ReadAsync();
            try
            {
                await Expect(caller.Send(Answers.Feedback(null, "<1@nobody.example>"), $"feedback@bounces.{Stage.Domain}"));
            }
            finally
            {
                free.Writer.TryWrite(caller);
            }
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var caller in callers) await caller.DisposeAsync();
        }

        private static async Task Expect(Task<string> reply)
        {
            if (await reply is var said && !said.StartsWith("250 ", StringComparison.Ordinal)) throw new InvalidOperationException($"An honest mail server was told {said}.");
        }
    }
}
