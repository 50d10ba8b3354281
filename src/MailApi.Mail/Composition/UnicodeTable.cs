using System.Globalization;

namespace MailApi.Mail.Composition;

/// <summary>Reads the sections of <c>Uts46.txt</c>, whose head tells its form.</summary>
internal static class UnicodeTable
{
    /// <summary>The lines of a section as code point ranges with the rest of the line.</summary>
    public static IEnumerable<(int First, int Last, string Rule)> Ranges(string section)
    {
        foreach (var line in Lines(section))
        {
            var blank = line.IndexOf(' ', StringComparison.Ordinal);
            var range = (blank < 0 ? line : line[..blank]).Split('-');
            yield return (Hex(range[0]), Hex(range[^1]), blank < 0 ? "" : line[(blank + 1)..]);
        }
    }

    /// <summary><c>"73 73"</c> as text: "ss".</summary>
    public static string Text(string hex) =>
        string.Concat(hex.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(c => char.ConvertFromUtf32(Hex(c))));

    public static int Hex(string digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    public static int Number(string digits) => int.Parse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    private static IEnumerable<string> Lines(string section)
    {
        using var stream = typeof(UnicodeTable).Assembly.GetManifestResourceStream("Uts46.txt")!;
        using var reader = new StreamReader(stream);
        var inside = false;
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#')) continue;
            if (line.StartsWith('[')) inside = line == $"[{section}]";
            else if (inside) yield return line;
        }
    }
}
