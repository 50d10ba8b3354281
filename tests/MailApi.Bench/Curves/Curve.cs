namespace MailApi.Bench;

/// <summary>Throughput and cost as one thing grows.</summary>
/// <param name="Name">Of the file, and of the choice on the command line.</param>
/// <param name="Title">What grows.</param>
/// <param name="Axis">Its unit.</param>
/// <param name="Points">From the smallest.</param>
internal sealed record Curve(string Name, string Title, string Axis, IReadOnlyList<CurvePoint> Points)
{
    public string Chart()
    {
        var chart = new Svg(Title, Axis);
        chart.Line("delivered and recorded, a second", [.. Points.Select(point => (point.Label, point.Run.PerSecond))], "N0", Axis);
        chart.Line("processor time of each in ms, all processes", [.. Points.Select(point => (point.Label, point.Run.CpuMilliseconds))], "0.00", Axis);
        return chart.ToString();
    }
}

/// <param name="Label">How much of what grows.</param>
/// <param name="Run">What was measured.</param>
/// <param name="MemoryMegabytes">Resident, of the program, after it.</param>
/// <param name="Expected">What should have arrived.</param>
internal sealed record CurvePoint(string Label, Throughput Run, int MemoryMegabytes, int Expected);

/// <summary>Cost beside a backlog.</summary>
internal sealed record QueuedPoint
{
    public required int Queued { get; init; }

    /// <summary>While the backlog is suspended, so that nothing is delivered meanwhile.</summary>
    public required double AcceptedPerSecond { get; init; }
    public required double DrainedPerSecond { get; init; }
    public required int MemoryMegabytes { get; init; }
    public required int MemoryDrainingMegabytes { get; init; }
    public required Latencies Cancel { get; init; }
    public required Latencies Suspend { get; init; }
    public required Latencies Queue { get; init; }
}
