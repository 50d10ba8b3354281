using System.Runtime.InteropServices;
using MailApi.Testing;
using MailApi.Testing.Fuzzing;
using SharpFuzz.Common;

namespace MailApi.Bench;

/// <summary>
/// Makes the fuzzer see which ways inputs go: SharpFuzz writes a counter into every branch of a copy of this program, which is then run in its place
/// and shares one map of them, as with AFL.
/// </summary>
internal static unsafe class Branches
{
    private const int Size = 1 << 16;
    private static readonly string Folder = Path.Combine(Repository.Root, "artifacts/fuzz/instrumented");
    private static readonly string[] UnderTest = ["MailApi.Mail.dll", "MailApi.dll"];
    private static readonly byte[] Seen = new byte[Size];
    private static int ways;

    /// <summary>This is the copy.</summary>
    public static bool AreCounted { get; } = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory) == Folder;

    /// <summary>Must be called before any of the code under test runs.</summary>
    public static FuzzGuide Watch()
    {
        if (Trace.SharedMem is null) Trace.SharedMem = (byte*)NativeMemory.AllocZeroed(Size);
        return new FuzzGuide(Begin, IsNewWay, () => ways);
    }

    /// <summary>Forgets what was seen, for another target.</summary>
    public static void Forget()
    {
        ways = 0;
        Array.Clear(Seen);
    }

    /// <summary>The ways of the last input: from which branch to which, in the upper bits, and about how often.</summary>
    public static List<int> Taken()
    {
        var taken = new List<int>();
        var counters = new Span<byte>(Trace.SharedMem, Size);
        for (var at = counters.IndexOfAnyExcept((byte)0); at >= 0;)
        {
            // As often as 1, 2, 3, 4–7, 8–15, 16–31, 32–127 or more often: each is a way of its own.
            taken.Add((at << 8) | counters[at] switch { < 4 => 1 << (counters[at] - 1), < 8 => 8, < 16 => 16, < 32 => 32, < 128 => 64, _ => 128 });
            var next = counters[(at + 1)..].IndexOfAnyExcept((byte)0);
            at = next < 0 ? -1 : at + 1 + next;
        }
        return taken;
    }

    /// <summary>Runs the same command in the copy.</summary>
    /// <returns>The copy, running.</returns>
    public static System.Diagnostics.Process StartCounted(IEnumerable<string> args)
    {
        if (Directory.Exists(Folder)) Directory.Delete(Folder, recursive: true);
        Copy(AppContext.BaseDirectory, Folder);
        foreach (var assembly in UnderTest) _ = SharpFuzz.Fuzzer.Instrument(Path.Combine(Folder, assembly), type => type.StartsWith("MailApi.", StringComparison.Ordinal), SharpFuzz.Options.Value);
        return System.Diagnostics.Process.Start("dotnet", [Path.Combine(Folder, "MailApi.Bench.dll"), .. args]);
    }

    private static void Begin()
    {
        new Span<byte>(Trace.SharedMem, Size).Clear();
        Trace.PrevLocation = 0;
    }

    private static bool IsNewWay()
    {
        var isNew = false;
        foreach (var way in Taken())
        {
            var (at, times) = (way >> 8, (byte)way);
            if ((Seen[at] & times) != 0) continue;
            if (Seen[at] == 0) ways++;
            Seen[at] |= times;
            isNew = true;
        }
        return isNew;
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var folder in Directory.GetDirectories(from)) Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
    }
}
