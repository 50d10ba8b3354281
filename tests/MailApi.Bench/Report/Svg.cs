using System.Globalization;
using System.Security;
using System.Text;

namespace MailApi.Bench;

/// <summary>A plain chart on a ground of its own, so that it can be read on light and on dark pages: panels of bars or of lines, one below the other.</summary>
/// <param name="title">Above everything.</param>
/// <param name="subtitle">Below that.</param>
internal sealed class Svg(string title, string subtitle)
{
    private const int Width = 760;
    private const int Margin = 24;
    private const int LabelWidth = 190;
    private const int BarHeight = 22;
    private const int PlotHeight = 150;
    private static readonly CultureInfo Plain = CultureInfo.InvariantCulture;
    private readonly StringBuilder body = new();
    private int y = 74;

    /// <summary>One bar a row, from zero.</summary>
    public void Bars(string panelTitle, IReadOnlyList<(string Label, double Value)> rows, string format)
    {
        Text(Margin, y += 22, panelTitle, size: 13, weight: "bold");
        y += 12;
        var (left, span) = (Margin + LabelWidth, Width - (2 * Margin) - LabelWidth - 70);
        var top = Ceiling(rows.Max(row => row.Value));
        var bottom = y + (rows.Count * (BarHeight + 8));
        Grid(left, span, y, bottom, top);
        foreach (var (label, value) in rows)
        {
            var length = value / top * span;
            Text(left - 8, y + 16, label, anchor: "end");
            body.Append(Plain, $"<rect x=\"{left}\" y=\"{y}\" width=\"{length:0.0}\" height=\"{BarHeight}\" fill=\"{Colour(label)}\"/>\n");
            Text(left + (int)length + 6, y + 16, value.ToString(format, Plain), weight: "bold");
            y += BarHeight + 8;
        }
        y = bottom + 24;
    }

    /// <summary>One line over steps that are equally far apart, whatever they stand for, from zero.</summary>
    public void Line(string panelTitle, IReadOnlyList<(string Label, double Value)> points, string format, string axis)
    {
        Text(Margin, y += 22, panelTitle, size: 13, weight: "bold");
        y += 24;
        var (left, span, bottom) = (Margin + 60, Width - (2 * Margin) - 100, y + PlotHeight);
        var top = Ceiling(points.Max(point => point.Value));
        for (var step = 0; step <= 4; step++)
        {
            var height = bottom - (step * PlotHeight / 4);
            body.Append(Plain, $"<line x1=\"{left}\" y1=\"{height}\" x2=\"{left + span}\" y2=\"{height}\" stroke=\"{(step == 0 ? "#57606a" : "#d8dee4")}\"/>\n");
            Text(left - 8, height + 4, Short(top * step / 4), anchor: "end", size: 11, colour: "#57606a");
        }
        // Away from the edges, where the values of the points would cover those of the axis.
        double X(int index) => points.Count == 1 ? left + (span / 2d) : left + Margin + ((double)index * (span - (2 * Margin)) / (points.Count - 1));
        double Y(double value) => bottom - (value / top * PlotHeight);
        body.Append("<polyline fill=\"none\" stroke=\"#0969da\" stroke-width=\"2\" points=\"")
            .AppendJoin(' ', points.Select((point, index) => string.Create(Plain, $"{X(index):0.0},{Y(point.Value):0.0}"))).Append("\"/>\n");
        for (var index = 0; index < points.Count; index++)
        {
            body.Append(Plain, $"<circle cx=\"{X(index):0.0}\" cy=\"{Y(points[index].Value):0.0}\" r=\"4\" fill=\"#0969da\"/>\n");
            Text((int)X(index), (int)Y(points[index].Value) - 9, points[index].Value.ToString(format, Plain), anchor: "middle", size: 11, weight: "bold");
            Text((int)X(index), bottom + 17, points[index].Label, anchor: "middle", size: 11, colour: "#57606a");
        }
        Text(left + (span / 2), bottom + 34, axis, anchor: "middle", size: 11, colour: "#57606a");
        y = bottom + 46;
    }

    public override string ToString()
    {
        var page = new StringBuilder();
        page.Append(Plain, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {y}\" width=\"{Width}\" height=\"{y}\" role=\"img\" font-family=\"system-ui, -apple-system, 'Segoe UI', sans-serif\">\n");
        page.Append(Plain, $"<title>{SecurityElement.Escape(title)}</title>\n");
        page.Append(Plain, $"<rect width=\"{Width}\" height=\"{y}\" rx=\"8\" fill=\"#ffffff\" stroke=\"#d0d7de\"/>\n");
        page.Append(Written(Margin, 36, title, "start", 18, "bold", "#1f2328"));
        page.Append(Written(Margin, 58, subtitle, "start", 12, "normal", "#57606a"));
        return page.Append(body).Append("</svg>\n").ToString();
    }

    private void Grid(int left, int span, int from, int to, double top)
    {
        for (var step = 0; step <= 4; step++)
        {
            var x = left + (step * span / 4);
            body.Append(Plain, $"<line x1=\"{x}\" y1=\"{from - 4}\" x2=\"{x}\" y2=\"{to}\" stroke=\"{(step == 0 ? "#57606a" : "#d8dee4")}\"/>\n");
            Text(x, to + 15, Short(top * step / 4), anchor: "middle", size: 11, colour: "#57606a");
        }
    }

    private void Text(int x, int height, string text, string anchor = "start", int size = 12, string weight = "normal", string colour = "#1f2328") =>
        body.Append(Written(x, height, text, anchor, size, weight, colour));

    private static string Written(int x, int height, string text, string anchor, int size, string weight, string colour) => string.Create(Plain,
        $"<text x=\"{x}\" y=\"{height}\" text-anchor=\"{anchor}\" font-size=\"{size}\" font-weight=\"{weight}\" fill=\"{colour}\">{SecurityElement.Escape(text)}</text>\n");

    private static string Colour(string label) => label.StartsWith("MailApi", StringComparison.Ordinal) ? "#0969da" : "#8c959f";

    /// <summary>1, 2, 4 or 8 times a power of ten, so that a quarter of the axis is a plain number.</summary>
    private static double Ceiling(double value)
    {
        if (value <= 0) return 1;
        var power = Math.Pow(10, Math.Floor(Math.Log10(value)));
        return power * new[] { 1, 2, 4, 8, 10 }.First(step => step * power >= value);
    }

    private static string Short(double value) => value.ToString(value is 0 or >= 10 ? "N0" : "0.##", Plain);
}
