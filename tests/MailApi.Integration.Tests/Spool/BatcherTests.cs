using System.Data.Common;
using MailApi.Hosting;
using MailApi.Integration.Tests.Domains;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Spool;
using MailApi.Storage;
using Npgsql;

namespace MailApi.Integration.Tests.Spool;

/// <summary>What becomes of operations that share a transaction when something goes wrong in it.</summary>
public sealed class BatcherTests(SharedServers servers)
{
    private static readonly CancellationToken Ct = CancellationToken.None;

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task An_operation_that_breaks_a_constraint_fails_alone(StoreProvider provider)
    {
        using var store = await OpenStore(provider);
        await using var lane = new Lane(batch => Insert(store.Db, batch));

        var results = await lane.Together(1, 2, 2, 500, 3);

        Assert.Equal([false, false, true, true, false], results.Select(result => result.IsFaulted));
        Assert.Equal([1, 2, 3], await store.Db.Query("select n from numbers order by n", row => row.GetInt32(0), Ct));
        Assert.Equal([5, 1, 1, 1, 1, 1], lane.Sizes);
    }

    [Theory]
    [InlineData(StoreProvider.Sqlite, "pragma max_page_count = 1")]
    [InlineData(StoreProvider.Sqlite, "pragma query_only = on")]
    [InlineData(StoreProvider.PostgreSql, "set transaction read only")]
    public async Task A_store_that_takes_no_writes_is_asked_once_for_all(StoreProvider provider, string makesItSo)
    {
        using var store = await OpenStore(provider);
        await using var lane = new Lane(batch => Insert(store.Db, batch, makesItSo));

        var results = await lane.Together(1, 2, 3);

        Assert.All(results, result => Assert.IsType<DbException>(result.Exception?.InnerException, exactMatch: false));
        Assert.Equal([3], lane.Sizes);
    }

    [Fact]
    public async Task A_deadlock_with_another_transaction_is_survived()
    {
        using var store = await OpenStore(StoreProvider.PostgreSql);
        await Insert(store.Db, [1, 2]);
        await using var other = await Open(store);
        await using var transaction = await other.BeginTransactionAsync(Ct);
        // Only the batch looks for the deadlock, so it is the one that gives way.
        await Run(other, "set local deadlock_timeout = '1h'; update numbers set m = 10 where n = 2");
        Task? crossing = null;
        await using var lane = new Lane(batch => store.Db.Write(async own =>
        {
            foreach (var number in batch)
            {
                await own.Execute("update numbers set m = m + 1 where n = @n", Ct, ("n", number));
                crossing ??= await Cross(store, other, transaction);
            }
            return 0;
        }, Ct));

        var results = await lane.Together(1, 2);
        await crossing!;

        Assert.All(results, result => Assert.True(result.IsCompletedSuccessfully));
        Assert.Equal([2, 2], lane.Sizes);
        Assert.Equal([21, 11], await store.Db.Query("select m from numbers order by n", row => row.GetInt32(0), Ct));
    }

    [Theory, InlineData("40P01"), InlineData("40001")]
    public async Task Two_conflicts_in_a_row_fail_the_batch(string code)
    {
        using var store = await OpenStore(StoreProvider.PostgreSql);
        await using var lane = new Lane(batch => Insert(store.Db, batch, $"do $$ begin raise exception using errcode = '{code}'; end $$"));

        var results = await lane.Together(1, 2);

        Assert.All(results, result => Assert.Equal(code, (result.Exception?.InnerException as DbException)?.SqlState));
        Assert.Equal([2, 2], lane.Sizes);
    }

    private async Task<StoreUnderTest> OpenStore(StoreProvider provider)
    {
        var store = await StoreUnderTest.Create(provider, servers);
        await store.Db.Execute("create table numbers (n integer primary key check (n < 100), m integer not null, filler text not null)", Ct);
        return store;
    }

    /// <summary>Each with more than a page of SQLite's, so that it takes room.</summary>
    private static Task<int> Insert(Db db, IReadOnlyList<int> numbers, string? before = null) => db.Write(async transaction =>
    {
        if (before is not null) await transaction.Execute(before, Ct);
        await transaction.Run(
            [.. numbers.Select(number => new Statement("insert into numbers (n, m, filler) values (@n, 0, @filler)", ("n", number), ("filler", new string('x', 10_000))))], onRow: null, Ct);
        return 0;
    }, Ct);

    /// <summary>As the superuser, who alone may say how long to wait before looking for a deadlock.</summary>
    private async Task<NpgsqlConnection> Open(StoreUnderTest store)
    {
        var database = new NpgsqlConnectionStringBuilder(store.Options.ConnectionString).Database!;
        var connection = new NpgsqlConnection((await servers.PostgreSql).AdminConnectionString(database) + ";Pooling=false");
        await connection.OpenAsync(Ct);
        return connection;
    }

    /// <summary>Asks for the row that the batch holds; answers once that waits, with what goes on then.</summary>
    private static async Task<Task> Cross(StoreUnderTest store, NpgsqlConnection other, DbTransaction transaction)
    {
        var waiting = Finish();
        await store.Wait(sessions: 1);
        return waiting;

        async Task Finish()
        {
            await Run(other, "update numbers set m = 20 where n = 1");
            await transaction.CommitAsync(Ct);
        }
    }

    private static async Task Run(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Ct);
    }

    /// <summary>One lane. What is given to it together is one batch, because the lane is busy until all of it stands in line.</summary>
    private sealed class Lane : IAsyncDisposable
    {
        private const int Doorstop = -1;

        private readonly TaskCompletionSource busy = new(), goOn = new();
        private readonly Batcher<int, int> batcher;

        public Lane(Func<IReadOnlyList<int>, Task> commit) => batcher = new(lanes: 1, async batch =>
        {
            if (batch is [Doorstop])
            {
                busy.SetResult();
                await goOn.Task;
                return batch;
            }
            Sizes.Add(batch.Count);
            await commit(batch);
            return batch;
        });

        /// <summary>Operations in each transaction that was tried.</summary>
        public List<int> Sizes { get; } = [];

        /// <summary>Once all of them are over.</summary>
        public async Task<Task<int>[]> Together(params int[] operations)
        {
            var stopped = batcher.TryAdd(Doorstop)!;
            await busy.Task;
            Task<int>[] results = [.. operations.Select(operation => batcher.TryAdd(operation)!)];
            goOn.SetResult();
            await stopped;
            await Task.WhenAll(results).ContinueWith(_ => { }, Ct, TaskContinuationOptions.None, TaskScheduler.Default);
            return results;
        }

        public ValueTask DisposeAsync() => batcher.DisposeAsync();
    }
}
