using System.Globalization;

namespace MailApi.Bench;

/// <summary>What a figure is worth depends on where, and beside what, it was measured.</summary>
internal static class Machine
{
    public static void Describe()
    {
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim();
        Console.WriteLine($"{Environment.ProcessorCount} × {model}, .NET {Environment.Version}, load average {Load}");
    }

    /// <summary>The load average of the last minute.</summary>
    public static string Load => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    /// <summary>Processor time that all processes of the machine have used (proc_stat(5): user, nice, system, irq, softirq).</summary>
    public static TimeSpan Busy()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return CpuMeter.FromTicks(new[] { 1, 2, 3, 6, 7 }.Sum(field => long.Parse(fields[field], CultureInfo.InvariantCulture)));
    }
}
