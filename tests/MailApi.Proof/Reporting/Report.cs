using System.Globalization;
using System.Text;
using System.Text.Json;
using MailApi.Proof.Checking;
using MailApi.Proof.Faults;
using MailApi.Testing;

namespace MailApi.Proof;

/// <summary>What a long run is published as: counts for people and for programs, and a chart.</summary>
internal static class Report
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task Write(IReadOnlyList<TrialResult> results, int seed, TimeSpan took, string directory, CancellationToken ct)
    {
        Directory.CreateDirectory(directory);
        var commit = await Repository.Commit();
        await File.WriteAllTextAsync(Path.Combine(directory, "README.md"), Page(results, seed, took, commit), ct);
        await File.WriteAllTextAsync(Path.Combine(directory, "results.json"), JsonSerializer.Serialize(new
        {
            Seed = seed,
            Commit = commit,
            Seconds = (int)took.TotalSeconds,
            Kills = Kills(results),
            Total = Sum(results),
            Trials = results.Select(result => new { result.Fault.Name, Mode = result.Mode.ToString(), result.Seed, result.Holds, result.Error, Seconds = (int)result.Took.TotalSeconds, result.Verdict.Counts }),
        }, Json) + "\n", ct);
        await File.WriteAllTextAsync(Path.Combine(directory, "timeline.svg"), TimelineChart.Of([.. results.Where(result => result.Fault is RandomKills)]), ct);
        await File.WriteAllTextAsync(Path.Combine(directory, "faults.svg"), TimelineChart.Of([.. results.Where(result => result.Fault is not (RandomKills or CrashAt))]), ct);
    }

    private static string Page(IReadOnlyList<TrialResult> results, int seed, TimeSpan took, string commit)
    {
        var (text, total, kills) = (new StringBuilder(), Sum(results), Kills(results));
        text.AppendLine("# What the last long run counted").AppendLine();
        text.AppendLine("Written by `tests/prove.sh`; what the words mean, and what is promised, is in [RELIABILITY.md](../../RELIABILITY.md).").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"{results.Count} trials of {commit} in {took.TotalMinutes:0} minutes, seed {seed}: {results.Count(result => result.Holds)} hold, {results.Count(result => !result.Holds)} fail.").AppendLine();
        text.AppendLine("| attempted | acknowledged | lost | given up | duplicated | explained | recovered | unexpected |");
        text.AppendLine("|---|---|---|---|---|---|---|---|");
        text.AppendLine(CultureInfo.InvariantCulture, $"| {total.Attempted} | {total.Acknowledged} | **{total.Lost}** | {total.GivenUp} | {total.Duplicated} | {total.Explained} | {total.Recovered} | **{total.Unexpected}** |").AppendLine();
        foreach (var mode in Enum.GetValues<Mode>())
        {
            var n = Kills(results.Where(result => result.Mode == mode));
            if (n == 0) continue;
            var lost = results.Where(result => result.Mode == mode && result.Fault is RandomKills).Sum(result => result.Verdict.Counts.Lost);
            text.AppendLine(CultureInfo.InvariantCulture, $"* {mode}: {n} kills at random under load, {lost} mails lost.{(lost == 0 ? $" None in n kills bounds the chance that a kill loses mail at 3/n = {300.0 / n:0.0} % (95 %)." : "")}");
        }
        if (kills > 0) text.AppendLine().AppendLine("![Mails that arrived in each second, and the kills](timeline.svg)");
        text.AppendLine().AppendLine("## Where the process died").AppendLine().Append(CrashTable.Of(results)).AppendLine();
        text.AppendLine("## Trials").AppendLine();
        text.AppendLine("What the receivers got meanwhile, each second: [faults.svg](faults.svg).").AppendLine();
        text.AppendLine("| trial | mode | holds | what must hold | attempted | acknowledged | lost | given up | duplicated | explained | unexpected | seconds |");
        text.AppendLine("|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var result in results.Where(result => result.Fault is not CrashAt))
        {
            var counts = result.Verdict.Counts;
            text.AppendLine(CultureInfo.InvariantCulture, $"| {result.Fault.Name} | {result.Mode} | {(result.Holds ? "yes" : "**no**")} | {result.Fault.PassMark} | {counts.Attempted} | {counts.Acknowledged} | {counts.Lost} | {counts.GivenUp} | {counts.Duplicated} | {counts.Explained} | {counts.Unexpected} | {result.Took.TotalSeconds:0} |");
        }
        return text.ToString();
    }

    private static Counts Sum(IEnumerable<TrialResult> results) => results.Aggregate(new Counts(), (sum, result) => sum + result.Verdict.Counts);

    private static int Kills(IEnumerable<TrialResult> results) => results.Sum(result => result.Fault is RandomKills kills && result.Error is null ? kills.Kills : 0);
}
