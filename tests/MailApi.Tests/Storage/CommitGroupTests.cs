using System.Data.Common;
using MailApi.Hosting;
using MailApi.Storage;
using MailApi.Testing;

namespace MailApi.Tests.Storage;

/// <summary>What waits for SQLite's one writer at the same time.</summary>
public sealed class CommitGroupTests : IDisposable
{
    private readonly TempDirectory directory = new();
    private readonly Db db;

    public CommitGroupTests()
    {
        Store.Migrate(new StoreOptions(), directory.Path);
        db = Store.Open(new StoreOptions(), directory.Path, TimeProvider.System);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        db.Dispose();
        directory.Dispose();
    }

    [Fact]
    public async Task What_waits_together_is_committed_together_and_what_fails_takes_nothing_with_it()
    {
        var used = new HashSet<DbTransaction>();
        Task<int> Write(DbTransaction transaction, string name)
        {
            used.Add(transaction);
            return Insert(transaction, name);
        }
        var (first, failing, last) = await Together(
            transaction => Write(transaction, "first"),
            async transaction =>
            {
                await Write(transaction, "failing");
                throw new InvalidOperationException("no");
            },
            transaction => Write(transaction, "last"));

        await Task.WhenAll(first, last);
        await Assert.ThrowsAsync<InvalidOperationException>(() => failing);
        Assert.Single(used);
        Assert.Equal(["first", "last"], await Names());
    }

    [Fact]
    public async Task When_the_store_gives_up_the_transaction_nobody_is_told_of_a_commit()
    {
        var (first, failing, last) = await Together(
            transaction => Insert(transaction, "first"),
            // As SQLite does by itself when the disk is full.
            transaction => transaction.Execute("rollback", Ct).ContinueWith(_ => Insert(transaction, "first"), Ct).Unwrap(),
            transaction => Insert(transaction, "last"));

        foreach (var piece in new[] { first, failing, last }) await Assert.ThrowsAnyAsync<Exception>(() => piece);
        Assert.Empty(await Names());
        await db.Write(transaction => Insert(transaction, "afterwards"), Ct);
        Assert.Equal(["afterwards"], await Names());
    }

    [Fact]
    public async Task Whoever_no_longer_waits_has_written_nothing()
    {
        using var impatience = new CancellationTokenSource();
        var open = new TaskCompletionSource();
        var before = Hold(open, out var held);
        await held;
        var gone = db.Write(transaction => Insert(transaction, "gone"), impatience.Token);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        open.SetResult();
        await before;
        Assert.Empty(await Names());
    }

    [Fact]
    public async Task Many_at_once_are_all_written_once()
    {
        await Task.WhenAll(Enumerable.Range(0, 500).Select(number => Task.Run(() => db.Write(transaction => Insert(transaction, $"{number}"), Ct))));
        Assert.Equal(500, (await Names()).Distinct().Count());
    }

    /// <summary>Three that come while another holds the writer.</summary>
    private async Task<(Task<int> First, Task<int> Second, Task<int> Third)> Together(Func<DbTransaction, Task<int>> first, Func<DbTransaction, Task<int>> second, Func<DbTransaction, Task<int>> third)
    {
        var open = new TaskCompletionSource();
        var before = Hold(open, out var held);
        await held;
        var pieces = (db.Write(first, Ct), db.Write(second, Ct), db.Write(third, Ct));
        open.SetResult();
        await before;
        return pieces;
    }

    private Task<int> Hold(TaskCompletionSource open, out Task held)
    {
        var holding = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        held = holding.Task;
        return db.Write(async _ =>
        {
            holding.SetResult();
            await open.Task;
            return 0;
        }, Ct);
    }

    private static Task<int> Insert(DbTransaction transaction, string name) => transaction.Execute("insert into settings (name, value) values (@name, @value)", Ct, ("name", name), ("value", Array.Empty<byte>()));

    private Task<List<string>> Names() => db.Query("select name from settings order by name", row => row.GetString(0), Ct);
}
