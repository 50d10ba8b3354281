using System.Data.Common;
using MailApi.Api;

namespace MailApi.Storage;

/// <summary>One SQL statement with its named arguments. Arguments are Guid, string, bool, int, long, double, byte[] or null.</summary>
public readonly record struct Statement(string Sql, params (string Name, object? Value)[] Args);

/// <summary>The store's two verbs, read and write, over whichever database is configured. SQL stands beside the method that runs it.</summary>
public sealed class Db(DbDataSource source, SqlDialect dialect) : IDisposable
{
    private readonly SemaphoreSlim? writer = dialect.OneWriter ? new SemaphoreSlim(1, 1) : null;

    public SqlDialect Dialect => dialect;

    /// <summary>Runs one reading statement outside any tenant: for the service's own work.</summary>
    public async Task<List<T>> Query<T>(string sql, Func<DbDataReader, T> map, CancellationToken ct, params (string Name, object? Value)[] args)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        return await Read(connection, null, new Statement(sql, args), map, ct);
    }

    /// <summary>
    /// Runs one reading statement for a tenant. The statement itself names the tenant in its <c>where</c>; on PostgreSQL row level
    /// security stands behind it as a second wall.
    /// </summary>
    public async Task<List<T>> QueryAs<T>(TenantId tenant, string sql, Func<DbDataReader, T> map, CancellationToken ct, params (string Name, object? Value)[] args)
    {
        if (dialect.BindTenant is null) return await Query(sql, map, ct, args);
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await transaction.Execute(dialect.BindTenant, ct, ("tenant", tenant.Value.ToString()));
        return await Read(connection, transaction, new Statement(sql, args), map, ct);
    }

    /// <summary>Runs <paramref name="work"/> in one transaction and commits it; nothing that crosses the network belongs inside.</summary>
    public async Task<T> Write<T>(Func<DbTransaction, Task<T>> work, CancellationToken ct)
    {
        if (writer is not null) await writer.WaitAsync(ct);
        try
        {
            await using var connection = await source.OpenConnectionAsync(ct);
            await using var transaction = await connection.BeginTransactionAsync(ct);
            var result = await work(transaction);
            await transaction.CommitAsync(ct);
            return result;
        }
        finally
        {
            writer?.Release();
        }
    }

    /// <summary>Runs one writing statement in its own transaction; answers the number of rows touched.</summary>
    public Task<int> Execute(string sql, CancellationToken ct, params (string Name, object? Value)[] args) =>
        Write(transaction => transaction.Execute(sql, ct, args), ct);

    public void Dispose()
    {
        writer?.Dispose();
        source.Dispose();
    }

    internal static async Task<List<T>> Read<T>(DbConnection connection, DbTransaction? transaction, Statement statement, Func<DbDataReader, T> map, CancellationToken ct)
    {
        await using var command = Transactions.Command(connection, transaction, statement);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var rows = new List<T>();
        while (await reader.ReadAsync(ct)) rows.Add(map(reader));
        return rows;
    }
}
