using System.Data.Common;

namespace MailApi.Storage;

/// <summary>What a transaction can run.</summary>
public static class Transactions
{
    public static async Task<int> Execute(this DbTransaction transaction, string sql, CancellationToken ct, params (string Name, object? Value)[] args)
    {
        await using var lent = PreparedCommands.Lend(transaction.Connection!, transaction, new Statement(sql, args));
        return await lent.Command.ExecuteNonQueryAsync(ct);
    }

    public static Task<List<T>> Query<T>(this DbTransaction transaction, string sql, Func<DbDataReader, T> map, CancellationToken ct, params (string Name, object? Value)[] args) =>
        Db.Read(transaction.Connection!, transaction, new Statement(sql, args), map, ct);

    /// <summary>
    /// Runs many statements in order: in one round trip where the driver can pipeline (PostgreSQL), else one by one.
    /// <paramref name="onRow"/> sees every returned row with the index of its statement.
    /// </summary>
    public static async Task Run(this DbTransaction transaction, IReadOnlyList<Statement> statements, Action<int, DbDataReader>? onRow, CancellationToken ct)
    {
        if (statements.Count == 0) return;
        if (transaction.Connection!.CanCreateBatch) await RunPipelined(transaction, statements, onRow, ct);
        else await RunOneByOne(transaction, statements, onRow, ct);
    }

    private static async Task RunPipelined(DbTransaction transaction, IReadOnlyList<Statement> statements, Action<int, DbDataReader>? onRow, CancellationToken ct)
    {
        await using var batch = transaction.Connection!.CreateBatch();
        batch.Transaction = transaction;
        foreach (var statement in statements)
        {
            var (text, values) = PositionalSql.Of(statement);
            var command = batch.CreateBatchCommand();
            command.CommandText = text;
            foreach (var value in values)
            {
                var parameter = command.CreateParameter();
                parameter.Value = value;
                command.Parameters.Add(parameter);
            }
            batch.BatchCommands.Add(command);
        }

        if (onRow is null)
        {
            await batch.ExecuteNonQueryAsync(ct);
            return;
        }
        await using var reader = await batch.ExecuteReaderAsync(ct);
        // Statements without a result set do not show in the reader, so a batch that reads rows holds only statements that return them.
        for (var index = 0; ; index++)
        {
            while (await reader.ReadAsync(ct)) onRow(index, reader);
            if (!await reader.NextResultAsync(ct)) return;
        }
    }

    private static async Task RunOneByOne(DbTransaction transaction, IReadOnlyList<Statement> statements, Action<int, DbDataReader>? onRow, CancellationToken ct)
    {
        for (var index = 0; index < statements.Count; index++)
        {
            await using var lent = PreparedCommands.Lend(transaction.Connection!, transaction, statements[index]);
            if (onRow is null)
            {
                await lent.Command.ExecuteNonQueryAsync(ct);
                continue;
            }
            await using var reader = await lent.Command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct)) onRow(index, reader);
        }
    }
}
