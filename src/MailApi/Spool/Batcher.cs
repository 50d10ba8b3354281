using System.Threading.Channels;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>
/// Group commit: operations that wait at the same time share a transaction. A lane takes what is there, without lingering, up to
/// <see cref="OperationsMax"/> operations or <see cref="WeightMax"/> octets. With 64 callers on SQLite this accepts four times as many messages a
/// second as one commit a message (<c>group-commit</c> in <c>tests/MailApi.Bench</c>, docs/performance).
/// </summary>
internal sealed class Batcher<TOperation, TResult> : IAsyncDisposable
{
    public const int OperationsMax = 256;
    public const long WeightMax = 16 << 20;

    /// <summary>Operations that may wait; beyond them <see cref="TryAdd"/> answers null, "full".</summary>
    public const int WaitingMax = 4096;

    private readonly Channel<Waiting> waiting = Channel.CreateBounded<Waiting>(WaitingMax);
    private readonly Func<IReadOnlyList<TOperation>, Task<IReadOnlyList<TResult>>> commit;
    private readonly Func<TOperation, long> weigh;
    private readonly Task[] lanes;

    public Batcher(int lanes, Func<IReadOnlyList<TOperation>, Task<IReadOnlyList<TResult>>> commit, Func<TOperation, long>? weigh = null)
    {
        this.commit = commit;
        this.weigh = weigh ?? (_ => 0);
        // The lanes work for everybody: what flows with the request that happened to come first, such as its act, is not theirs.
        using (ExecutionContext.SuppressFlow()) this.lanes = [.. Enumerable.Range(0, lanes).Select(_ => Task.Run(Lane))];
    }

    /// <summary>The operation's result once it is committed; faulted when it is not. Waits for room.</summary>
    public async Task<TResult> Add(TOperation operation, CancellationToken ct)
    {
        var item = new Waiting(operation);
        await waiting.Writer.WriteAsync(item, ct);
        return await item.Result.Task;
    }

    /// <summary>As <see cref="Add"/>, but null when <see cref="WaitingMax"/> operations wait already.</summary>
    public Task<TResult>? TryAdd(TOperation operation)
    {
        var item = new Waiting(operation);
        return waiting.Writer.TryWrite(item) ? item.Result.Task : null;
    }

    public async ValueTask DisposeAsync()
    {
        waiting.Writer.TryComplete();
        await Task.WhenAll(lanes);
    }

    private async Task Lane()
    {
        var batch = new List<Waiting>(OperationsMax);
        while (await waiting.Reader.WaitToReadAsync())
        {
            var weight = 0L;
            while (batch.Count < OperationsMax && weight < WeightMax && waiting.Reader.TryRead(out var item))
            {
                batch.Add(item);
                weight += weigh(item.Operation);
            }
            if (batch.Count > 0) await Commit(batch);
            batch.Clear();
        }
    }

    private async Task Commit(List<Waiting> batch, bool again = false)
    {
        try
        {
            var results = await commit([.. batch.Select(item => item.Operation)]);
            for (var index = 0; index < batch.Count; index++) batch[index].Result.TrySetResult(results[index]);
        }
        catch (Exception e) when (!again && Failures.IsConflict(e))
        {
            // Whoever was in the way has gone ahead. Once only: two in a row are more than a coincidence, and the callers wait.
            await Commit(batch, again: true);
        }
        catch (Exception e) when (batch.Count > 1 && !Failures.IsStoreWide(e))
        {
            // One bad operation must not take its neighbours down: each gets its own transaction.
            foreach (var item in batch) await Commit([item]);
        }
        catch (Exception e)
        {
            foreach (var item in batch) item.Result.TrySetException(e);
        }
    }

    private sealed class Waiting(TOperation operation)
    {
        public TOperation Operation => operation;
        public TaskCompletionSource<TResult> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
