using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;
using MailApi.Api;

namespace MailApi.Suppressions;

/// <summary>Writes a tenant's list as the CSV that an import takes, oldest entry first, page by page: no more of it is held than a page.</summary>
internal sealed class SuppressionExport(SuppressionList list)
{
    private const int PageRows = 1000;

    public async Task Write(TenantId tenant, Stream file, CancellationToken ct)
    {
        await using var text = new StreamWriter(file, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        await using var csv = new CsvWriter(text, CsvColumns.Format with { TrimOptions = TrimOptions.None }, leaveOpen: true);
        foreach (var column in CsvColumns.All) csv.WriteField(column);
        await csv.NextRecordAsync();
        var after = Guid.Empty;
        while (true)
        {
            var page = await list.ListOldest(tenant, after, PageRows, ct);
            foreach (var entry in page)
            {
                Write(csv, entry);
                await csv.NextRecordAsync();
            }
            await csv.FlushAsync();
            await text.FlushAsync(ct);
            if (page.Count < PageRows) return;
            after = page[^1].Id.Value;
        }
    }

    private static void Write(CsvWriter csv, Suppression entry)
    {
        csv.WriteField(CsvCells.Guard(entry.Address));
        csv.WriteField(entry.Category?.ToText());
        csv.WriteField(entry.Reason.ToText());
        csv.WriteField(CsvCells.Guard(entry.Source));
        csv.WriteField(Text(entry.Since));
        csv.WriteField(entry.ExpiresAt is { } expiresAt ? Text(expiresAt) : "");
        csv.WriteField(entry.Override is { } overriding ? CsvCells.Guard(overriding.Reason) : "");
    }

    private static string Text(DateTimeOffset instant) => instant.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
