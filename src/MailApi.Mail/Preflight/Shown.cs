using System.Globalization;
using System.Text;

namespace MailApi.Mail.Preflight;

/// <summary>Values of a message as they may stand in a sentence: short, and without what would hide or reorder text.</summary>
internal static class Shown
{
    private const int CharsMax = 80;

    public static string Text(string value)
    {
        var shown = new StringBuilder();
        foreach (var rune in value.EnumerateRunes())
        {
            if (shown.Length >= CharsMax) return shown.Append('…').ToString();
            if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                shown.Append(CultureInfo.InvariantCulture, $"[U+{rune.Value:X4}]");
            else shown.Append(rune);
        }
        return shown.ToString();
    }

    /// <summary>The first few of a list, and how many more.</summary>
    public static string List(IReadOnlyCollection<string> values, int max = 3) =>
        string.Join(", ", values.Take(max).Select(Text)) + (values.Count > max ? $" and {values.Count - max} more" : "");

    public static string Span(TimeSpan span) =>
        span.TotalDays >= 2 ? $"{span.TotalDays:0} days" : span.TotalHours >= 2 ? $"{span.TotalHours:0} hours" : $"{span.TotalMinutes:0} minutes";
}

/// <summary>Sizes as people read them.</summary>
internal static class Sizes
{
    public static string Text(long bytes) => bytes switch
    {
        >= 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0 / 1024.0:0.#} MB"),
        >= 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0} KB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes"),
    };
}

/// <summary>Domain names compared as DMARC does (RFC 9989 §4.4): in A-labels, without case.</summary>
internal static class Domains
{
    public static bool IsWithin(string name, string domain) =>
        name.Equals(domain, StringComparison.OrdinalIgnoreCase) || name.EndsWith($".{domain}", StringComparison.OrdinalIgnoreCase);
}
