using System.Data.Common;
using DbUp.Engine;
using MailApi.Hosting;
using MailApi.Integration.Tests.Domains;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Testing;
using Npgsql;

namespace MailApi.Integration.Tests.Storage;

/// <summary>The schema's way from one version to the next, while others work on the store.</summary>
public sealed class MigratorTests(SharedServers servers)
{
    private const string Prefix = "MailApi.Storage.Migrations.";
    private const string Index = """
        drop index concurrently if exists events_seq;
        -- Commands outside a transaction go one by one.
        create index concurrently events_seq on events (seq);
        """;

    private static readonly CancellationToken Ct = CancellationToken.None;

    private static readonly IReadOnlyList<SqlScript> All = Migrator.Scripts(StoreProvider.PostgreSql);

    [Fact]
    public async Task Processes_that_start_together_take_turns_and_each_script_runs_once()
    {
        using var store = await StoreUnderTest.Create(StoreProvider.PostgreSql, servers);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => RunUntilDone(store))));
        Assert.Equal(All.Select(script => script.Name), await Journal(store));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_script_that_fails_in_its_middle_leaves_nothing_and_those_before_it_stay(StoreProvider provider)
    {
        using var store = await StoreUnderTest.Create(provider, servers);
        var known = Migrator.Scripts(provider);
        var failure = Assert.Throws<InvalidOperationException>(() => Run(store, [.. known, Script("900-half", "create table half (id integer);\ninsert into half values (1);\ninsert into no_such_table values (1);")]));
        Assert.Equal("The schema migration 900-half failed.", failure.Message);
        Assert.Equal(known.Count, (await Journal(store)).Count);
        await Assert.ThrowsAnyAsync<DbException>(() => store.Db.Query("select id from half", row => row.GetInt32(0), Ct));
        Assert.Null(Run(store, [.. known, Script("900-half", "create table half (id integer);")]));
    }

    [Fact]
    public async Task A_table_that_is_in_use_is_not_waited_for_at_the_expense_of_those_who_come_after()
    {
        using var store = await StoreUnderTest.Create(StoreProvider.PostgreSql, servers);
        Run(store, Through(13));
        await using (var user = await Open(store))
        {
            await using var transaction = await user.BeginTransactionAsync(Ct);
            await using (var read = new NpgsqlCommand("select count(*) from nodes", user, transaction)) await read.ExecuteScalarAsync(Ct);

            var failure = Assert.ThrowsAny<DbException>(() => Run(store, All));
            Assert.True(Migrator.IsLockTimeout(failure), failure.Message);
            // Nobody is left waiting behind it, and nothing of it has happened.
            Assert.Equal(1, await store.Db.Execute("insert into nodes (id, seen_at, delivers) values (@id, 0, true)", Ct, ("id", Guid.CreateVersion7())));
            Assert.DoesNotContain(await Journal(store), name => name.Contains("014", StringComparison.Ordinal));
        }
        Assert.Null(Run(store, All));
        Assert.Equal([0], await store.Db.Query("select migration from nodes", row => row.GetInt32(0), Ct));
    }

    [Fact]
    public async Task An_index_is_built_beside_writers_and_anew_if_that_was_broken_off()
    {
        using var store = await StoreUnderTest.Create(StoreProvider.PostgreSql, servers);
        Run(store, All);
        await using var writer = await Open(store);
        await using var transaction = await writer.BeginTransactionAsync(Ct);
        await using (var insert = new NpgsqlCommand("insert into events (id, tenant_id, seq, type, at, data) values (gen_random_uuid(), gen_random_uuid(), 1, 'x', 0, '{}')", writer, transaction))
            await insert.ExecuteNonQueryAsync(Ct);
        // Another process asks for its turn meanwhile: it must not be what the index waits for.
        IReadOnlyList<SqlScript> next = [.. All, Script("900-seq-concurrently-postgresql", Index)];
        var building = Task.Run(() => RunUntilDone(store, next));
        var asking = Task.Run(() => RunUntilDone(store, next));
        await Eventually.HoldsAsync(
            async () => (await IndexValidity(store)).Count == 1, TimeSpan.FromSeconds(30), "the index is being built", Ct);
        Assert.Equal(1, await store.Db.Execute("insert into events (id, tenant_id, seq, type, at, data) values (@id, @id, 2, 'x', 0, '{}')", Ct, ("id", Guid.CreateVersion7())));
        Assert.Equal([false], await IndexValidity(store));
        await transaction.CommitAsync(Ct);
        await Task.WhenAll(building, asking);
        Assert.Equal([true], await IndexValidity(store));

        // As a kill leaves it: there, and not noted.
        await store.Db.Execute("delete from schemaversions where scriptname like '%900%'", Ct);
        RunUntilDone(store, next);
        Assert.Equal([true], await IndexValidity(store));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_version_starts_on_a_newer_schema_that_only_added_and_not_on_one_that_took_away_what_it_uses(StoreProvider provider)
    {
        using var store = await StoreUnderTest.Create(provider, servers);
        var older = Migrator.Scripts(provider);
        IReadOnlyList<SqlScript> newer = [.. older, Script("901-added", "create table added (id integer);")];
        IReadOnlyList<SqlScript> newest = [.. newer, Script("902-gone-needs-901", "create table gone (id integer);")];
        Assert.Null(Run(store, newer));
        Assert.Null(Run(store, older));

        Assert.Null(Run(store, newest));
        Assert.Null(Run(store, newer));
        var refused = Assert.Throws<SettingsException>(() => Run(store, older));
        Assert.StartsWith($"The store was upgraded by a newer version (902-gone-needs-901), and this one ends at migration {Migrator.Newest:000}:", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_takes_something_away_waits_for_the_processes_that_still_use_it()
    {
        using var store = await StoreUnderTest.Create(StoreProvider.PostgreSql, servers);
        IReadOnlyList<SqlScript> next = [.. All, Script("901-gone-needs-900", "create table gone (id integer);")];
        Run(store, All);
        const string Beat = "insert into nodes (id, seen_at, delivers, migration) values (@id, now_ms(), true, @migration)";
        await store.Db.Execute(Beat, Ct, ("id", Guid.CreateVersion7()), ("migration", 899));
        await store.Db.Execute(Beat, Ct, ("id", Guid.CreateVersion7()), ("migration", 900));
        Assert.Equal("Migration 901-gone-needs-900 waits until older versions have stopped: 1 still alive.", Run(store, next));
        Assert.Equal(All.Count, (await Journal(store)).Count);
        await store.Db.Execute("update nodes set seen_at = seen_at - 31000", Ct);
        Assert.Null(Run(store, next));
    }

    private static SqlScript Script(string name, string text) => new(Prefix + name + ".sql", text);

    private static IReadOnlyList<SqlScript> Through(int number) => [.. All.Where(script => string.CompareOrdinal(script.Name, $"{Prefix}{number + 1:000}") < 0)];

    private static string? Run(StoreUnderTest store, IReadOnlyList<SqlScript> scripts) => new Migrator(store.Options, store.Directory).Run(scripts);

    /// <summary>As a starting process does, without its pauses.</summary>
    private static void RunUntilDone(StoreUnderTest store, IReadOnlyList<SqlScript>? scripts = null)
    {
        while (Run(store, scripts ?? All) is { } obstacle) Assert.Equal("Another process is bringing the store's schema up to date.", obstacle);
    }

    private static async Task<NpgsqlConnection> Open(StoreUnderTest store)
    {
        var connection = new NpgsqlConnection(store.Options.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(Ct);
        return connection;
    }

    private static async Task<IReadOnlyList<string>> Journal(StoreUnderTest store) =>
        [.. (await store.Db.Query("select scriptname from schemaversions", row => row.GetString(0), Ct)).Order(StringComparer.Ordinal)];

    private static Task<List<bool>> IndexValidity(StoreUnderTest store) =>
        store.Db.Query("select indisvalid from pg_index where indexrelid = to_regclass('events_seq')", row => row.GetBoolean(0), Ct);
}
