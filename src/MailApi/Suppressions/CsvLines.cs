using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;

namespace MailApi.Suppressions;

/// <summary>A line of a CSV file.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Text">Without its end; null when it is longer than <see cref="CsvLines.OctetsMax"/> or not UTF-8.</param>
internal readonly record struct CsvLine(long Number, string? Text);

/// <summary>
/// Cuts a file into lines as it comes in, whatever its length. No column of ours holds a line end, so a record ends with its line even where a quote is
/// left open: a broken row costs itself and not those below it.
/// </summary>
internal static class CsvLines
{
    /// <summary>Of one line: an address, a reason and a source fit several times.</summary>
    public const int OctetsMax = 4096;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static async IAsyncEnumerable<CsvLine> Read(PipeReader file, [EnumeratorCancellation] CancellationToken ct)
    {
        var (number, tooLong) = (0L, false);
        while (true)
        {
            var result = await file.ReadAsync(ct);
            var rest = result.Buffer;
            try
            {
                while (TryCut(ref rest, out var line))
                {
                    yield return new CsvLine(++number, tooLong ? null : Decode(line, number));
                    tooLong = false;
                }
                if (result.IsCompleted)
                {
                    if (!rest.IsEmpty || tooLong) yield return new CsvLine(++number, tooLong ? null : Decode(rest, number));
                    yield break;
                }
                if (rest.Length <= OctetsMax) continue;
                tooLong = true;
                rest = rest.Slice(rest.End);
            }
            finally
            {
                // Also when the file is not read on: what is left of it is then its owner's to throw away.
                file.AdvanceTo(rest.Start, rest.End);
            }
        }
    }

    private static bool TryCut(ref ReadOnlySequence<byte> rest, out ReadOnlySequence<byte> line)
    {
        line = default;
        if (rest.PositionOf((byte)'\n') is not { } end) return false;
        line = rest.Slice(0, end);
        rest = rest.Slice(rest.GetPosition(1, end));
        return true;
    }

    private static string? Decode(ReadOnlySequence<byte> line, long number)
    {
        if (line.Length > OctetsMax) return null;
        try
        {
            var text = Strict.GetString(line).TrimEnd('\r');
            // Spreadsheet programs mark UTF-8 so.
            return number == 1 ? text.TrimStart('\uFEFF') : text;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
