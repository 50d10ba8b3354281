namespace MailApi.Testing;

/// <summary>What has arrived at a peer, and those who wait for something to arrive.</summary>
internal sealed class Arrivals<T> where T : class
{
    private readonly Lock _lock = new();
    private readonly List<T> _all = [];
    private readonly List<Waiter> _waiters = [];

    /// <summary>Everything so far, in order of arrival.</summary>
    public IReadOnlyList<T> All
    {
        get
        {
            lock (_lock) return [.. _all];
        }
    }

    public int Count
    {
        get
        {
            lock (_lock) return _all.Count;
        }
    }

    public void Add(T arrival)
    {
        lock (_lock)
        {
            _all.Add(arrival);
            foreach (var waiter in _waiters.FindAll(waiter => waiter.Fits(arrival))) waiter.Found.TrySetResult(arrival);
        }
    }

    public void Clear()
    {
        lock (_lock) _all.Clear();
    }

    /// <summary>The first that fits, be it there already or still to come.</summary>
    /// <exception cref="TimeoutException">None came; the message holds what <paramref name="describe"/> says.</exception>
    public async Task<T> WaitFor(Func<T, bool> fits, TimeSpan timeout, Func<string> describe)
    {
        Waiter waiter;
        lock (_lock)
        {
            if (_all.Find(arrival => fits(arrival)) is { } there) return there;
            waiter = new Waiter(fits, new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously));
            _waiters.Add(waiter);
        }
        try
        {
            return await waiter.Found.Task.WaitAsync(timeout, TimeProvider.System);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"It did not arrive within {timeout.TotalSeconds:0.#} s. {describe()}");
        }
        finally
        {
            lock (_lock) _waiters.Remove(waiter);
        }
    }

    /// <summary>Returns everything as soon as there are at least <paramref name="count"/>.</summary>
    /// <exception cref="TimeoutException">There are fewer; the message holds what <paramref name="describe"/> says.</exception>
    public async Task<IReadOnlyList<T>> WaitForCount(int count, TimeSpan timeout, Func<string> describe)
    {
        // Asked under the lock, and only after the arrival that it is asked about has been added.
        if (count > 0) await WaitFor(_ => _all.Count >= count, timeout, describe);
        return All;
    }

    private sealed record Waiter(Func<T, bool> Fits, TaskCompletionSource<T> Found);
}
