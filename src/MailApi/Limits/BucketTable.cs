namespace MailApi.Limits;

/// <summary>
/// The buckets of this process, a bounded number: when there are too many, those that are full and owe nobody a slot are forgotten.
/// Not safe for threads; its owner locks it.
/// </summary>
/// <param name="fresh">The state of a bucket not seen before.</param>
internal sealed class BucketTable<TKey>(GcraState fresh) where TKey : notnull
{
    /// <summary>About 10 MB.</summary>
    public const int KeysMax = 100_000;

    /// <summary>What to tell those for whom there is no room: so many busy buckets are left only by an attack or a fault.</summary>
    public static readonly TimeSpan NoRoomDelay = TimeSpan.FromSeconds(5);

    /// <summary>Looking for idle buckets costs milliseconds: not on every call.</summary>
    private const long TidyInterval = 1_000_000;

    private readonly Dictionary<TKey, GcraState> states = [];
    private long tidiedAt = long.MinValue / 2;

    public int Count => states.Count;

    /// <summary>The bucket as it is now; false when it is not in the table and cannot be.</summary>
    public bool TryRead(TKey key, GcraRule rule, long now, out GcraState state)
    {
        if (!states.TryGetValue(key, out state))
        {
            if (!HasRoom(now)) return false;
            state = fresh;
        }
        state = state.At(now, rule);
        return true;
    }

    public void Write(TKey key, GcraState state) => states[key] = state;

    private bool HasRoom(long now)
    {
        if (states.Count < KeysMax) return true;
        if (now - tidiedAt < TidyInterval) return false;
        tidiedAt = now;
        foreach (var (key, state) in states)
            if (state.IsIdle(now)) states.Remove(key);
        return states.Count < KeysMax;
    }
}
