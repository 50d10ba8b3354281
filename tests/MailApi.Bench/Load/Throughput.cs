namespace MailApi.Bench;

/// <summary>As fast as it goes, through <see cref="SmtpSink"/>.</summary>
/// <param name="Arrived">Messages at the sink: one for each recipient.</param>
/// <param name="Elapsed">From the first request until all had arrived and were recorded.</param>
/// <param name="Cpu">Of all processes.</param>
internal sealed record Throughput(int Arrived, TimeSpan Elapsed, CpuUse Cpu)
{
    public double PerSecond => Arrived / Elapsed.TotalSeconds;

    /// <summary>Milliseconds of processor time a message that arrived, over all processes.</summary>
    public double CpuMilliseconds => Cpu.Total(Math.Max(1, Arrived));

    /// <param name="name">In what is told meanwhile.</param>
    /// <param name="processes">Whose processor time counts, beside sink, generator and this process.</param>
    /// <param name="sink">Where it all arrives.</param>
    /// <param name="send">Starts the generator.</param>
    /// <param name="expected">How many are to arrive.</param>
    /// <param name="recorded">Waits until whoever delivers has noted it.</param>
    public static async Task<Throughput> Measure(
        string name, IEnumerable<(string Name, int Pid)> processes, SmtpSink sink, Func<Generator> send, int expected, Func<Task> recorded)
    {
        var before = sink.Count();
        var start = TimeProvider.System.GetTimestamp();
        await using var generator = send();
        var meter = new CpuMeter([.. processes, ("smtp-sink", sink.Process.Pid), ("generator", generator.Pid), ("bench", Environment.ProcessId)]);
        var arrived = await sink.WaitFor(before + expected, name) - before;
        await recorded();
        var elapsed = TimeProvider.System.GetElapsedTime(start);
        if (arrived != expected) Console.WriteLine($"  {name}: {arrived} of {expected} arrived. The generator says: {generator.Output}");
        return new Throughput(arrived, elapsed, meter.Read(elapsed));
    }
}
