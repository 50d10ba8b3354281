using System.Globalization;
using System.Text;

namespace MailApi.Mail.Reports;

/// <summary>Values of reports, tamed: strangers wrote them, and people and databases read them.</summary>
internal static class ReportText
{
    /// <summary>Years in which mail is reported; a date beyond is no date.</summary>
    private static readonly DateTimeOffset Latest = new(2200, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Without control characters and halves of surrogate pairs, and of at most <see cref="ReportLimits.TextMax"/> characters.</summary>
    public static string Clean(string text)
    {
        text = text.Trim();
        if (text.Length <= ReportLimits.TextMax && !text.Any(c => char.IsControl(c) || char.IsSurrogate(c))) return text;
        var clean = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (clean.Length + rune.Utf16SequenceLength > ReportLimits.TextMax) break;
            if (!Rune.IsControl(rune)) clean.Append(rune);
        }
        return clean.ToString();
    }

    /// <summary>A domain as it stands in reports: lower case, no trailing dot.</summary>
    public static string Domain(string text) => Clean(text).TrimEnd('.').ToLowerInvariant();

    /// <summary>
    /// Seconds since 1970 as the RFC has it, the milliseconds that some send, or a date in ISO 8601 without a zone or with one. Null for anything else.
    /// </summary>
    public static DateTimeOffset? Instant(string text)
    {
        text = text.Trim();
        if (text.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot && text.AsSpan(0, dot).ContainsOnlyDigits()) text = text[..dot];
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            const long MillisecondsFrom = 100_000_000_000;
            var seconds = number >= MillisecondsFrom ? number / 1000 : number;
            return seconds > 0 && seconds < Latest.ToUnixTimeSeconds() ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
        }
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var date)
            && date > DateTimeOffset.UnixEpoch && date < Latest ? date : null;
    }

    /// <summary>Null for what is no count, or none of anything.</summary>
    public static long? Count(string text) =>
        long.TryParse(text.Trim(), NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out var count) && count > 0 ? Math.Min(count, ReportLimits.CountMax) : null;

    private static bool ContainsOnlyDigits(this ReadOnlySpan<char> text) => text.IndexOfAnyExceptInRange('0', '9') < 0;
}
