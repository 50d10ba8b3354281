using MailApi.Hosting;
using MailApi.Testing;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace MailApi.EndToEnd.Tests.Scenarios;

/// <summary><c>kill -9</c> while a script is half done.</summary>
[Trait("Takes", "minutes")]
public sealed class Killed_in_a_migration
{
    private const int Rows = 400_000;

    [Fact]
    public async Task In_SQLite_the_next_start_finds_the_rows_as_they_were_and_finishes()
    {
        using var directory = new TempDirectory();
        var file = directory["store.db"];
        var options = new StoreOptions { ConnectionString = $"Data Source={file};Pooling=false" };
        // 010 makes this table anew.
        Assert.Null(new Migrator(options, "").Run([.. Migrator.Scripts(StoreProvider.Sqlite).Where(script => Number(script.Name) < 10)]));
        Run(file, $"""
            with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < {Rows})
            insert into suppressions select 'id' || n, 'tenant', 'somebody-with-a-long-name-' || n || '@example.net', '', 'manual', 'operator', n from numbers
            """);
        var bytes = new FileInfo(file).Length;
        await using var api = MailApiProcess.Begin(new Dictionary<string, string> { ["Store__ConnectionString"] = options.ConnectionString });
        await Eventually.HoldsAsync(() => new FileInfo(file).Length > bytes + (1 << 20), World.Patience, "the new table grows", CancellationToken.None);
        await api.Kill9Async();
        Assert.Equal([$"{Rows}|0|0"], Run(file, """
            select (select count(*) from suppressions), (select count(*) from sqlite_master where name = 'suppressions_new'), (select count(*) from schemaversions where scriptname like '%.010-suppressions%')
            """));

        await api.StartAgainAsync(CancellationToken.None);
        await api.TerminateAsync(World.Patience);
        Assert.Equal([$"{Rows}"], Run(file, "select count(*) from suppressions"));
        var fresh = directory["fresh.db"];
        Store.Migrate(new StoreOptions { ConnectionString = $"Data Source={fresh};Pooling=false" }, "");
        const string Schema = "select name, replace(sql, '\"', '') from sqlite_master where name not like 'sqlite_%' order by name";
        Assert.Equal(Run(fresh, Schema), Run(file, Schema));
    }

    [Fact]
    public async Task In_PostgreSQL_the_next_start_finishes_and_nothing_is_half_done()
    {
        await using var server = await PostgreSqlServer.StartAsync(CancellationToken.None);
        var options = new StoreOptions { Provider = StoreProvider.PostgreSql, ConnectionString = server.ConnectionString() };
        Assert.Null(new Migrator(options, "").Run([.. Migrator.Scripts(StoreProvider.PostgreSql).Where(script => Number(script.Name) < 3)]));
        await using var user = new NpgsqlConnection(options.ConnectionString + ";Pooling=false");
        await user.OpenAsync();
        var transaction = await user.BeginTransactionAsync();
        // 004 changes domains, then dkim_keys: there it has to wait.
        await using (var take = new NpgsqlCommand("lock table dkim_keys in share mode", user, transaction)) await take.ExecuteNonQueryAsync();

        await using var api = MailApiProcess.Begin(new Dictionary<string, string> { ["Store__Provider"] = "PostgreSql", ["Store__ConnectionString"] = options.ConnectionString });
        await Eventually.HoldsAsync(
            async () => await server.AdminAsync("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%dkim_keys%'", CancellationToken.None) == "1",
            World.Patience, "the migration waits", CancellationToken.None);
        await api.Kill9Async();
        await transaction.RollbackAsync();
        await Eventually.HoldsAsync(
            async () => await server.AdminAsync("select count(*) from pg_stat_activity where application_name = 'MailApi'", CancellationToken.None) == "0",
            World.Patience, "the killed process's transaction is over", CancellationToken.None);
        const string State = "select (select count(*) from schemaversions where scriptname like '%.004-%'), (select count(*) from information_schema.columns where table_name = 'domains' and column_name = 'observed')";
        Assert.Equal("0|0", await server.AdminAsync(State, CancellationToken.None, PostgreSqlServer.User));

        await api.StartAgainAsync(CancellationToken.None);
        Assert.Equal("1|1", await server.AdminAsync(State, CancellationToken.None, PostgreSqlServer.User));
        var fresh = await server.CreateDatabaseAsync(CancellationToken.None);
        Store.Migrate(new StoreOptions { Provider = StoreProvider.PostgreSql, ConnectionString = server.ConnectionString(fresh) }, "");
        Assert.Equal(await Schema(server, fresh), await Schema(server, PostgreSqlServer.User));
    }

    [Fact]
    public async Task Killed_again_and_again_from_the_first_script_on_it_gets_there_in_SQLite()
    {
        using var directory = new TempDirectory();
        await KillAgainAndAgain(new() { ["Store__ConnectionString"] = $"Data Source={directory["store.db"]}" });
    }

    [Fact]
    public async Task Killed_again_and_again_from_the_first_script_on_it_gets_there_in_PostgreSQL()
    {
        await using var server = await PostgreSqlServer.StartAsync(CancellationToken.None);
        await KillAgainAndAgain(new() { ["Store__Provider"] = "PostgreSql", ["Store__ConnectionString"] = server.ConnectionString() });
    }

    private static async Task KillAgainAndAgain(Dictionary<string, string> settings)
    {
        await using var api = MailApiProcess.Begin(settings);
        await api.Kill9Async();
        // From before it touches the store to after it is done.
        for (var milliseconds = 100; milliseconds < 2000; milliseconds += 200)
        {
            var started = TimeProvider.System.GetTimestamp();
            api.Launch();
            await Eventually.HoldsAsync(() => TimeProvider.System.GetElapsedTime(started).TotalMilliseconds > milliseconds, World.Patience, "it is time", CancellationToken.None);
            await api.Kill9Async();
        }
        await api.StartAgainAsync(CancellationToken.None);
    }

    private static int Number(string script) => int.Parse(script.Replace("MailApi.Storage.Migrations.", "", StringComparison.Ordinal).AsSpan(0, 3), System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<string> Schema(PostgreSqlServer server, string database) => string.Join(
        '\n', (await server.RunAsync("pg_dump", CancellationToken.None, "--schema-only", database)).Split('\n').Where(line => !line.StartsWith('\\')));

    private static List<string> Run(string file, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={file};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read()) rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(index => reader.GetValue(index))));
        return rows;
    }
}
