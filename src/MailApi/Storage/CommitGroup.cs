using System.Collections.Concurrent;
using System.Data.Common;

namespace MailApi.Storage;

/// <summary>
/// Group commit on a store with one writer: what waits for the writer's turn shares the transaction of whoever has it next, and the one time that the disk is waited for.
/// Each piece of work has a savepoint, so that one that fails takes no other with it.
/// </summary>
/// <param name="writer">Held while a transaction is open.</param>
/// <param name="write">Runs work in a transaction and commits it.</param>
internal sealed class CommitGroup(SemaphoreSlim writer, Func<Func<DbTransaction, Task<bool>>, Task<bool>> write)
{
    /// <summary>Of one transaction; each may be a batch of hundreds of rows.</summary>
    private const int PiecesMax = 16;

    private readonly ConcurrentQueue<Piece> waiting = new();

    /// <summary>The work's result once it is committed.</summary>
    public async Task<T> Write<T>(Func<DbTransaction, Task<T>> work, CancellationToken ct)
    {
        var piece = new Piece<T>(work);
        waiting.Enqueue(piece);
        try
        {
            await writer.WaitAsync(ct);
        }
        catch (OperationCanceledException) when (!piece.TryLeave())
        {
            // Somebody else's transaction has it already.
            return await piece.Result;
        }
        try
        {
            while (!piece.Result.IsCompleted) await CommitWaiting();
        }
        finally
        {
            writer.Release();
        }
        return await piece.Result;
    }

    private async Task CommitWaiting()
    {
        var pieces = new List<Piece>();
        while (pieces.Count < PiecesMax && waiting.TryDequeue(out var piece))
            if (piece.TryTake()) pieces.Add(piece);
        try
        {
            await write(async transaction =>
            {
                foreach (var piece in pieces) await Run(piece, transaction, isAlone: pieces.Count == 1);
                return true;
            });
            foreach (var piece in pieces) piece.Committed();
        }
        catch (Exception e)
        {
            foreach (var piece in pieces) piece.Failed(e);
        }
    }

    private static async Task Run(Piece piece, DbTransaction transaction, bool isAlone)
    {
        if (isAlone)
        {
            await piece.Run(transaction);
            return;
        }
        await transaction.Execute("savepoint piece", CancellationToken.None);
        try
        {
            await piece.Run(transaction);
        }
        catch (Exception e)
        {
            // A full disk ends the whole transaction.
            if (!await TryUndo(transaction)) throw;
            piece.Failed(e);
        }
        await transaction.Execute("release piece", CancellationToken.None);
    }

    private static async Task<bool> TryUndo(DbTransaction transaction)
    {
        try
        {
            await transaction.Execute("rollback to piece", CancellationToken.None);
            return true;
        }
        catch (Exception e) when (e is DbException or InvalidOperationException)
        {
            return false;
        }
    }

    private abstract class Piece
    {
        private int state;

        /// <summary>Into a transaction; false when whoever wanted it no longer waits.</summary>
        public bool TryTake() => Interlocked.CompareExchange(ref state, 1, 0) == 0;

        /// <summary>False when it was taken.</summary>
        public bool TryLeave() => Interlocked.CompareExchange(ref state, 2, 0) == 0;

        public abstract Task Run(DbTransaction transaction);

        /// <summary>Of one that has not failed by itself.</summary>
        public abstract void Committed();

        public abstract void Failed(Exception e);
    }

    private sealed class Piece<T>(Func<DbTransaction, Task<T>> work) : Piece
    {
        private readonly TaskCompletionSource<T> result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T value = default!;

        public Task<T> Result => result.Task;

        public override async Task Run(DbTransaction transaction) => value = await work(transaction);

        public override void Committed() => result.TrySetResult(value);

        public override void Failed(Exception e) => result.TrySetException(e);
    }
}
