using System.Globalization;
using System.Text;

namespace MailApi.Bench;

/// <summary>The comparison as a page and a chart.</summary>
internal sealed class Comparison(IReadOnlyList<Result> results, IReadOnlyList<(string Name, string Why)> absent, Course course, int rate, string commit)
{
    private static readonly CultureInfo Plain = CultureInfo.InvariantCulture;

    /// <summary>Writes <c>comparison.md</c> and <c>comparison.svg</c> into the folder.</summary>
    public async Task Write(string folder)
    {
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "comparison.svg"), Chart());
        await File.WriteAllTextAsync(Path.Combine(folder, "comparison.md"), Page());
        Console.WriteLine($"Written: {folder}/comparison.md and comparison.svg");
    }

    private string Page()
    {
        var page = new StringBuilder();
        page.Append("# Beside other mail servers\n\n");
        page.Append(Plain, $"Written by `dotnet run --project tests/MailApi.Bench -c Release -- compare` on {TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm} UTC, at {commit}.\n");
        page.Append(Plain, $"{Machine.Description}.\n\n");
        page.Append(Plain, $"Each in turn, with its generator and the same receiving server (`smtp-sink`) on the same cores: {results[0].Messages:N0} messages of about 5 KB from {course.Domains} domains to\n");
        page.Append(Plain, $"{course.Domains} others, each message signed with RSA-2048, after as many to warm up as make caches and compilers settle. The clock stops when the last one has arrived and is recorded.\n\n");
        if (results.Any(it => it.Run.Cpu.OthersShare > CpuUse.OthersShareMax)) page.Append(Plain, $"**Others used more than {CpuUse.OthersShareMax:P0} of the machine: these figures show that the benchmark runs, and no more.**\n\n");
        page.Append("![Messages a second, and processor time a message](comparison.svg)\n\n");
        Throughput(page);
        Processor(page);
        AtRate(page);
        Setups(page);
        return page.ToString();
    }

    private void Throughput(StringBuilder page)
    {
        var baseline = results.FirstOrDefault(result => result.Name.StartsWith("Postfix", StringComparison.Ordinal));
        page.Append("| | messages a second | beside Postfix | CPU a message | arrived | signatures | octets | used by others | RSA yardstick |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
        foreach (var it in results)
        {
            var ratio = baseline is null ? "" : string.Create(Plain, $"{it.Run.PerSecond / baseline.Run.PerSecond:0.0} ×");
            page.Append(Plain, $"| {it.Name} | **{it.Run.PerSecond:N0}** | {ratio} | {it.Run.CpuMilliseconds:0.00} ms | {it.Run.Arrived:N0} of {it.Messages:N0} | {it.Verified} of {Race.CheckedMessages} verify | {it.SizeBytes:N0} | {it.Run.Cpu.OthersShare:P0} | {it.Yardstick:N0}/s |\n");
        }
        foreach (var (name, why) in absent) page.Append(Plain, $"| {name} | not measured: {why.Replace('|', '/')} | | | | | | | |\n");
        page.Append("\nThe yardstick is how many RSA-2048 signatures a core makes in a second just before: rows whose yardsticks differ were not measured on the same machine.\n\n");
    }

    private void Processor(StringBuilder page)
    {
        page.Append("## Where the processor time goes\n\nMilliseconds a message, with all child processes; `generator` is `smtp-source` or `wrk`, `bench` the name server and the count.\n\n");
        foreach (var it in results) page.Append(Plain, $"* {it.Name}: {it.Run.Cpu.Breakdown(it.Messages)}\n");
        page.Append('\n');
    }

    private void AtRate(StringBuilder page)
    {
        if (results.All(it => it.AtRate is null)) return;
        page.Append(Plain, $"## At {rate} a second\n\nAn open loop: a message is due by a fixed schedule and its latency counts from then. Generator and receiving server are the benchmark's own.\n\n");
        page.Append("| | `POST /send` p50 | p99 | of which the generator was late, p50 | p99 | `202` to the receiver's `250` p50 | p99 | CPU a message | refused | missing | twice |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
        foreach (var it in results)
        {
            if (it.AtRate is not { } at) continue;
            page.Append(Plain, $"| {it.Name} | {at.Accept.At(0.5):0.0} ms | **{at.Accept.At(0.99):0.0} ms** | {at.Late.At(0.5):0.0} ms | {at.Late.At(0.99):0.0} ms | {at.Deliver.At(0.5):0.0} ms | **{at.Deliver.At(0.99):0.0} ms** | {at.Cpu.Total(at.Accept.Count):0.00} ms | {at.Refused} | {at.Missing} | {at.Twice} |\n");
        }
        page.Append('\n');
    }

    private void Setups(StringBuilder page)
    {
        page.Append("## How each was set up\n\n");
        foreach (var it in results) page.Append(Plain, $"* {it.Name}: {it.Setup}.\n");
        page.Append(Plain, $"* The generators keep {course.Connections} connections open; `wrk` runs `tests/MailApi.Bench/Load/send.lua`. `smtp-source` and `smtp-sink` are Postfix's.\n");
    }

    private string Chart()
    {
        var chart = new Svg("Delivered beside other mail servers", string.Create(Plain, $"{results[0].Messages:N0} messages of 5 KB, RSA-2048, {Environment.ProcessorCount} cores for everything, {TimeProvider.System.GetUtcNow():yyyy-MM-dd}"));
        chart.Bars("messages a second (longer is better)", [.. results.Select(it => (it.Name, it.Run.PerSecond))], "N0");
        chart.Bars("processor time a message in ms, all processes (shorter is better)", [.. results.Select(it => (it.Name, it.Run.CpuMilliseconds))], "0.00");
        return chart.ToString();
    }
}
