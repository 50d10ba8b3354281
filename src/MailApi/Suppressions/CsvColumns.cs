using System.Collections.Frozen;
using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;
using MailApi.Api;
using MailApi.Mail.Composition;

namespace MailApi.Suppressions;

/// <summary>A row of an import: what an entry of the list can say.</summary>
internal sealed record ImportedRow
{
    /// <summary>As <see cref="SuppressionList.Key"/> has it.</summary>
    public required string Address { get; init; }
    public required Category? Category { get; init; }
    public required SuppressionReason Reason { get; init; }
    public required string Source { get; init; }

    /// <summary>Null: now.</summary>
    public required DateTimeOffset? Since { get; init; }
    public required DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Why the tenant sends all the same; null where it does not.</summary>
    public required string? Override { get; init; }
}

/// <summary>The columns of an import and an export, and how a row of them reads. Names are told apart by case; their order is the file's.</summary>
internal sealed class CsvColumns
{
    public const string Address = "address";
    public const string Category = "category";
    public const string Reason = "reason";
    public const string Source = "source";
    public const string Since = "since";
    public const string ExpiresAt = "expiresAt";
    public const string Override = "override";

    /// <summary>In the order of an export.</summary>
    public static readonly IReadOnlyList<string> All = [Address, Category, Reason, Source, Since, ExpiresAt, Override];

    public static readonly CsvConfiguration Format = new(CultureInfo.InvariantCulture) { NewLine = "\r\n", BufferSize = 512, TrimOptions = TrimOptions.Trim };

    /// <summary>Of a source or an override's reason.</summary>
    public const int TextCharsMax = 500;

    private readonly FrozenDictionary<string, int> places;

    private CsvColumns(FrozenDictionary<string, int> places) => this.places = places;

    /// <summary>Reads the first line; <paramref name="error"/> says what is wrong with it.</summary>
    public static CsvColumns? TryRead(string? line, out string error)
    {
        error = $"The first line names the columns, separated by commas: {Address}, and any of {string.Join(", ", All.Skip(1))}.";
        if (line is null || Cells(line) is not { } names) return null;
        if (names.FirstOrDefault(name => !All.Contains(name)) is { } unknown)
        {
            error = $"There is no column '{unknown}'. {error}";
            return null;
        }
        return names.Contains(Address) && names.Distinct().Count() == names.Length ? new CsvColumns(names.Select((name, at) => (name, at)).ToFrozenDictionary(it => it.name, it => it.at)) : null;
    }

    /// <summary>Reads a row; <paramref name="error"/> says what is wrong with it.</summary>
    public ImportedRow? TryRead(string? line, DateTimeOffset now, out string error)
    {
        error = "";
        if (line is null) return Refused(out error, $"The line has more than {CsvLines.OctetsMax} octets or is not UTF-8.");
        if (Cells(line) is not { } cells) return Refused(out error, "A quote is not closed or stands inside a cell.");
        if (cells.Length != places.Count) return Refused(out error, $"The line has {cells.Length} cells; the first line names {places.Count}.");

        if (!EmailAddress.TryParse(Cell(cells, Address), out var address)) return Refused(out error, SuppressionRequestValidator.AddressMessage);
        var (category, reason) = (default(Category), SuppressionReason.Manual);
        if (Cell(cells, Category) is { } word && !EnumText.TryParse(word, out category)) return Refused(out error, SuppressionRequestValidator.CategoryMessage);
        if (Cell(cells, Reason) is { } why && !SuppressionReasons.TryParse(why, out reason)) return Refused(out error, SuppressionRequestValidator.ReasonMessage);
        if (!TryInstant(cells, Since, out var since) || since > now) return Refused(out error, "since is an instant that has been, such as 2026-01-31T12:00:00Z.");
        if (!TryInstant(cells, ExpiresAt, out var expiresAt) || expiresAt <= now) return Refused(out error, "expiresAt is an instant to come, such as 2999-01-31T12:00:00Z.");
        var (source, overriding) = (Cell(cells, Source) ?? "import", Cell(cells, Override));
        if (!IsText(source) || !IsText(overriding)) return Refused(out error, $"source and override are texts of at most {TextCharsMax} characters without control characters.");
        return new ImportedRow
        {
            Address = SuppressionList.Key(address.ToString()),
            Category = Cell(cells, Category) is null ? null : category,
            Reason = reason,
            Source = source,
            Since = since,
            ExpiresAt = expiresAt,
            Override = overriding,
        };
    }

    /// <summary>The cells of a line, or null for one that is no CSV (RFC 4180 §2).</summary>
    private static string[]? Cells(string line)
    {
        using var parser = new CsvParser(new StringReader(line), Format);
        try
        {
            // What is left open is closed by the end of the text: the parser does not tell, the number of quotes does.
            return parser.Read() && int.IsEvenInteger(line.AsSpan().Count('"')) ? parser.Record : null;
        }
        catch (CsvHelperException)
        {
            return null;
        }
    }

    private string? Cell(string[] cells, string column) => places.TryGetValue(column, out var at) && cells[at].Length > 0 ? CsvCells.Unguard(cells[at]) : null;

    private bool TryInstant(string[] cells, string column, out DateTimeOffset? instant)
    {
        instant = null;
        if (Cell(cells, column) is not { } text) return true;
        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var read)) return false;
        instant = read;
        return true;
    }

    public static bool IsText(string? text) => text is null || (text.Length <= TextCharsMax && !text.Any(char.IsControl));

    private static ImportedRow? Refused(out string error, string why)
    {
        error = why;
        return null;
    }
}
