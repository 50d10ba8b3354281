using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace MailApi.Hosting;

/// <summary>
/// Connections to the SQLite file: write-ahead log with full synchronisation (a commit is on disk), and the two functions that
/// PostgreSQL has from its first migration.
/// </summary>
internal sealed class SqliteDataSource(string connectionString, TimeProvider time) : DbDataSource
{
    private const string Pragmas = "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma busy_timeout = 5000;";

    public override string ConnectionString => connectionString;

    protected override DbConnection CreateDbConnection() => new SqliteConnection(connectionString);

    protected override DbConnection OpenDbConnection()
    {
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
            Prepare(connection);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    protected override ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default) => new(OpenDbConnection());

    [SuppressMessage("Security", "CA2100", Justification = "The text is a constant.")]
    private void Prepare(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = Pragmas;
        command.ExecuteNonQuery();
        // As on PostgreSQL, one instant for all of a statement, which asks once.
        connection.CreateFunction("now_ms", () => time.GetUtcNow().ToUnixTimeMilliseconds(), isDeterministic: true);
        // There is one writer, so whatever can be read is settled.
        connection.CreateFunction("events_horizon", () => long.MaxValue, isDeterministic: true);
    }
}
