using System.Data.Common;
using MailApi.Storage;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace MailApi.Hosting;

public enum StoreProvider
{
    Sqlite,
    PostgreSql,
}

/// <summary>Section <c>Store</c>.</summary>
public sealed class StoreOptions
{
    public StoreProvider Provider { get; set; } = StoreProvider.Sqlite;

    /// <summary>An ADO.NET connection string; for SQLite a file in <c>DataDirectory</c> by default.</summary>
    public string? ConnectionString { get; set; }
}

/// <summary>Opens the configured database and brings its schema up to date.</summary>
internal static class Store
{
    /// <summary>PostgreSQL's "too much": no room on the disk.</summary>
    private const string DiskFull = "53100";

    /// <summary>SQLITE_FULL.</summary>
    private const int SqliteFull = 13;

    /// <summary>A process that stands still in the midst of a transaction would keep its rows, and what is newest in the event log, from everybody for as long.</summary>
    private const string EndsIdleTransactions = "-c idle_in_transaction_session_timeout=60s";

    public static Db Open(StoreOptions options, string dataDirectory, TimeProvider time) => options.Provider == StoreProvider.PostgreSql
        ? new Db(PostgreSql(options.ConnectionString, connection => (connection.MaxAutoPrepare, connection.AutoPrepareMinUsages, connection.Options) = (100, 2, connection.Options ?? EndsIdleTransactions)), SqlDialect.PostgreSql)
        : new Db(new SqliteDataSource(SqliteConnectionString(options, dataDirectory), time), SqlDialect.Sqlite);

    /// <summary>Brings the schema up to date, or throws where that has to wait.</summary>
    /// <exception cref="DbException">The database cannot be reached.</exception>
    public static void Migrate(StoreOptions options, string dataDirectory)
    {
        if (new Migrator(options, dataDirectory).Run(Migrator.Scripts(options.Provider)) is { } obstacle) throw new TimeoutException(obstacle);
    }

    /// <summary>
    /// Connections to PostgreSQL. Where the connection string names several servers, those that take writes are meant: after a failover that
    /// is another one than before.
    /// </summary>
    public static NpgsqlDataSource PostgreSql(string? connectionString, Action<NpgsqlConnectionStringBuilder> configure)
    {
        var connection = new NpgsqlConnectionStringBuilder(connectionString) { ApplicationName = "MailApi" };
        configure(connection);
        if (connection.Host?.Contains(',', StringComparison.Ordinal) != true) return NpgsqlDataSource.Create(connection);
        // Npgsql takes them from the data source's user, not from the string.
        var wanted = Enum.TryParse<TargetSessionAttributes>(connection.TargetSessionAttributes?.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var named)
            ? named
            : TargetSessionAttributes.ReadWrite;
        connection.Remove("Target Session Attributes");
        return new NpgsqlDataSourceBuilder(connection.ToString()).BuildMultiHost().WithTargetSession(wanted);
    }

    public static string SqliteConnectionString(StoreOptions options, string dataDirectory) =>
        options.ConnectionString ?? new SqliteConnectionStringBuilder { DataSource = Path.Combine(dataDirectory, "mailapi.db") }.ToString();

    public static string SqliteFile(StoreOptions options, string dataDirectory) => Path.GetFullPath(new SqliteConnectionStringBuilder(SqliteConnectionString(options, dataDirectory)).DataSource);

    /// <summary>Keeps a second process off a store with one writer, whatever its own data directory; held until the process ends.</summary>
    /// <exception cref="SettingsException">Another process has it.</exception>
    public static FileStream Lock(StoreOptions options, string dataDirectory) => new LocalFiles(Path.GetDirectoryName(SqliteFile(options, dataDirectory))!).Lock();

    /// <summary>The database has no room on its disk: it reads, and takes no writes.</summary>
    public static bool IsFull(Exception failure) => failure is SqliteException { SqliteErrorCode: SqliteFull } or DbException { SqlState: DiskFull };
}
