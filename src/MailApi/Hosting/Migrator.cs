using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using DbUp;
using DbUp.Builder;
using DbUp.Engine;
using DbUp.Engine.Output;
using DbUp.Postgresql;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace MailApi.Hosting;

/// <summary>
/// Brings a store's schema up to date, a script a transaction, while processes of the version before go on working on it. Scripts only add, so that those can;
/// one that takes away is named <c>NNN-what-needs-MMM</c>: whoever knows migration MMM has stopped using what goes. It waits for the last process that does not, and keeps
/// older ones from starting afterwards. <c>NNN-what-concurrently-postgresql</c> runs outside a transaction and can be repeated.
/// </summary>
internal sealed partial class Migrator(StoreOptions options, string dataDirectory)
{
    private const string Folder = "MailApi.Storage.Migrations.";
    private const long TurnKey = 0x4D61696C417069; // "MailApi"

    /// <summary>
    /// How long a statement waits for a table that others use. Everybody who comes after it waits as long, so it is short, and the whole script is tried again
    /// later.
    /// </summary>
    private const string LockPatience = "set local lock_timeout = '2s';\n";

    /// <summary>A statement waited for a table longer than <see cref="LockPatience"/> says.</summary>
    private const string LockNotAvailable = "55P03";

    /// <summary>The number of this version's newest migration.</summary>
    public static int Newest { get; } = Scripts(StoreProvider.Sqlite).Concat(Scripts(StoreProvider.PostgreSql)).Max(script => Number(script.Name));

    /// <summary>This version's scripts, in their order.</summary>
    public static IReadOnlyList<SqlScript> Scripts(StoreProvider provider)
    {
        var (assembly, others) = (Assembly.GetExecutingAssembly(), provider == StoreProvider.Sqlite ? "-postgresql.sql" : "-sqlite.sql");
        return [.. assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Folder, StringComparison.Ordinal) && !name.EndsWith(others, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Select(name => SqlScript.FromStream(name, assembly.GetManifestResourceStream(name)!))];
    }

    /// <summary>A table was in use for longer than a migration waits for it. Nothing of the script has happened.</summary>
    public static bool IsLockTimeout(DbException failure) => failure.SqlState == LockNotAvailable;

    /// <summary>Runs what has not run yet.</summary>
    /// <returns>Null once the schema is up to date; else what stands in the way, to be tried again.</returns>
    /// <exception cref="DbException">The database cannot be reached, or see <see cref="IsLockTimeout"/>.</exception>
    /// <exception cref="SettingsException">The schema is of a version that this one cannot work with.</exception>
    public string? Run(IReadOnlyList<SqlScript> scripts)
    {
        if (options.Provider == StoreProvider.Sqlite)
        {
            // A table that is made anew is dropped in between: its rows' children must stay.
            var file = new SqliteConnectionStringBuilder(Store.SqliteConnectionString(options, dataDirectory)) { ForeignKeys = false }.ToString();
            return Upgrade(scripts, () => DeployChanges.To.SqliteDatabase(file).WithVariable("identity", "integer primary key autoincrement").WithVariable("transaction", "0"), _ => 0);
        }

        // A large table's index takes as long as it takes. The lock is the session's: in a pool it would outlive its use and keep the others out.
        using var source = Store.PostgreSql(options.ConnectionString, connection => (connection.Pooling, connection.CommandTimeout) = (false, 0));
        using var connection = source.OpenConnection();
        // Asked for again and again, never waited for: a waiting statement would hold up an index that is built concurrently.
        if (!(bool)Scalar(connection, "select pg_try_advisory_lock(@value)", TurnKey)) return "Another process is bringing the store's schema up to date.";
        try
        {
            return Upgrade(
                [.. scripts.Select(script => IsConcurrent(script) ? script : new SqlScript(script.Name, LockPatience + script.Contents))],
                () => DeployChanges.To.PostgresqlDatabase(new PostgresqlConnectionManager(source))
                    .WithVariable("identity", "bigint generated always as identity primary key").WithVariable("transaction", "pg_current_xact_id()::text::bigint"),
                needed => (long)Scalar(connection, "select count(*) from nodes where seen_at > now_ms() - 30000 and migration < @value", needed));
        }
        finally
        {
            EndTurn(connection);
        }
    }

    /// <summary>A session that is closed holds its lock until the server notices; whoever comes next would be sent away for nothing.</summary>
    private static void EndTurn(NpgsqlConnection connection)
    {
        if (connection.State != ConnectionState.Open) return;
        try
        {
            Scalar(connection, "select pg_advisory_unlock(@value)", TurnKey);
        }
        catch (DbException)
        {
            // The session is lost, and the lock with it.
        }
    }

    private static string? Upgrade(IReadOnlyList<SqlScript> scripts, Func<UpgradeEngineBuilder> target, Func<long, long> countOlder)
    {
        var engine = target().WithScripts(scripts).LogTo(new NoOpUpgradeLog()).Build();
        RefuseNewer(engine.GetExecutedButNotDiscoveredScripts(), Math.Max(Newest, scripts.Max(script => Number(script.Name))));
        foreach (var script in engine.GetScriptsToExecute())
        {
            if (Needed(script.Name) is { } needed && countOlder(needed) is > 0 and var older)
                return $"Migration {Short(script.Name)} waits until older versions have stopped: {older} still alive.";
            var builder = target().WithScript(script).LogTo(new NoOpUpgradeLog());
            var result = (IsConcurrent(script) ? builder.WithoutTransaction() : builder.WithTransactionPerScript()).Build().PerformUpgrade();
            if (result.Successful) continue;
            if (result.Error is DbException { IsTransient: true }) throw result.Error;
            throw new InvalidOperationException($"The schema migration {Short(script.Name)} failed.", result.Error);
        }
        return null;
    }

    private static void RefuseNewer(IEnumerable<string> unknown, int newest)
    {
        if (unknown.FirstOrDefault(name => Needed(name) > newest) is not { } newer) return;
        throw new SettingsException(
            $"The store was upgraded by a newer version ({Short(newer)}), and this one ends at migration {newest:000}: it would use what is gone. Start the newer version, or restore the backup from before the upgrade.");
    }

    [SuppressMessage("Security", "CA2100", Justification = "The three statements above.")]
    private static object Scalar(NpgsqlConnection connection, string sql, long value)
    {
        using var command = new NpgsqlCommand(sql, connection) { Parameters = { new("value", value) } };
        return command.ExecuteScalar()!;
    }

    private static bool IsConcurrent(SqlScript script) => script.Name.EndsWith("-concurrently-postgresql.sql", StringComparison.Ordinal);

    private static string Short(string name) => Path.GetFileNameWithoutExtension(name.Replace(Folder, "", StringComparison.Ordinal));

    private static int Number(string name) => int.Parse(Short(name).AsSpan(0, 3), CultureInfo.InvariantCulture);

    /// <summary>The migration that a process must know to work beside this one's effect; null where any does.</summary>
    private static int? Needed(string name) => Needs().Match(name) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null;

    [GeneratedRegex(@"-needs-([0-9]{3})(-postgresql|-sqlite)?\.sql$", RegexOptions.NonBacktracking)]
    private static partial Regex Needs();
}
