using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using MailApi.Mail.Composition;

namespace MailApi.Mail.Preflight;

/// <summary>
/// Names and words that look like others (Unicode UTS #39, with a table of our own: the letters of Cyrillic, Greek, Armenian and Cherokee and the
/// digits that pass for Latin letters in usual fonts).
/// </summary>
public static class Confusables
{
    /// <summary>Groups of a Latin letter and what passes for it, in lower case.</summary>
    private static readonly string[] Alike =
    [
        "aаαɑ", "bЬьƅ", "cсϲᴄ", "dԁɗ", "eеєҽ℮", "fғƒ", "gɡցԍ", "hһհ", "iіıιɩӏ", "jјϳ", "kкκҝ", "lⅼ1|ǀ", "mм", "nпηոռ", "oоοօо0ᴏσ", "pрρ", "qԛզգ",
        "rгᴦ", "sѕꜱ", "tтτ", "uυսцᴜ", "vνѵᴠ", "wԝᴡ", "xхχ", "yуγүỿ", "zᴢʐ",
    ];

    private static readonly FrozenDictionary<int, char> ToLatin = Alike
        .SelectMany(group => group.EnumerateRunes().Skip(1).Select(rune => (rune.Value, group[0])))
        .Concat([('Ѕ', 's'), ('Ꭺ', 'a'), ('Ꭼ', 'e'), ('Ꮋ', 'h'), ('Ꮇ', 'm'), ('Ꮲ', 'p'), ('Ꭲ', 't'), ('Ꮃ', 'w'), ('Ӏ', 'l')])
        .DistinctBy(pair => pair.Item1).ToFrozenDictionary(pair => pair.Item1, pair => pair.Item2);

    /// <summary>é → e: a mark is easily overlooked.</summary>
    private static readonly Lazy<FrozenDictionary<int, int>> Bases = new(() => UnicodeTable.Ranges("composition")
        .ToFrozenDictionary(line => line.First, line => UnicodeTable.Hex(line.Rule.Split(' ')[0])));

    private static readonly IdnMapping Punycode = new() { AllowUnassigned = true };

    /// <summary>Two different names that a reader takes for the same: <c>paypal.com</c> and the same with a Cyrillic <c>а</c>, or <c>paypa1.com</c>.</summary>
    /// <param name="a">A domain name in A-labels or Unicode, or any word.</param>
    /// <param name="b">The other.</param>
    public static bool LooksLike(string a, string b) => Unicode(a) is var x && Unicode(b) is var y && !x.Equals(y, StringComparison.Ordinal) && Skeleton(x) == Skeleton(y);

    /// <summary>What a text looks like: the same for all texts that look alike. No name itself, and not to be shown.</summary>
    public static string Skeleton(string text)
    {
        var skeleton = new StringBuilder(text.Length);
        foreach (var rune in Unicode(text).EnumerateRunes())
        {
            var c = rune.Value;
            while (!ToLatin.ContainsKey(c) && Bases.Value.TryGetValue(c, out var plain)) c = plain;
            if (NormalizationC.ClassOf(c) != 0 || IsInvisible(c)) continue;
            if (c is >= 0xFF01 and <= 0xFF5E) c = char.ToLowerInvariant((char)(c - 0xFEE0));
            if (ToLatin.TryGetValue(c, out var latin)) skeleton.Append(latin);
            else skeleton.Append(char.ConvertFromUtf32(c));
        }
        return skeleton.Replace("rn", "m").Replace("vv", "w").Replace("ß", "ss").ToString();
    }

    /// <summary>The first word that mixes scripts so that it looks like a word of one (<c>pаypal</c>), or null.</summary>
    public static string? MixedWord(string text)
    {
        var word = new StringBuilder();
        foreach (var rune in text.EnumerateRunes().Append(new Rune(' ')))
        {
            if (Rune.IsLetter(rune))
            {
                if (word.Length < 200) word.Append(rune);
                continue;
            }
            if (word.Length > 1 && IsMixed(word.ToString())) return word.ToString();
            word.Clear();
        }
        return null;
    }

    /// <summary>"SMSы" and "μm" are words; what mixes letters that all pass for the other script is none.</summary>
    private static bool IsMixed(string word)
    {
        var runes = word.EnumerateRunes().ToList();
        var latin = runes.Where(IsLatin).ToList();
        var other = runes.Where(IsLookalikeScript).ToList();
        if (latin.Count == 0 || other.Count == 0) return false;
        return other.All(rune => ToLatin.ContainsKey(Rune.ToLowerInvariant(rune).Value) || ToLatin.ContainsKey(rune.Value))
            || (latin.Count <= other.Count && other.All(IsCyrillic) && latin.All(rune => "aceopxyikmhtb".Contains((char)Rune.ToLowerInvariant(rune).Value)));
    }

    private static bool IsLatin(Rune rune) => rune.Value is >= 'A' and <= 'Z' or >= 'a' and <= 'z' or >= 0xC0 and <= 0x24F or >= 0x1E00 and <= 0x1EFF;

    /// <summary>Greek, Cyrillic, Armenian, Cherokee.</summary>
    private static bool IsLookalikeScript(Rune rune) => rune.Value is >= 0x0370 and <= 0x058F or >= 0x13A0 and <= 0x13FF or >= 0x1F00 and <= 0x1FFF or >= 0xA640 and <= 0xA69F;

    private static bool IsCyrillic(Rune rune) => rune.Value is >= 0x0400 and <= 0x052F;

    private static bool IsInvisible(int c) => c is 0xAD or 0x034F or >= 0x200B and <= 0x200F or >= 0x202A and <= 0x202E or >= 0x2060 and <= 0x2064 or 0xFEFF;

    /// <summary>In lower case, A-labels decoded.</summary>
    private static string Unicode(string name)
    {
        var lower = name.ToLowerInvariant();
        if (!lower.Contains("xn--", StringComparison.Ordinal)) return lower;
        try
        {
            return Punycode.GetUnicode(lower).ToLowerInvariant();
        }
        catch (ArgumentException)
        {
            return lower;
        }
    }
}
