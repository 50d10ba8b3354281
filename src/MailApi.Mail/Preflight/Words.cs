using System.Text;

namespace MailApi.Mail.Preflight;

/// <summary>Text as terms that can be counted: runs of letters and digits, and each character on its own in scripts without blanks.</summary>
internal static class Words
{
    private const int TermsMax = 20_000;

    /// <summary>How often each term comes, without case.</summary>
    public static Dictionary<string, int> Count(string text)
    {
        var counts = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        foreach (var term in Of(text).Take(TermsMax)) counts[term] = counts.GetValueOrDefault(term) + 1;
        return counts;
    }

    public static IEnumerable<string> Of(string text)
    {
        var word = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            var alone = IsIdeographic(rune);
            if (word.Length > 0 && (alone || !Rune.IsLetterOrDigit(rune)))
            {
                yield return word.ToString();
                word.Clear();
            }
            if (alone) yield return rune.ToString();
            else if (Rune.IsLetterOrDigit(rune) && word.Length < 100) word.Append(rune);
        }
        if (word.Length > 0) yield return word.ToString();
    }

    /// <summary>Which part of the terms of the one are also in the other, 0 to 1.</summary>
    public static double Shared(Dictionary<string, int> one, Dictionary<string, int> other)
    {
        var all = one.Values.Sum();
        return all == 0 ? 0 : (double)one.Sum(term => Math.Min(term.Value, other.GetValueOrDefault(term.Key))) / all;
    }

    /// <summary>Han, kana and Hangul, Thai.</summary>
    private static bool IsIdeographic(Rune rune) =>
        rune.Value is >= 0x0E00 and <= 0x0E7F or >= 0x2E80 and <= 0x9FFF or >= 0xAC00 and <= 0xD7AF or >= 0xF900 and <= 0xFAFF or >= 0x20000 and <= 0x3FFFF
        && Rune.IsLetterOrDigit(rune);
}
