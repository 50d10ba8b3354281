using System.Globalization;

namespace MailApi.Bench;

/// <summary>Processor time of named processes with all their descendants, between its making and <see cref="Print"/> (proc_pid_stat(5)).</summary>
internal sealed class CpuMeter
{
    /// <summary>USER_HZ, which is 100 on every Linux that .NET runs on.</summary>
    private const int TicksPerSecond = 100;

    private readonly IReadOnlyList<(string Name, int Pid)> processes;
    private readonly Dictionary<string, TimeSpan> before;
    private readonly TimeSpan busyBefore = Machine.Busy();

    public CpuMeter(IReadOnlyList<(string Name, int Pid)> processes)
    {
        this.processes = processes;
        before = Now();
    }

    public static TimeSpan FromTicks(long ticks) => TimeSpan.FromSeconds((double)ticks / TicksPerSecond);

    /// <summary>Prints what a message cost each process, and how much of the machine others used meanwhile.</summary>
    public void Print(int messages, TimeSpan elapsed)
    {
        var used = Now().Select(now => (now.Key, Used: now.Value - before[now.Key])).ToList();
        var costs = used.Select(it => string.Create(CultureInfo.InvariantCulture, $"{it.Key} {it.Used.TotalMilliseconds / messages:0.00} ms"));
        Console.WriteLine($"CPU a message    {string.Join(" · ", costs)}");
        var others = (Machine.Busy() - busyBefore - used.Aggregate(TimeSpan.Zero, (sum, it) => sum + it.Used)) / elapsed / Environment.ProcessorCount;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"other processes  {Math.Max(0, others):P0} of the machine; load average {Machine.Load}"));
    }

    private Dictionary<string, TimeSpan> Now()
    {
        var all = Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => char.IsAsciiDigit(name![0]))
            .Select(name => ReadStat(int.Parse(name!, CultureInfo.InvariantCulture))).OfType<Stat>().ToList();
        return processes.ToDictionary(it => it.Name, it => FromTicks(all.Where(stat => stat.Pid == it.Pid || DescendsFrom(stat, it.Pid)).Sum(stat => stat.Ticks)));

        // This process is the parent of all of them: it counts alone.
        bool DescendsFrom(Stat stat, int pid) =>
            pid != Environment.ProcessId && (stat.Parent == pid || (all.Find(it => it.Pid == stat.Parent) is { } parent && DescendsFrom(parent, pid)));
    }

    private static Stat? ReadStat(int pid)
    {
        try
        {
            // "pid (name) state ppid …", and the name may hold blanks and brackets; utime and stime are the 14th and 15th field.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return new Stat(pid, int.Parse(fields[1], CultureInfo.InvariantCulture), long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return null;
        }
    }

    private sealed record Stat(int Pid, int Parent, long Ticks);
}
