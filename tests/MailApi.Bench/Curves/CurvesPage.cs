using System.Globalization;
using System.Text;

namespace MailApi.Bench;

/// <summary>The curves as a page with a table and a chart each.</summary>
internal sealed class CurvesPage(Mode mode, IReadOnlyList<Curve> curves, IReadOnlyList<QueuedPoint> queued)
{
    private static readonly CultureInfo Plain = CultureInfo.InvariantCulture;

    /// <summary>Writes <c>curves.md</c> and <c>curve-….svg</c> into the folder.</summary>
    public async Task Write(string folder)
    {
        Directory.CreateDirectory(folder);
        var page = new StringBuilder("# What grows, and what it costs\n\n");
        page.Append(Plain, $"Written by `dotnet run --project tests/MailApi.Bench -c Release -- curves --mode {mode.ToString().ToLowerInvariant()}` on {TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm} UTC.\n");
        page.Append(Plain, $"{Machine.Description}.\n\n");
        page.Append("Each point is a fresh program with four tenants, four domains, four destinations and messages of 5 KB to one recipient, except for what grows. `wrk` posts as fast as it is\nanswered; the clock stops when `smtp-sink` has everything and it is recorded. Generator and receiver share the cores. A large share used by others spoils a point.\n\n");
        if (curves.SelectMany(curve => curve.Points).Any(point => point.Run.Cpu.OthersShare > CpuUse.OthersShareMax)) page.Append(Plain, $"**Others used more than {CpuUse.OthersShareMax:P0} of the machine: these figures show that the benchmark runs, and no more.**\n\n");
        foreach (var curve in curves)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, $"curve-{curve.Name}.svg"), curve.Chart());
            Table(page, curve);
        }
        if (queued.Count > 0) await Queued(page, folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "curves.md"), page.ToString());
        Console.WriteLine($"Written: {folder}/curves.md");
    }

    private static void Table(StringBuilder page, Curve curve)
    {
        page.Append(Plain, $"## {curve.Title}\n\n![{curve.Title}](curve-{curve.Name}.svg)\n\n");
        page.Append(Plain, $"| {curve.Axis} | delivered a second | CPU of each | of which the program | resident memory | arrived | used by others |\n|--:|--:|--:|--:|--:|--:|--:|\n");
        foreach (var point in curve.Points)
        {
            var own = point.Run.Cpu.Used[0].Used.TotalMilliseconds / Math.Max(1, point.Run.Arrived);
            page.Append(Plain, $"| {point.Label} | {point.Run.PerSecond:N1} | {point.Run.CpuMilliseconds:0.00} ms | {own:0.00} ms | {point.MemoryMegabytes} MB | {point.Run.Arrived:N0} of {point.Expected:N0} | {point.Run.Cpu.OthersShare:P0} |\n");
        }
        page.Append('\n');
    }

    private async Task Queued(StringBuilder page, string folder)
    {
        var chart = new Svg("A longer queue", "envelopes that wait");
        chart.Line("accepted a second while they are suspended", [.. queued.Select(point => (Label(point), point.AcceptedPerSecond))], "N0", "queued");
        chart.Line("delivered a second once they may go", [.. queued.Select(point => (Label(point), point.DrainedPerSecond))], "N0", "queued");
        await File.WriteAllTextAsync(Path.Combine(folder, "curve-queued.svg"), chart.ToString());
        page.Append("## A longer queue\n\n![A longer queue](curve-queued.svg)\n\nMessages of 1 KB wait, suspended by their category. Accepting and what an operator does are measured beside them, then they are resumed and the first 20 s are counted.\n\n");
        page.Append("| queued | accepted a second | beside empty | drained a second | memory | draining | cancel p50, max | suspend p50, max | `GET /queue` p50 |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
        foreach (var it in queued)
        {
            page.Append(Plain, $"| {Label(it)} | {it.AcceptedPerSecond:N0} | {it.AcceptedPerSecond / queued[0].AcceptedPerSecond:P0} | {it.DrainedPerSecond:N0} | {it.MemoryMegabytes} MB | {it.MemoryDrainingMegabytes} MB ");
            page.Append(Plain, $"| {it.Cancel.At(0.5):0} ms, {it.Cancel.At(1):0} ms | {it.Suspend.At(0.5):0} ms, {it.Suspend.At(1):0} ms | {it.Queue.At(0.5):0} ms |\n");
        }
    }

    private static string Label(QueuedPoint point) => point.Queued.ToString("N0", Plain);
}
