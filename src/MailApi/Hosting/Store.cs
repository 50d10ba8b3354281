using System.Data.Common;
using System.Reflection;
using DbUp;
using DbUp.Builder;
using DbUp.Engine.Output;
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
    private const long MigrationLock = 0x4D61696C417069; // "MailApi"

    public static Db Open(StoreOptions options, string dataDirectory, TimeProvider time) => options.Provider == StoreProvider.PostgreSql
        ? new Db(NpgsqlDataSource.Create(PostgreSqlConnectionString(options)), SqlDialect.PostgreSql)
        : new Db(new SqliteDataSource(SqliteConnectionString(options, dataDirectory), time), SqlDialect.Sqlite);

    /// <exception cref="DbException">The database cannot be reached.</exception>
    public static void Migrate(StoreOptions options, string dataDirectory)
    {
        if (options.Provider == StoreProvider.Sqlite)
        {
            Upgrade(
                // A table that is made anew is dropped in between: its rows' children must stay.
                DeployChanges.To.SqliteDatabase(new SqliteConnectionStringBuilder(SqliteConnectionString(options, dataDirectory)) { ForeignKeys = false }.ToString()), otherProvider: "postgresql",
                identity: "integer primary key autoincrement", transaction: "0");
            return;
        }

        // Nodes that start together take turns. The lock is the session's: in a pool it would outlive its use and keep the others out.
        using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(PostgreSqlConnectionString(options)) { Pooling = false }.ToString());
        connection.Open();
        using var take = new NpgsqlCommand("select pg_advisory_lock(@key)", connection) { Parameters = { new("key", MigrationLock) } };
        take.ExecuteNonQuery();
        Upgrade(
            DeployChanges.To.PostgresqlDatabase(PostgreSqlConnectionString(options)), otherProvider: "sqlite",
            identity: "bigint generated always as identity primary key", transaction: "pg_current_xact_id()::text::bigint");
    }

    private static void Upgrade(UpgradeEngineBuilder builder, string otherProvider, string identity, string transaction)
    {
        var result = builder
            .WithScriptsEmbeddedInAssembly(Assembly.GetExecutingAssembly(), name => name.EndsWith(".sql", StringComparison.Ordinal) && !name.EndsWith($"-{otherProvider}.sql", StringComparison.Ordinal))
            .WithVariable("identity", identity)
            .WithVariable("transaction", transaction)
            .WithTransactionPerScript()
            .LogTo(new NoOpUpgradeLog())
            .Build()
            .PerformUpgrade();
        if (!result.Successful) throw new InvalidOperationException($"The schema migration {result.ErrorScript?.Name} failed.", result.Error);
    }

    private static string SqliteConnectionString(StoreOptions options, string dataDirectory) =>
        options.ConnectionString ?? new SqliteConnectionStringBuilder { DataSource = Path.Combine(dataDirectory, "mailapi.db") }.ToString();

    private static string PostgreSqlConnectionString(StoreOptions options) =>
        new NpgsqlConnectionStringBuilder(options.ConnectionString)
        {
            ApplicationName = "MailApi",
            MaxAutoPrepare = 100,
            AutoPrepareMinUsages = 2,
        }.ToString();
}
