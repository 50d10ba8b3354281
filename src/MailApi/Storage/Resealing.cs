using System.Security.Cryptography;

namespace MailApi.Storage;

/// <summary>How many sealed values there are under which key.</summary>
/// <param name="Unreadable">Altered, moved, or sealed under a key that is not configured.</param>
internal readonly record struct SealedCounts(int UnderPresentKey, int UnderPreviousKeys, int Unreadable);

/// <summary>
/// Rotation of the key-encryption key: seals under the present key what a previous one sealed, a bounded number of rows at a time. Each value is replaced by a
/// statement that asks for the value it replaces, so a pass may be cut off anywhere, and several may run at once.
/// </summary>
internal sealed partial class Resealing(Db db, Vault vault, SealedSettings settings, IEnumerable<SealedColumn> columns, AppendAct append, TimeProvider time, ILogger<Resealing> log) : BackgroundService
{
    private const int RowsAtOnce = 100;

    /// <summary>A process that still seals under the old key may run beside this one.</summary>
    private static readonly TimeSpan Between = TimeSpan.FromMinutes(1);

    /// <summary>Opens every value and counts.</summary>
    public Task<SealedCounts> Count(CancellationToken ct) => Walk(static (_, _, _) => Task.CompletedTask, ct);

    /// <summary>Everything is sealed under the present key, as far as any key opens it.</summary>
    public async Task<bool> IsFinished(SealedCounts counts, CancellationToken ct) => counts.UnderPreviousKeys == 0 && await settings.AreUnderPresentKey(ct);

    /// <summary>Seals everything anew; true when that ended a rotation.</summary>
    public async Task<bool> Pass(CancellationToken ct)
    {
        var found = await Walk(Replace, ct);
        if (found.UnderPreviousKeys > 0) LogResealed(found.UnderPreviousKeys);
        // Looked at again: what was replaced meanwhile by a process with the old key is under the old key.
        var left = found.UnderPreviousKeys == 0 ? found : await Count(ct);
        if (left.Unreadable > 0) LogUnreadable(left.Unreadable);
        if (left.UnderPreviousKeys > 0) return false;
        var act = new Act(append) { Name = "RotateKeyEncryptionKey", Actor = "service", Subject = vault.Fingerprint };
        act.Begin();
        var ended = await settings.Reseal(ct);
        act.End();
        if (ended) LogFinished(vault.Fingerprint);
        return ended;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!vault.HasPreviousKeys) return;
        using var timer = new PeriodicTimer(Between, time);
        do
        {
            try
            {
                await Pass(stoppingToken);
            }
            catch (Exception e) when (e is System.Data.Common.DbException or System.Security.Cryptography.CryptographicException)
            {
                LogFailed(e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Rows of a page, in the order of their ids, so that two passes do not wait for each other in a circle.</summary>
    private Task Replace(SealedColumn column, List<(Guid Row, byte[] Value, byte[] Anew)> page, CancellationToken ct)
    {
        var sql = $"update {column.Table} set {column.Column} = @anew where {column.Row} = @row and {column.Column} = @value";
        return db.Write(async transaction =>
        {
            await transaction.Run([.. page.Select(it => new Statement(sql, ("row", it.Row), ("value", it.Value), ("anew", it.Anew)))], null, ct);
            return page.Count;
        }, ct);
    }

    private async Task<SealedCounts> Walk(Func<SealedColumn, List<(Guid, byte[], byte[])>, CancellationToken, Task> onPrevious, CancellationToken ct)
    {
        var counts = default(SealedCounts);
        foreach (var column in columns)
        {
            var sql = $"select {column.Row}, {column.Column} from {column.Table} where {column.Row} > @after and length({column.Column}) > 0 order by {column.Row} limit @limit";
            var after = Guid.Empty;
            while (true)
            {
                var rows = await db.Query(sql, row => (Id: row.GetGuid(0), Value: row.Bytes(1)), ct, ("after", after), ("limit", RowsAtOnce));
                var previous = new List<(Guid, byte[], byte[])>();
                var unreadable = 0;
                foreach (var (id, value) in rows)
                {
                    var (anew, isReadable) = TryReseal(column, id, value);
                    if (anew is not null) previous.Add((id, value, anew));
                    if (!isReadable) unreadable++;
                }
                if (previous.Count > 0) await onPrevious(column, previous, ct);
                counts = new SealedCounts(counts.UnderPresentKey + rows.Count - previous.Count - unreadable, counts.UnderPreviousKeys + previous.Count, counts.Unreadable + unreadable);
                if (rows.Count < RowsAtOnce) break;
                after = rows[^1].Id;
            }
        }
        return counts;
    }

    private (byte[]? Anew, bool IsReadable) TryReseal(SealedColumn column, Guid row, byte[] value)
    {
        try
        {
            return (vault.Reseal(value, column.Table, row, column.Column), true);
        }
        catch (CryptographicException)
        {
            return (null, false);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Sealed {Count} secrets anew under the present key-encryption key")]
    private partial void LogResealed(int count);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Count} secrets open under no key-encryption key that is configured")]
    private partial void LogUnreadable(int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "Every secret is sealed under the key-encryption key {Fingerprint}: once all processes have it, remove Secrets__PreviousKeyEncryptionKeys")]
    private partial void LogFinished(string fingerprint);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Sealing anew was cut off; it goes on in a minute")]
    private partial void LogFailed(Exception exception);
}
