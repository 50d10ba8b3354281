using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace MailApi.Mail.Composition;

/// <summary>
/// The mapping step of UTS-46 (non-transitional, STD3 rules) and its validity criteria, from a table of our own: without ICU the platform's
/// <see cref="string.Normalize()"/> and <see cref="IdnMapping"/> leave every non-ASCII character as it is, and one name would have many forms.
/// </summary>
internal static class Uts46
{
    private const int ZeroWidthNonJoiner = 0x200C;
    private const int ZeroWidthJoiner = 0x200D;

    private static readonly Lazy<(int First, int Last, string Rule)[]> Ranges = new(() => [.. UnicodeTable.Ranges("mapping")]);
    private static readonly Comparer<(int First, int Last, string Rule)> ByFirst =
        Comparer<(int First, int Last, string Rule)>.Create((a, b) => a.First.CompareTo(b.First));

    /// <summary>Case-folded, compatibility-mapped and composed; false when a character is disallowed or ill placed.</summary>
    public static bool TryMap(string text, [NotNullWhen(true)] out string? mapped)
    {
        mapped = null;
        var runes = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            if (Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out var consumed) != OperationStatus.Done) return false;
            i += consumed;
            if (rune.IsAscii) runes.Append(char.ToLowerInvariant((char)rune.Value));
            else if (Map(rune.Value) is { } target) runes.Append(target);
            else return false;
        }
        var composed = NormalizationC.Compose(runes.ToString());
        if (!composed.Split('.').All(IsWellPlaced)) return false;
        mapped = composed;
        return true;
    }

    /// <summary>No label starts with a combining mark, and joiners stand only where they show (RFC 5892 appendix A).</summary>
    private static bool IsWellPlaced(string label)
    {
        var runes = label.EnumerateRunes().ToArray();
        if (runes.Length > 0 && IsMark(runes[0])) return false;
        for (var i = 0; i < runes.Length; i++)
        {
            if (runes[i].Value is not (ZeroWidthNonJoiner or ZeroWidthJoiner)) continue;
            var afterVirama = i > 0 && NormalizationC.ClassOf(runes[i - 1].Value) == NormalizationC.Virama;
            // A.1 asks for joining types; between two letters of the Arabic block is the part of it that names use (Persian).
            var insideArabic = runes[i].Value == ZeroWidthNonJoiner && i > 0 && i + 1 < runes.Length
                && IsArabic(runes[i - 1]) && IsArabic(runes[i + 1]);
            if (!afterVirama && !insideArabic) return false;
        }
        return true;
    }

    private static bool IsArabic(Rune rune) => rune.Value is >= 0x0620 and <= 0x06FF && Rune.IsLetter(rune);

    private static bool IsMark(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    /// <summary>What a code point becomes; null when it is disallowed.</summary>
    private static string? Map(int c)
    {
        var ranges = Ranges.Value;
        var index = Array.BinarySearch(ranges, (c, c, ""), ByFirst);
        var (first, last, rule) = ranges[index >= 0 ? index : Math.Max(0, ~index - 1)];
        if (c < first || c > last) return null;
        return rule switch
        {
            "" => char.ConvertFromUtf32(c),
            "!" => "",
            ['=', ..] => UnicodeTable.Text(rule[1..]),
            ['/', ..] => char.ConvertFromUtf32((c - first) % 2 == 0 ? c + UnicodeTable.Number(rule[1..]) : c),
            _ => char.ConvertFromUtf32(c + UnicodeTable.Number(rule)),
        };
    }
}
