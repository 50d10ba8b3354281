using System.Collections.Frozen;
using System.Text;

namespace MailApi.Mail.Composition;

/// <summary>
/// Unicode normalization form C (UAX #15) of text that UTS-46 has mapped: what has a singleton decomposition, or is excluded from composition,
/// is gone by then, so that the table of composites serves both directions.
/// </summary>
internal static class NormalizationC
{
    /// <summary>The combining class of viramas.</summary>
    public const int Virama = 9;

    // Hangul is composed by arithmetic (Unicode §3.12).
    private const int SBase = 0xAC00, LBase = 0x1100, VBase = 0x1161, TBase = 0x11A7;
    private const int LCount = 19, VCount = 21, TCount = 28, SCount = LCount * VCount * TCount;

    private static readonly Lazy<FrozenDictionary<int, (int First, int Second)>> Composites = new(() => UnicodeTable.Ranges("composition")
        .ToFrozenDictionary(line => line.First, line => (UnicodeTable.Hex(line.Rule.Split(' ')[0]), UnicodeTable.Hex(line.Rule.Split(' ')[1]))));

    private static readonly Lazy<FrozenDictionary<(int First, int Second), int>> Pairs = new(() =>
        Composites.Value.ToFrozenDictionary(pair => pair.Value, pair => pair.Key));

    private static readonly Lazy<FrozenDictionary<int, int>> Classes = new(() => UnicodeTable.Ranges("class")
        .SelectMany(line => Enumerable.Range(line.First, line.Last - line.First + 1).Select(c => (c, UnicodeTable.Number(line.Rule))))
        .ToFrozenDictionary(pair => pair.c, pair => pair.Item2));

    /// <summary>The canonical combining class; 0 for a starter.</summary>
    public static int ClassOf(int c) => Classes.Value.GetValueOrDefault(c);

    public static string Compose(string text)
    {
        var codes = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes()) Decompose(rune.Value, codes);
        Order(codes);
        return Recompose(codes);
    }

    private static void Decompose(int c, List<int> into)
    {
        if (Composites.Value.TryGetValue(c, out var pair))
        {
            Decompose(pair.First, into);
            into.Add(pair.Second);
        }
        else if (c is >= SBase and < SBase + SCount)
        {
            var index = c - SBase;
            into.Add(LBase + index / (VCount * TCount));
            into.Add(VBase + index % (VCount * TCount) / TCount);
            if (index % TCount != 0) into.Add(TBase + index % TCount);
        }
        else
        {
            into.Add(c);
        }
    }

    /// <summary>Puts the marks after each starter in the order of their classes, stably.</summary>
    private static void Order(List<int> codes)
    {
        for (var i = 1; i < codes.Count; i++)
        {
            var mark = ClassOf(codes[i]);
            for (var j = i; mark != 0 && j > 0 && ClassOf(codes[j - 1]) > mark; j--) (codes[j - 1], codes[j]) = (codes[j], codes[j - 1]);
        }
    }

    private static string Recompose(List<int> codes)
    {
        var result = new List<int>(codes.Count);
        var starter = -1;
        foreach (var c in codes)
        {
            var mark = ClassOf(c);
            var blocked = starter >= 0 && starter != result.Count - 1 && ClassOf(result[^1]) is var last && (last == 0 || last >= mark);
            if (starter >= 0 && !blocked && Pair(result[starter], c) is { } composite)
            {
                result[starter] = composite;
                continue;
            }
            if (mark == 0) starter = result.Count;
            result.Add(c);
        }
        return string.Concat(result.Select(char.ConvertFromUtf32));
    }

    private static int? Pair(int first, int second)
    {
        if (first is >= LBase and < LBase + LCount && second is >= VBase and < VBase + VCount)
        {
            return SBase + ((first - LBase) * VCount + second - VBase) * TCount;
        }
        if (first is >= SBase and < SBase + SCount && (first - SBase) % TCount == 0 && second is > TBase and < TBase + TCount)
        {
            return first + second - TBase;
        }
        return Pairs.Value.TryGetValue((first, second), out var composite) ? composite : null;
    }
}
