using System.IO.Pipelines;
using MailApi.Suppressions;
using MailApi.Testing.Fuzzing;

namespace MailApi.Bench.Fuzz.Service;

/// <summary>Lists of suppressions as files: every line is a row, or refused in words, and no cell becomes a formula on its way out.</summary>
internal static class CsvTarget
{
    private static readonly DateTimeOffset Now = new(2026, 11, 30, 6, 0, 0, TimeSpan.Zero);

    public static readonly byte[][] Seeds = Texts.Octets(
        "address,category,reason,source,since,expiresAt,override\r\nann@example.net,,manual,import,2026-01-31T12:00:00Z,2999-01-31T12:00:00Z,\r\n\"'=cmd@example.net\",marketing,unsubscribe,\"a \"\"b\"\"\",,,asked us\r\n",
        "\uFEFFaddress\nbo@example.org\n\n李@例子.中国\n", "reason,address\nhardBounce,x@y.test\ncomplaint,\"z@y.test\"\n");

    public static readonly string[] Words = ["\"", "\"\"", ",", "\r\n", "\n", "\r", "'", "=", "+", "-", "@", "\t", "address", "category", "expiresAt", "2026-13-01", "9999-12-31T23:59:59.9999999+14:00", "0001-01-01", "manual", "marketing", "\uFEFF", "\0", "\uD83D\uDE00"];

    public static string Try(byte[] input)
    {
        var lines = Lines(input).GetAwaiter().GetResult();
        if (lines.Any(line => line.Text?.Length > CsvLines.OctetsMax)) throw new InvalidOperationException("A line beyond its bound.");
        if (CsvColumns.TryRead(lines.Count > 0 ? lines[0].Text : null, out var headerError) is not { } columns) return headerError.Length > 0 ? $"no header {headerError.StartsWith("There is", StringComparison.Ordinal)}" : throw new InvalidOperationException("No reason.");
        var outcomes = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var line in lines.Skip(1).Take(100))
        {
            if (columns.TryRead(line.Text, Now, out var error) is not { } row)
            {
                outcomes.Add(error.Length > 0 ? error[..Math.Min(12, error.Length)] : throw new InvalidOperationException("No reason."));
                continue;
            }
            foreach (var cell in (string?[])[row.Address, row.Source, row.Override])
                if (cell is not null && CsvCells.Unguard(CsvCells.Guard(cell)) != cell) throw new InvalidOperationException($"The cell {cell} comes back otherwise.");
            if (row.Since > Now || row.ExpiresAt <= Now) throw new InvalidOperationException("An instant on the wrong side of now.");
            // As it is stored.
            _ = (row.Since?.ToUnixTimeMilliseconds(), row.ExpiresAt?.ToUnixTimeMilliseconds());
            outcomes.Add($"{row.Category} {row.Reason} {row.Since is null} {row.ExpiresAt is null} {row.Override is null}");
        }
        return string.Join(';', outcomes.Take(4));
    }

    private static async Task<List<CsvLine>> Lines(byte[] input)
    {
        var lines = new List<CsvLine>();
        var file = PipeReader.Create(new MemoryStream(input), new StreamPipeReaderOptions(bufferSize: 64));
        await foreach (var line in CsvLines.Read(file, CancellationToken.None)) lines.Add(line);
        return lines;
    }
}
