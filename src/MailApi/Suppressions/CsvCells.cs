using System.Buffers;

namespace MailApi.Suppressions;

/// <summary>
/// Keeps spreadsheet programs from taking a cell for a formula. An address may begin with <c>=</c>, <c>+</c> or <c>-</c> (RFC 5321 §4.1.2), and anyone can
/// leave one at a tenant's door: <c>=cmd|'/Ccalc'!A0@attacker.example</c> would start a program on the desk of whoever opens the export. Such a
/// cell is written with an apostrophe before it, which those programs take for "this is text"; an import takes it away again. Cells that begin
/// with apostrophes before such a character get one more, so that the way back is exact. Quotes alone do not help: they are gone once the
/// file is read.
/// </summary>
internal static class CsvCells
{
    private static readonly SearchValues<char> Formula = SearchValues.Create("=+-@\t\r");

    public static string Guard(string cell) => IsFormula(cell) ? "'" + cell : cell;

    public static string Unguard(string cell) => cell.StartsWith('\'') && IsFormula(cell) ? cell[1..] : cell;

    private static bool IsFormula(string cell)
    {
        // Blanks before it do not help: some programs trim.
        var text = cell.AsSpan().TrimStart("' ");
        return !text.IsEmpty && Formula.Contains(text[0]);
    }
}
