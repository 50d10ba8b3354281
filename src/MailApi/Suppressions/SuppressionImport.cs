using System.IO.Pipelines;
using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Suppressions;

/// <summary>What an import did. Every row of the file is in one of the counts.</summary>
/// <param name="Imported">New entries.</param>
/// <param name="Updated">Entries that were there and now hold for longer.</param>
/// <param name="Unchanged">Entries that were there and say as much.</param>
/// <param name="Refused">Rows that are none.</param>
/// <param name="Errors">Of the first refused rows, at most 100.</param>
internal sealed record ImportResult(long Imported, long Updated, long Unchanged, long Refused, IReadOnlyList<ImportError> Errors);

/// <summary>Why a row was refused.</summary>
/// <param name="Line">Of the file, from 1.</param>
/// <param name="Error">What is wrong with it.</param>
internal sealed record ImportError(long Line, string Error);

/// <summary>Brings a CSV file into a tenant's list while it comes in: no more of it is held than a batch.</summary>
internal sealed class SuppressionImport(Db db, TimeProvider time)
{
    /// <summary>Of the file: a million rows with room to spare.</summary>
    public const long FileOctetsMax = 256L << 20;

    /// <summary>Rows in one transaction: other writers wait for no more than these.</summary>
    public const int BatchRows = 1000;

    /// <summary>Rows whose errors are told.</summary>
    public const int ErrorsMax = 100;

    private const string Insert = $"""
        insert into suppressions (id, tenant_id, address, category, reason, source, created_at, expires_at, overridden_at, overridden_by, override_reason)
        values (@id, @tenant, @address, @category, @reason, @source, coalesce(cast(@since as bigint), now_ms()), @expiresAt,
                case when cast(@override as text) is not null then now_ms() end, case when cast(@override as text) is not null then @by end, @override)
        on conflict (tenant_id, address, category, reason) do update
        set source = excluded.source, expires_at = {SuppressionList.Later}
        where {SuppressionList.Longer}
        returning id
        """;

    /// <summary>
    /// Reads the file to its end; a result, or what is wrong with its first line. A batch is in the list once it is committed:
    /// a file whose upload broke off is sent again whole, and the rows that are there already count as unchanged.
    /// </summary>
    /// <param name="by">Who overrides the entries that the file says are overridden.</param>
    public async Task<(ImportResult? Result, string? HeaderError)> Read(TenantId tenant, string by, PipeReader file, CancellationToken ct)
    {
        CsvColumns? columns = null;
        CsvColumns.TryRead(null, out var headerError);
        var (batch, tally, now) = (new List<ImportedRow>(BatchRows), new Tally(), time.GetUtcNow());
        await foreach (var line in CsvLines.Read(file, ct))
        {
            if (columns is null)
            {
                columns = CsvColumns.TryRead(line.Text, out headerError);
                if (columns is null) break;
                continue;
            }
            if (line.Text?.Length == 0) continue;
            if (columns.TryRead(line.Text, now, out var error) is { } row) batch.Add(row);
            else tally.Refuse(line.Number, error);
            if (batch.Count == BatchRows) await Commit(tenant, by, batch, tally, ct);
        }
        if (columns is null) return (null, headerError);
        await Commit(tenant, by, batch, tally, ct);
        return (new ImportResult(tally.Imported, tally.Updated, tally.Unchanged, tally.Refused, tally.Errors), null);
    }

    private async Task Commit(TenantId tenant, string by, List<ImportedRow> batch, Tally tally, CancellationToken ct)
    {
        if (batch.Count == 0) return;
        // In one order, so that imports that meet wait for each other and not in a ring. It keeps rows for one address in theirs.
        var rows = batch.OrderBy(row => row.Address, StringComparer.Ordinal).Select(row => (Id: PrefixedId.NewGuid(), Row: row)).ToList();
        var touched = new List<bool>(rows.Count);
        await db.WriteAs(tenant, async transaction =>
        {
            await transaction.Run([.. rows.Select(it => Statement(tenant, by, it.Id, it.Row))], (index, row) => touched.Add(row.GetGuid(0) == rows[index].Id), ct);
            return 0;
        }, ct);
        var imported = touched.Count(isNew => isNew);
        tally.Count(imported, touched.Count - imported, rows.Count - touched.Count);
        batch.Clear();
    }

    private static Statement Statement(TenantId tenant, string by, Guid id, ImportedRow row) => new(Insert,
        ("id", id), ("tenant", tenant.Value), ("address", row.Address), ("category", SuppressionList.Text(row.Category)), ("reason", row.Reason.ToText()), ("source", row.Source),
        ("since", row.Since?.ToUnixTimeMilliseconds()), ("expiresAt", row.ExpiresAt?.ToUnixTimeMilliseconds()), ("override", row.Override), ("by", by));

    private sealed class Tally
    {
        private readonly List<ImportError> errors = [];

        public long Imported { get; private set; }
        public long Updated { get; private set; }
        public long Unchanged { get; private set; }
        public long Refused { get; private set; }
        public IReadOnlyList<ImportError> Errors => errors;

        public void Count(int imported, int updated, int unchanged) => (Imported, Updated, Unchanged) = (Imported + imported, Updated + updated, Unchanged + unchanged);

        public void Refuse(long line, string error)
        {
            Refused++;
            if (errors.Count < ErrorsMax) errors.Add(new ImportError(line, error));
        }
    }
}
