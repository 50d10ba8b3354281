using System.Data.Common;
using DbUp.Engine;
using MailApi.Hosting;
using MailApi.Testing;
using Npgsql;

namespace MailApi.EndToEnd.Tests.Scenarios;

/// <summary>
/// The processes that run are the older version; the newer one is the service's migrator with migrations that there will be.
/// </summary>
[Trait("Takes", "minutes")]
public sealed class Rolling_upgrade(Worlds worlds)
{
    private static readonly IReadOnlyList<SqlScript> Expanded =
    [
        .. Migrator.Scripts(StoreProvider.PostgreSql),
        Script("900-added", "create table colours (name text primary key);\nalter table envelopes add column colour text;\nalter table envelopes add column grams integer not null default 1;"),
        Script("901-index-concurrently-postgresql", "drop index concurrently if exists envelopes_age;\ncreate index concurrently envelopes_age on envelopes (created_at);"),
    ];

    private static readonly IReadOnlyList<SqlScript> Contracted = [.. Expanded, Script("902-gone-needs-900", "alter table envelopes drop column tries;")];

    [Fact]
    public async Task The_older_version_goes_on_while_the_schema_grows_and_what_it_uses_stays_until_it_has_stopped()
    {
        await using var world = await worlds.Own(Mode.Distributed, new() { ["Secrets__KeyEncryptionKey"] = Convert.ToBase64String(new byte[32]) });
        var shop = await world.NewShop();
        var second = await world.Join("All");
        var connectionString = world.Settings["Store__ConnectionString"];
        var migrator = new Migrator(new StoreOptions { Provider = StoreProvider.PostgreSql, ConnectionString = connectionString }, "");
        await using var load = SteadyLoad.Start(shop, second);
        await load.Acknowledges(100);

        // As a dump does: it reads for an hour, and whoever waits for it keeps all others waiting.
        await using (var reader = new NpgsqlConnection(connectionString + ";Pooling=false"))
        {
            await reader.OpenAsync();
            await using var transaction = await reader.BeginTransactionAsync();
            await using (var read = new NpgsqlCommand("select count(*) from envelopes", reader, transaction)) await read.ExecuteScalarAsync();
            var failure = Assert.ThrowsAny<DbException>(() => migrator.Run(Expanded));
            Assert.True(Migrator.IsLockTimeout(failure), failure.Message);
            await load.Acknowledges(100);
        }
        await Eventually.HoldsAsync(() => Task.FromResult(Grow(migrator)), World.Patience, "the schema grows", CancellationToken.None);
        await load.Acknowledges(100);
        await second.RestartAsync(CancellationToken.None);
        await load.Acknowledges(100);

        // Two, and for half a minute the one that was started anew.
        Assert.Matches("^Migration 902-gone-needs-900 waits until older versions have stopped: [23] still alive.$", migrator.Run(Contracted));
        await load.Acknowledges(100);
        await load.Stop();
        await load.AllArrived();

        await second.TerminateAsync(World.Patience);
        await world.Api.TerminateAsync(World.Patience);
        await using (var clock = NpgsqlDataSource.Create(connectionString + ";Pooling=false"))
        await using (var pass = clock.CreateCommand("update nodes set seen_at = seen_at - 31000")) await pass.ExecuteNonQueryAsync();
        Assert.Null(migrator.Run(Contracted));
        var (exitCode, output) = await MailApiProcess.StartRefusedAsync(world.Settings, CancellationToken.None);
        Assert.Equal(1, exitCode);
        Assert.Contains("MailApi cannot start: The store was upgraded by a newer version (902-gone-needs-900)", output, StringComparison.Ordinal);
    }

    /// <summary>A statement that is under way keeps a table for a moment: then it is tried again, as a start does.</summary>
    private static bool Grow(Migrator migrator)
    {
        try
        {
            return migrator.Run(Expanded) is null;
        }
        catch (DbException e) when (Migrator.IsLockTimeout(e))
        {
            return false;
        }
    }

    private static SqlScript Script(string name, string text) => new($"MailApi.Storage.Migrations.{name}.sql", text);
}
