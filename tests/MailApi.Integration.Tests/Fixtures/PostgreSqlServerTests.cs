using MailApi.Testing;
using Npgsql;
using Xunit;

namespace MailApi.Integration.Tests.Fixtures;

public sealed class PostgreSqlServerTests(SharedServers servers)
{
    private static readonly TimeSpan Start = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Gives_out_empty_databases_owned_by_a_role_that_row_level_security_binds()
    {
        var server = await servers.PostgreSql;
        var first = await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
        var second = await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);

        await ScalarAsync(server.ConnectionString(first), "create table only_here (id int); select 1");

        Assert.Equal(0L, await ScalarAsync(server.ConnectionString(second), "select count(*) from pg_tables where schemaname = 'public'"));
        Assert.Equal(false, await ScalarAsync(server.ConnectionString(second),
            "select rolsuper or rolbypassrls or rolcreatedb from pg_roles where rolname = current_user"));
        Assert.Equal("on on", await ScalarAsync(server.ConnectionString(), "select current_setting('fsync') || ' ' || current_setting('synchronous_commit')"));
    }

    [Fact]
    public async Task Keeps_commits_over_a_kill_and_a_stop()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var server = await PostgreSqlServer.StartAsync(ct).WaitAsync(Start, TimeProvider.System, ct);
        await ScalarAsync(server.ConnectionString(), "create table kept (id int); insert into kept values (1); select 1");

        await server.KillAsync();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => ScalarAsync(server.ConnectionString(), "select 1"));
        await server.StartAgainAsync(ct);
        await ScalarAsync(server.ConnectionString(), "insert into kept values (2); select 1");
        await server.StopAsync();
        await server.StartAgainAsync(ct);

        Assert.Equal(2L, await ScalarAsync(server.ConnectionString(), "select count(*) from kept"));
    }

    [Fact]
    public async Task Cuts_connections_of_the_application()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var server = await PostgreSqlServer.StartAsync(ct);
        await using var connection = new NpgsqlConnection(server.ConnectionString() + ";Pooling=false");
        await connection.OpenAsync(ct);

        Assert.Equal(1, await server.TerminateConnectionsAsync(ct));

        await using var command = new NpgsqlCommand("select 1", connection);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => command.ExecuteScalarAsync(ct));
    }

    [Fact]
    public async Task Refuses_to_write_on_a_full_disk_and_goes_on_when_there_is_room()
    {
        Assert.SkipUnless(SmallDisk.IsPossible, "Only root may mount.");
        var ct = TestContext.Current.CancellationToken;
        await using var server = await PostgreSqlServer.StartAsync(ct);
        await ScalarAsync(server.ConnectionString(), "create table kept (text text); select 1");
        await server.MoveToSmallDiskAsync(256, ct);

        server.Disk!.Fill(bytesLeft: 0);
        // With disk_full, or with an internal error, by what it wants to write first.
        var refused = await Assert.ThrowsAnyAsync<NpgsqlException>(() => ScalarAsync(server.ConnectionString(), "insert into kept select repeat('x', 1000) from generate_series(1, 10000); select 1"));
        Assert.Contains(refused.SqlState, new[] { PostgresErrorCodes.DiskFull, PostgresErrorCodes.InternalError });

        server.Disk.Clear();
        await ScalarAsync(server.ConnectionString(), "insert into kept values ('there'); select 1");
        Assert.Equal("there", await ScalarAsync(server.ConnectionString(), "select text from kept"));
    }

    [Fact]
    public async Task Has_a_clock_that_jumps_while_it_runs()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var clock = new FakeClock();
        await using var server = await PostgreSqlServer.StartAsync(ct);
        await server.StopAsync();
        server.Clock = clock;
        await server.StartAgainAsync(ct);
        await Eventually.HoldsAsync(() => Ahead(TimeSpan.Zero), Start, "the clock is ours", ct);

        foreach (var offset in (TimeSpan[])[TimeSpan.FromHours(1), TimeSpan.FromHours(-2), TimeSpan.Zero])
        {
            clock.Jump(offset);
            await Eventually.HoldsAsync(() => Ahead(offset), Start, $"the clock is {offset} ahead", ct);
        }

        async Task<bool> Ahead(TimeSpan offset)
        {
            var there = (DateTime)(await ScalarAsync(server.ConnectionString(), "select now()"))!;
            return (there - TimeProvider.System.GetUtcNow().UtcDateTime - offset).Duration() < TimeSpan.FromMinutes(1);
        }
    }

    private static async Task<object?> ScalarAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }
}
