namespace MailApi.Delivery.Egress;

/// <summary>What is counted together: an address's mail of a UTC day (since 1970), to one site while the address is warmed up, else to all.</summary>
/// <param name="Site">Empty: to all.</param>
internal readonly record struct SentKey(long Day, string Address, string Site);

/// <summary>
/// How much each address has sent today, and with it whether it may send more. The figures of other nodes are known as of the last writing of one's own;
/// of what is left by these each node takes no more than its share before it has written again.
/// </summary>
internal sealed class SentToday(TimeProvider time)
{
    /// <summary>Figures in memory, some 200 bytes each. An address that is warmed up meets no more sites that day.</summary>
    public const int CountsMax = 100_000;

    private readonly Lock gate = new();
    private readonly Dictionary<SentKey, Count> counts = [];
    private bool isStarted;

    public DateOnly Today => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);

    /// <summary>Until an address may send more.</summary>
    public TimeSpan UntilTomorrow => TimeSpan.FromDays(1) - time.GetUtcNow().TimeOfDay;

    public static long DayNumber(DateOnly day) => day.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;

    /// <summary>Until then nothing leaves from addresses that are warmed up.</summary>
    /// <param name="totals">What the store knows of today.</param>
    public void Start(IEnumerable<(SentKey Key, long Messages)> totals)
    {
        lock (gate)
        {
            foreach (var (key, messages) in totals)
                if (Find(key) is { } count) count.Written = messages;
            isStarted = true;
        }
    }

    /// <summary>Takes one message to the site; <see cref="Settle"/> is owed for it.</summary>
    /// <param name="nodes">That share the allowance.</param>
    /// <param name="isSpent">Where it is refused: for today, and not just for the moment.</param>
    public SentKey? TryTake(EgressAddress address, string site, int nodes, out bool isSpent)
    {
        var allowance = WarmUp.Allowance(address.Since, Today);
        var key = new SentKey(DayNumber(Today), address.Public.ToString(), allowance is null ? "" : site);
        isSpent = false;
        lock (gate)
        {
            var count = Find(key);
            if (allowance is { } most)
            {
                if (!isStarted) return null;
                if (count is null || count.Written + count.Unwritten >= most)
                {
                    isSpent = true;
                    return null;
                }
                // Rounded up, or the last one would be nobody's.
                var share = (most - count.Written + nodes - 1) / nodes;
                if (count.Unwritten + count.UnderWay >= share) return null;
            }
            if (count is not null) count.UnderWay++;
            return key;
        }
    }

    /// <summary>The attempt is over.</summary>
    /// <param name="isSent">The receiver saw the message.</param>
    public void Settle(SentKey key, bool isSent)
    {
        lock (gate)
        {
            if (!counts.TryGetValue(key, out var count)) return;
            count.UnderWay--;
            if (isSent) count.Unwritten++;
        }
    }

    /// <summary>What the store does not know yet, in an order that is everyone's.</summary>
    public IReadOnlyList<(SentKey Key, long Messages)> Unwritten(int most)
    {
        lock (gate)
        {
            return [.. counts.Where(it => it.Value.Unwritten > 0).Select(it => (it.Key, it.Value.Unwritten)).Take(most)
                .OrderBy(it => it.Key.Day).ThenBy(it => it.Key.Address, StringComparer.Ordinal).ThenBy(it => it.Key.Site, StringComparer.Ordinal)];
        }
    }

    /// <summary>The store knows.</summary>
    /// <param name="messages">Of ours, that are written now.</param>
    /// <param name="total">Of all nodes.</param>
    public void Written(SentKey key, long messages, long total)
    {
        lock (gate)
        {
            if (Find(key) is not { } count) return;
            count.Unwritten -= messages;
            count.Written = total;
        }
    }

    /// <summary>Days that are over, once everything is written.</summary>
    public void Forget()
    {
        var today = DayNumber(Today);
        lock (gate)
        {
            foreach (var (key, count) in counts)
                if (key.Day < today && count is { UnderWay: 0, Unwritten: 0 }) counts.Remove(key);
        }
    }

    /// <summary>Under the lock; null when there are too many.</summary>
    private Count? Find(SentKey key)
    {
        if (counts.TryGetValue(key, out var count)) return count;
        if (counts.Count >= CountsMax) return null;
        return counts[key] = new Count();
    }

    private sealed class Count
    {
        /// <summary>By all nodes.</summary>
        public long Written { get; set; }

        /// <summary>By this one, beside them.</summary>
        public long Unwritten { get; set; }
        public long UnderWay { get; set; }
    }
}
