using System.Globalization;
using System.Security.Cryptography;
using MailApi.Bench.Fuzz;
using MailApi.Testing;
using MailApi.Testing.Fuzzing;

namespace MailApi.Bench;

/// <summary>Fuzzes the readers of what strangers write; an input that one does not bear is kept in <c>artifacts/fuzz</c>.</summary>
internal static class FuzzRun
{
    private static readonly TimeSpan Tell = TimeSpan.FromSeconds(10);

    public static async Task<int> Run(Arguments arguments)
    {
        var names = arguments.List("target") is { Count: > 0 } given ? given : [.. Targets.All.Keys.Order(StringComparer.Ordinal)];
        if (names.FirstOrDefault(name => !Targets.All.ContainsKey(name)) is { } unknown)
        {
            await Console.Error.WriteLineAsync($"There is no target '{unknown}': {string.Join(", ", Targets.All.Keys.Order(StringComparer.Ordinal))}.");
            return 2;
        }
        var failed = 0;
        foreach (var name in names)
            if (!await Holds(Targets.All[name](), TimeSpan.FromMinutes(arguments.Number("minutes", 1)), arguments.Number("seed", RandomNumberGenerator.GetInt32(int.MaxValue)))) failed = 1;
        return failed;
    }

    private static async Task<bool> Holds(FuzzTarget target, TimeSpan length, int seed)
    {
        Console.WriteLine($"{target.Name}: {target.Seeds.Count} seeds, {length.TotalMinutes:0} min, --seed {seed}");
        var told = TimeProvider.System.GetTimestamp();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var report = new Fuzzer(target, seed).Run(length, progress =>
        {
            if (TimeProvider.System.GetElapsedTime(told) < Tell) return;
            told = TimeProvider.System.GetTimestamp();
            Console.WriteLine(Line(progress));
        });
        var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Console.WriteLine($"{target.Name}: {Line(report)}; the heap grew by {grown / 1024:N0} KB");
        if (report.Finding is not { } finding) return true;

        var file = Path.Combine(Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts/fuzz")).FullName, $"{target.Name}-{seed.ToString(CultureInfo.InvariantCulture)}-{finding.Iteration.ToString(CultureInfo.InvariantCulture)}");
        await File.WriteAllBytesAsync(file, finding.Input);
        Console.WriteLine($"FOUND by input {finding.Iteration:N0}, in {file}:\n{finding.What}");
        return false;
    }

    private static string Line(FuzzReport it) =>
        $"{it.Inputs:N0} inputs, {it.Outcomes:N0} outcomes, slowest {it.Slowest.TotalMilliseconds:0.0} ms, most allocated {it.MostAllocated / 1024:N0} KB";
}
