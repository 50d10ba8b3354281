using System.Globalization;
using System.Security;
using System.Text;

namespace MailApi.Proof;

/// <summary>Rates and faults over time as SVG, on a ground of its own so that it can be read on light and on dark pages.</summary>
internal static class TimelineChart
{
    private const int Width = 960, PlotHeight = 110, Left = 60, Right = 20, Head = 60;
    private static readonly CultureInfo Plain = CultureInfo.InvariantCulture;

    public static string Of(IReadOnlyList<TrialResult> results)
    {
        var shown = results.Where(result => result.Course is { PerSecond.Count: > 0 }).ToList();
        var height = Head + (shown.Count * (PlotHeight + 62));
        var svg = new StringBuilder();
        svg.Append(Plain, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" width=\"{Width}\" height=\"{height}\" role=\"img\" font-family=\"system-ui, sans-serif\">\n");
        svg.Append(Plain, $"<rect width=\"{Width}\" height=\"{height}\" rx=\"8\" fill=\"#ffffff\" stroke=\"#d0d7de\"/>\n");
        Text(svg, Left, 34, "Mails that arrived in each second; the fault lasts as long as the ground is grey, each red line is a kill, or another thing done to the system", 14);
        for (var index = 0; index < shown.Count; index++) Panel(svg, shown[index], Head + (index * (PlotHeight + 62)));
        return svg.Append("</svg>\n").ToString();
    }

    private static void Panel(StringBuilder svg, TrialResult result, int top)
    {
        var course = result.Course!;
        var (span, bottom) = (Width - Left - Right, top + 20 + PlotHeight);
        var (most, last) = (Math.Max(1, course.PerSecond.Max()), Math.Max(1, course.PerSecond.Count - 1));
        Text(svg, Left, top + 10, $"{result.Fault.Name}, {result.Mode}, seed {result.Seed}: {result.Verdict.Counts.Attempted} recipients, {result.Verdict.Counts.Lost} lost", 12);
        if (course.Fault is var (from, until))
        {
            var (begin, end) = (Math.Clamp(from, 0, last) / last * span, Math.Clamp(until, 0, last) / last * span);
            svg.Append(Plain, $"<rect x=\"{Left + begin:0.0}\" y=\"{top + 20}\" width=\"{end - begin:0.0}\" height=\"{PlotHeight}\" fill=\"#eaeef2\"/>\n");
        }
        foreach (var second in course.Disturbances.Where(second => second >= 0 && second <= last))
            svg.Append(Plain, $"<line x1=\"{Left + (second / last * span):0.0}\" y1=\"{top + 20}\" x2=\"{Left + (second / last * span):0.0}\" y2=\"{bottom}\" stroke=\"#cf222e\" stroke-width=\"0.6\" opacity=\"0.5\"/>\n");
        svg.Append("<polyline fill=\"none\" stroke=\"#0969da\" stroke-width=\"1\" points=\"")
            .AppendJoin(' ', course.PerSecond.Select((count, second) => string.Create(Plain, $"{Left + ((double)second / last * span):0.0},{bottom - ((double)count / most * PlotHeight):0.0}")))
            .Append("\"/>\n");
        svg.Append(Plain, $"<line x1=\"{Left}\" y1=\"{bottom}\" x2=\"{Left + span}\" y2=\"{bottom}\" stroke=\"#57606a\"/>\n");
        Text(svg, Left - 8, top + 28, most.ToString(Plain), 11, "end");
        Text(svg, Left - 8, bottom, "0", 11, "end");
        Text(svg, Left + span, bottom + 16, $"{last} s", 11, "end");
    }

    private static void Text(StringBuilder svg, int x, int y, string text, int size, string anchor = "start") =>
        svg.Append(Plain, $"<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"#1f2328\">{SecurityElement.Escape(text)}</text>\n");
}
