using System.Globalization;
using System.Text;
using MailApi.Proof.Faults;
using MailApi.Testing;

namespace MailApi.Proof;

/// <summary>What a crash at each place left behind, as a table for people.</summary>
public static class CrashTable
{
    public static string Of(IEnumerable<TrialResult> results)
    {
        var text = new StringBuilder();
        text.AppendLine("| the process dies | mode | sent again: ends as | copies | held instead: ends as | copies |");
        text.AppendLine("|---|---|---|---|---|---|");
        foreach (var row in results.Where(result => result.Fault is CrashAt).GroupBy(result => (((CrashAt)result.Fault).Point, result.Mode)))
        {
            text.Append(CultureInfo.InvariantCulture, $"| {row.Key.Point} | {row.Key.Mode} ");
            foreach (var hold in (bool[])[false, true]) text.Append(Cells([.. row.Where(result => ((CrashAt)result.Fault).Hold == hold)]));
            text.AppendLine("|");
        }
        return text.ToString();
    }

    private static string Cells(IReadOnlyList<TrialResult> results)
    {
        if (results.Count == 0) return "| | ";
        var counts = results.Select(result => result.Verdict.Counts).ToList();
        var states = string.Join(", ", counts.SelectMany(it => it.States.Keys).Distinct().Select(state => state + (counts.Any(it => it.Flagged > 0) ? " (flagged)" : "")));
        return $"| {states} | {string.Join(", ", counts.Select(it => it.Copies).Distinct().Order())} ";
    }
}
