using System.Globalization;

namespace MailApi.Bench;

/// <summary>Processor time of named processes with all their descendants since the meter was made (proc_pid_stat(5)).</summary>
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

    /// <summary>What has been used so far; processes that have ended count through those that waited for them.</summary>
    public CpuUse Read(TimeSpan elapsed)
    {
        var used = Now().Select(now => (now.Key, Used: now.Value - before[now.Key])).ToList();
        var others = (Machine.Busy() - busyBefore - used.Aggregate(TimeSpan.Zero, (sum, it) => sum + it.Used)) / elapsed / Environment.ProcessorCount;
        return new CpuUse(used, Math.Max(0, others));
    }

    /// <summary>Prints what a message cost each process, and how much of the machine others used meanwhile.</summary>
    public void Print(int messages, TimeSpan elapsed)
    {
        var use = Read(elapsed);
        Console.WriteLine($"CPU a message    {use.Breakdown(messages)}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"other processes  {use.OthersShare:P0} of the machine; load average {Machine.Load}"));
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
            // The two behind them are of children that have ended and were waited for; ours are measured by themselves.
            var ticks = fields[11..(pid == Environment.ProcessId ? 13 : 15)].Sum(field => long.Parse(field, CultureInfo.InvariantCulture));
            return new Stat(pid, int.Parse(fields[1], CultureInfo.InvariantCulture), ticks);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private sealed record Stat(int Pid, int Parent, long Ticks);
}

/// <summary>Processor time by process.</summary>
/// <param name="Used">With all descendants.</param>
/// <param name="OthersShare">The share of the whole machine that everybody else used.</param>
internal sealed record CpuUse(IReadOnlyList<(string Name, TimeSpan Used)> Used, double OthersShare)
{
    /// <summary>From this share on a run says little.</summary>
    public const double OthersShareMax = 0.1;

    /// <summary>Milliseconds a message, over all processes.</summary>
    public double Total(int messages) => Used.Sum(it => it.Used.TotalMilliseconds) / messages;

    /// <summary><c>MailApi 0.60 ms · smtp-sink 0.07 ms</c>.</summary>
    public string Breakdown(int messages) =>
        string.Join(" · ", Used.Select(it => string.Create(CultureInfo.InvariantCulture, $"{it.Name} {it.Used.TotalMilliseconds / messages:0.00} ms")));
}
