using System.Collections.Concurrent;
using System.Data.Common;
using MailApi.Api;

namespace MailApi.Storage;

/// <summary>One SQL statement with its named arguments. Arguments are Guid, string, bool, int, long, double, byte[] or null.</summary>
public readonly record struct Statement(string Sql, params (string Name, object? Value)[] Args);

/// <summary>The store's two verbs, read and write, over whichever database is configured. SQL stands beside the method that runs it.</summary>
public sealed class Db : IDisposable
{
    /// <summary>Connections of a kind that are kept open between uses.</summary>
    private const int KeptMax = 16;

    private readonly DbDataSource source;
    private readonly SqlDialect dialect;

    /// <summary>The writer's where there is one. Elsewhere acts take turns at the audit log: they wait here, where none holds a connection that mail could use.</summary>
    private readonly SemaphoreSlim turn = new(1, 1);

    /// <summary>Null where any number can write.</summary>
    private readonly CommitGroup? group;
    private readonly ConcurrentStack<DbConnection> readers = new();
    // Apart from the readers': what one connection writes makes the page caches of all others worthless.
    private readonly ConcurrentStack<DbConnection> writers = new();

    public Db(DbDataSource source, SqlDialect dialect)
    {
        (this.source, this.dialect) = (source, dialect);
        if (dialect.OneWriter) group = new CommitGroup(turn, work => Transact(work, CancellationToken.None));
    }

    public SqlDialect Dialect => dialect;

    /// <summary>Runs one reading statement outside any tenant: for the service's own work.</summary>
    public Task<List<T>> Query<T>(string sql, Func<DbDataReader, T> map, CancellationToken ct, params (string Name, object? Value)[] args) =>
        Lend(readers, connection => Read(connection, null, new Statement(sql, args), map, ct), ct);

    /// <summary>
    /// Runs one reading statement for a tenant. The statement itself names the tenant in its <c>where</c>; on PostgreSQL row level
    /// security stands behind it as a second wall.
    /// </summary>
    public Task<List<T>> QueryAs<T>(TenantId tenant, string sql, Func<DbDataReader, T> map, CancellationToken ct, params (string Name, object? Value)[] args) =>
        dialect.BindTenant is null ? Query(sql, map, ct, args) : Lend(readers, async connection =>
        {
            await using var transaction = await connection.BeginTransactionAsync(ct);
            await Bind(transaction, tenant, ct);
            return await Read(connection, transaction, new Statement(sql, args), map, ct);
        }, ct);

    /// <summary>Runs <paramref name="work"/> in one transaction and commits it; nothing that crosses the network belongs inside.</summary>
    public Task<T> Write<T>(Func<DbTransaction, Task<T>> work, CancellationToken ct) =>
        Act.Pending is { } act ? Witnessed(act, work, ct)
        : group is not null ? group.Write(work, ct)
        : Transact(work, ct);

    /// <summary>The same for a tenant, behind the second wall; null: for the service itself.</summary>
    public Task<T> WriteAs<T>(TenantId? tenant, Func<DbTransaction, Task<T>> work, CancellationToken ct) =>
        tenant is { } one ? Write(transaction => As(one, transaction, () => work(transaction), ct), ct) : Write(work, ct);

    /// <summary>A part of a transaction that is a tenant's, behind the second wall.</summary>
    public async Task<T> As<T>(TenantId tenant, DbTransaction transaction, Func<Task<T>> work, CancellationToken ct)
    {
        if (dialect.BindTenant is null) return await work();
        await Bind(transaction, tenant, ct);
        var result = await work();
        // What follows, as its note in the audit log, is the service's own.
        await Bind(transaction, null, ct);
        return result;
    }

    /// <summary>Notes an act that changes nothing in the store.</summary>
    public async Task Note(Act act, CancellationToken ct) => act.Committed(await InTurn(() => Transact(transaction => act.Append(transaction, ct), ct), ct));

    /// <summary>Runs one writing statement in its own transaction; answers the number of rows touched.</summary>
    public Task<int> Execute(string sql, CancellationToken ct, params (string Name, object? Value)[] args) =>
        Write(transaction => transaction.Execute(sql, ct, args), ct);

    /// <summary>The same for a tenant, behind the second wall; null: for the service itself.</summary>
    public Task<int> ExecuteAs(TenantId? tenant, string sql, CancellationToken ct, params (string Name, object? Value)[] args) =>
        WriteAs(tenant, transaction => transaction.Execute(sql, ct, args), ct);

    private Task<int> Bind(DbTransaction transaction, TenantId? tenant, CancellationToken ct) => transaction.Execute(dialect.BindTenant!, ct, ("tenant", tenant?.Value.ToString() ?? ""));

    private Task<T> Transact<T>(Func<DbTransaction, Task<T>> work, CancellationToken ct) => Lend(writers, async connection =>
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var result = await work(transaction);
        await transaction.CommitAsync(ct);
        return result;
    }, ct);

    private async Task<T> InTurn<T>(Func<Task<T>> work, CancellationToken ct)
    {
        await turn.WaitAsync(ct);
        try
        {
            return await work();
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose()
    {
        foreach (var connection in readers.Concat(writers)) connection.Dispose();
        turn.Dispose();
        source.Dispose();
    }

    /// <summary>What changes something is noted in the audit log, in the same transaction.</summary>
    private Task<T> Witnessed<T>(Act act, Func<DbTransaction, Task<T>> work, CancellationToken ct) => InTurn(async () =>
    {
        // While this waited for its turn, another transaction of the act may have noted it, or the act have ended.
        if (Act.Pending != act) return await Transact(work, ct);
        var (result, mark) = await Transact(async transaction =>
        {
            var before = await transaction.Query(dialect.Changes, row => row.GetInt64(0), ct);
            var result = await work(transaction);
            var after = await transaction.Query(dialect.Changes, row => row.GetInt64(0), ct);
            return (result, before[0] == after[0] ? null : await act.Append(transaction, ct));
        }, ct);
        if (mark is not null) act.Committed(mark);
        return result;
    }, ct);

    /// <summary>Lends a connection for one piece of work. Where the driver does not, they are kept here, open and with their statements; one that failed is closed.</summary>
    private async Task<T> Lend<T>(ConcurrentStack<DbConnection> kept, Func<DbConnection, Task<T>> work, CancellationToken ct)
    {
        var connection = kept.TryPop(out var open) ? open : await source.OpenConnectionAsync(ct);
        try
        {
            var result = await work(connection);
            if (!dialect.KeepsConnections || kept.Count >= KeptMax) return result;
            kept.Push(connection);
            connection = null;
            return result;
        }
        finally
        {
            if (connection is not null) await connection.DisposeAsync();
        }
    }

    internal static async Task<List<T>> Read<T>(DbConnection connection, DbTransaction? transaction, Statement statement, Func<DbDataReader, T> map, CancellationToken ct)
    {
        await using var lent = PreparedCommands.Lend(connection, transaction, statement);
        await using var reader = await lent.Command.ExecuteReaderAsync(ct);
        var rows = new List<T>();
        while (await reader.ReadAsync(ct)) rows.Add(map(reader));
        return rows;
    }
}
