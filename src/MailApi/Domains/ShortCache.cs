using System.Collections.Concurrent;

namespace MailApi.Domains;

/// <summary>
/// What the store answered, for a short while. One load serves all who ask meanwhile; what is not there is not remembered.
/// A load begun before <see cref="Forget"/> is never kept beyond it.
/// </summary>
internal sealed class ShortCache<TKey, TValue>(TimeSpan lifetime, int entriesMax, TimeProvider time, Func<TKey, Task<TValue?>> load)
    where TKey : notnull
    where TValue : class
{
    private readonly ConcurrentDictionary<TKey, Entry> entries = new();

    public async Task<TValue?> Get(TKey key, CancellationToken ct)
    {
        if (!entries.TryGetValue(key, out var entry) || IsOld(entry)) entry = Renew(key);
        try
        {
            // The load is shared: one caller's cancellation only ends that caller's wait.
            var value = await entry.Value.Value.WaitAsync(ct);
            if (value is null) entries.TryRemove(KeyValuePair.Create(key, entry));
            return value;
        }
        catch when (entry.Value.Value.IsFaulted)
        {
            entries.TryRemove(KeyValuePair.Create(key, entry));
            throw;
        }
    }

    public void Forget(TKey key) => entries.TryRemove(key, out _);

    private Entry Renew(TKey key)
    {
        if (entries.Count >= entriesMax) MakeRoom();
        return entries.AddOrUpdate(key, Start, (_, old) => IsOld(old) ? Start(key) : old);
    }

    private Entry Start(TKey key) => new(time.GetTimestamp(), new Lazy<Task<TValue?>>(() => load(key)));

    private bool IsOld(Entry entry) => time.GetElapsedTime(entry.StartedAt) >= lifetime;

    private void MakeRoom()
    {
        foreach (var pair in entries)
            if (IsOld(pair.Value)) entries.TryRemove(pair);
        // Every entry is in use: starting over costs one load each, and keeps the bound without bookkeeping on every hit.
        if (entries.Count >= entriesMax) entries.Clear();
    }

    private sealed record Entry(long StartedAt, Lazy<Task<TValue?>> Value);
}
