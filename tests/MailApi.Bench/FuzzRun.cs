using System.Collections.Frozen;
using System.Globalization;
using System.Security.Cryptography;
using MailApi.Bench.Fuzz;
using MailApi.Bench.Fuzz.Service;
using MailApi.Testing;
using MailApi.Testing.Fuzzing;

namespace MailApi.Bench;

/// <summary>
/// Fuzzes the readers of what strangers write, guided by the branches that inputs take; an input that one does not bear is kept in <c>artifacts/fuzz</c>.
/// </summary>
internal static class FuzzRun
{
    /// <summary>Of the heap over a whole run; what the fuzzer itself keeps is in it.</summary>
    private const long GrowthMax = 64 << 20;

    private static readonly TimeSpan Tell = TimeSpan.FromSeconds(10);
    private static readonly FrozenDictionary<string, Func<FuzzTarget>> All = Targets.All.Concat(ServiceTargets.All).ToFrozenDictionary();

    public static async Task<int> Run(string[] args, Arguments arguments)
    {
        if (!Branches.AreCounted)
        {
            using var counted = Branches.StartCounted(args);
            await counted.WaitForExitAsync();
            return counted.ExitCode;
        }
        var guide = Branches.Watch();
        var names = arguments.List("target") is { Count: > 0 } given ? given : [.. All.Keys.Order(StringComparer.Ordinal)];
        if (names.FirstOrDefault(name => !All.ContainsKey(name)) is { } unknown)
        {
            await Console.Error.WriteLineAsync($"There is no target '{unknown}': {string.Join(", ", All.Keys.Order(StringComparer.Ordinal))}.");
            return 2;
        }
        var failed = 0;
        foreach (var name in names)
        {
            var target = All[name]();
            Branches.Forget();
            var fuzzer = new Fuzzer(target, arguments.Number("seed", RandomNumberGenerator.GetInt32(int.MaxValue))) { Guide = guide };
            if (!await Holds(target, fuzzer, TimeSpan.FromMinutes(arguments.Number("minutes", 1)))) failed = 1;
            else if (arguments.Number("keep", 0) is > 0 and var most) Corpus.Write(name, Telling(target, fuzzer, guide, most));
        }
        return failed;
    }

    private static async Task<bool> Holds(FuzzTarget target, Fuzzer fuzzer, TimeSpan length)
    {
        Console.WriteLine($"{target.Name}: {fuzzer.Seeds.Count} seeds, {length.TotalMinutes:0} min, --seed {fuzzer.Seed}");
        var told = TimeProvider.System.GetTimestamp();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var report = fuzzer.Run(length, progress =>
        {
            if (TimeProvider.System.GetElapsedTime(told) < Tell) return;
            told = TimeProvider.System.GetTimestamp();
            Console.WriteLine(Line(progress));
        });
        var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Console.WriteLine($"{target.Name}: {Line(report)}; the heap grew by {grown / 1024:N0} KB");
        if (report.Finding is not { } finding) return grown <= GrowthMax;

        var file = Path.Combine(
            Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts/fuzz")).FullName,
            string.Create(CultureInfo.InvariantCulture, $"{target.Name}-{fuzzer.Seed}-{finding.Iteration}"));
        await File.WriteAllBytesAsync(file, finding.Input);
        Console.WriteLine($"FOUND by input {finding.Iteration:N0}, in {file}:\n{finding.What}");
        return false;
    }

    /// <summary>
    /// So many short inputs that together go most ways: what was kept before, and then again and again whichever goes the most new ones for its length.
    /// </summary>
    private static List<byte[]> Telling(FuzzTarget target, Fuzzer fuzzer, FuzzGuide guide, int most)
    {
        var chosen = Corpus.Read(target.Name).ToList();
        var left = fuzzer.Kept.Where(input => input.Length <= Corpus.InputOctetsMax).Select(input => (Input: input, Ways: WaysOf(target, guide, input))).ToList();
        var gone = fuzzer.Seeds.SelectMany(input => WaysOf(target, guide, input)).ToHashSet();
        while (chosen.Count < most && left.MaxBy(it => it.Ways.Count(way => !gone.Contains(way)) / (it.Input.Length + 64.0)) is { Ways: not null } best && best.Ways.Any(way => !gone.Contains(way)))
        {
            chosen.Add(best.Input);
            gone.UnionWith(best.Ways);
            left.Remove(best);
        }
        return chosen;
    }

    private static List<int> WaysOf(FuzzTarget target, FuzzGuide guide, byte[] input)
    {
        guide.Begin();
        target.Try(input);
        return Branches.Taken();
    }

    private static string Line(FuzzReport it) =>
        $"{it.Inputs:N0} inputs, {it.Ways:N0} branches, {it.Outcomes:N0} outcomes, slowest {it.Slowest.TotalMilliseconds:0.0} ms, most allocated {it.MostAllocated / 1024:N0} KB";
}
