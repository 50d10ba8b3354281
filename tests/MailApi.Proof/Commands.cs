using System.Globalization;
using MailApi.Proof.Faults;
using MailApi.Testing;

namespace MailApi.Proof;

/// <summary>What the command line asks for: which trials, one after the other or several at once.</summary>
internal sealed class Commands
{
    /// <summary>A long run of kills is cut in pieces: each is checked before the next begins.</summary>
    private const int KillsAtATime = 50;

    private readonly Dictionary<string, string> options = [];
    private readonly List<string> words = [];
    private readonly List<TrialResult> results = [];
    private readonly long started = TimeProvider.System.GetTimestamp();

    private Commands(string[] args)
    {
        for (var index = 0; index < args.Length; index++)
        {
            if (args[index].StartsWith("--", StringComparison.Ordinal) && index + 1 < args.Length) options[args[index][2..]] = args[++index];
            else words.Add(args[index]);
        }
    }

    private IReadOnlyList<Mode> Modes => options.TryGetValue("mode", out var mode) ? [Enum.Parse<Mode>(mode, ignoreCase: true)] : Enum.GetValues<Mode>();

    public static Task<int> Run(string[] args) => new Commands(args).Run();

    private async Task<int> Run()
    {
        var seed = Number("seed", Random.Shared.Next(1_000_000));
        Console.WriteLine($"seed {seed}");
        switch (words)
        {
            case ["kills"]: await Kills(seed); break;
            case ["crash"]: await Crashes(CrashAt.Points, seed); break;
            case ["crash", .. var points]: await Crashes(points, seed); break;
            case ["matrix"]: await Matrix(_ => true, seed); break;
            case ["fault", .. var names]: await Matrix(names.Contains, seed); break;
            case ["all"]:
                await Crashes(CrashAt.Points, seed);
                await Kills(seed);
                await Matrix(_ => true, seed);
                break;
        }
        if (results.Count == 0) return await Usage();

        if (results.Exists(result => result.Fault is CrashAt)) Console.WriteLine(CrashTable.Of(results));
        if (options.TryGetValue("out", out var directory)) await Report.Write(results, seed, TimeProvider.System.GetElapsedTime(started), directory, CancellationToken.None);
        var sum = results.Aggregate(new Checking.Counts(), (sum, result) => sum + result.Verdict.Counts);
        Console.WriteLine($"{results.Count(result => result.Holds)} hold, {results.Count(result => !result.Holds)} fail: {sum}");
        return results.TrueForAll(result => result.Holds) ? 0 : 1;
    }

    /// <summary>Both modes at the same time: each mostly waits for its next kill.</summary>
    private async Task Kills(int seed)
    {
        var kills = Number("kills", 30);
        for (var done = 0; done < kills; done += KillsAtATime)
        {
            var (count, nodes, rate) = (Math.Min(KillsAtATime, kills - done), Number("nodes", 2), Number("rate", 20));
            await Try(Modes.Select(mode => ((Fault)new RandomKills(count, nodes, rate), mode)), seed + done, atOnce: 2, shareServers: false, $"kills-{done}");
        }
    }

    private async Task Crashes(IReadOnlyList<string> points, int seed)
    {
        // Held rather than risked, and a later passing under load, differ only where the receiver may have the mail.
        await Try(Trials.Crashes(points, Modes, [false, true], passing: 1), seed, Number("at-once", 8), shareServers: true, "crash");
        await Try(Trials.Crashes(points.Intersect(CrashAt.MayDuplicate), Modes, [false], passing: 5), seed, Number("at-once", 8), shareServers: true, "crash-under-load");
    }

    private async Task Matrix(Func<string, bool> named, int seed)
    {
        var all = Modes.SelectMany(mode => All.Faults().Where(fault => named(fault.Name) && fault.Modes.Contains(mode)).Select((fault, place) => (place, fault, mode)))
            .OrderBy(trial => trial.place).Select(trial => (trial.fault, trial.mode)).ToList();
        await Try(all.Where(trial => !trial.fault.RunsAlone), seed, Number("at-once", 3), shareServers: false, "matrix");
        await Try(all.Where(trial => trial.fault.RunsAlone), seed, atOnce: 1, shareServers: false, "alone");
    }

    private async Task Try(IEnumerable<(Fault Fault, Mode Mode)> trials, int seed, int atOnce, bool shareServers, string name)
    {
        var all = trials.ToList();
        var directory = Path.Combine(Repository.Root, "artifacts/proof", $"{string.Join('-', words)}-{seed}-{name}");
        if (Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
        var done = 0;
        results.AddRange(await Trials.Run(all, seed, atOnce, shareServers, directory, Tell, CancellationToken.None));

        void Tell(string line) => Console.WriteLine($"{TimeProvider.System.GetElapsedTime(started):h\\:mm\\:ss} {name} {Interlocked.Increment(ref done)}/{all.Count} {line}");
    }

    private int Number(string name, int otherwise) => options.TryGetValue(name, out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private static async Task<int> Usage()
    {
        await Console.Error.WriteLineAsync(
            $"""
            kills           --kills 30 --nodes 2 --rate 20      kill -9 of the program under load; one node in embedded mode
            crash [POINT …] --at-once 8                         the program kills itself at a place: {string.Join(", ", CrashAt.Points)}
            fault NAME …                                        {string.Join(", ", All.Faults().Select(fault => fault.Name))}
            matrix          --at-once 3                         every fault
            all                                                 all of it

            --mode embedded|distributed: both without it; --seed N: of load and faults; --out folder: writes the report there.
            Ledgers stay in artifacts/proof where something does not hold. The program under test is artifacts/publish, and for crash
            artifacts/crash-points; tests/prove.sh builds both.
            """);
        return 2;
    }
}
