namespace MailApi.Limits;

/// <summary>
/// The permits that this process has borrowed for one request, so that at high rates one answer of Redis serves many attempts. Instants
/// are microseconds of one <see cref="GcraClock"/>. A crash loses what is at hand, which Redis has counted: the safe side.
/// </summary>
/// <param name="most">From <see cref="MostFor"/>.</param>
internal sealed class Loan(int most)
{
    /// <summary>How long a permit may be spent, from before Redis was asked for it.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMilliseconds(50);

    /// <summary>What Redis is told of it: longer, since two clocks of different grain and pace measure it.</summary>
    public static readonly TimeSpan LateMax = Lifetime + TimeSpan.FromMilliseconds(1);

    /// <summary>Beyond, a message's share of the script's cost is lost in that of its delivery.</summary>
    private const int PermitsMax = 32;

    /// <summary>The time in which the rate replaces what is borrowed at once.</summary>
    private static readonly TimeSpan Span = TimeSpan.FromMilliseconds(20);

    /// <summary>Where there was a refusal others wait for the same permits, and each counts: none is borrowed for so long.</summary>
    private static readonly TimeSpan RestTime = TimeSpan.FromSeconds(1);

    private static readonly long Life = (long)Lifetime.TotalMicroseconds;
    private static readonly long Rest = (long)RestTime.TotalMicroseconds;

    private readonly Lock gate = new();
    private TaskCompletionSource<int>? asking;
    private long begun, restsUntil;
    private int left, taken, waiting;

    /// <summary>A place in the line of those who wait for what another caller is asking for.</summary>
    /// <param name="Number">From 0.</param>
    /// <param name="Begun">When the caller began to ask.</param>
    /// <param name="Lent">To come: how many of the line have a permit.</param>
    public readonly record struct Place(int Number, long Begun, Task<int> Lent);

    /// <summary>
    /// The most permits to borrow for a request: what its lowest rate replaces within <see cref="Span"/>. One, which is no borrowing, below
    /// 100 a second, and so for a day's budget; and where <see cref="LateMax"/> at the rate would keep more than a quarter of the burst.
    /// </summary>
    public static int MostFor(SendPermitRequest request)
    {
        var most = PermitsMax;
        for (var i = 0; i < request.Buckets.Count; i++)
        {
            var bucket = request.Buckets[i];
            if (bucket.Burst < 4 * bucket.PerSecond * LateMax.TotalSeconds) return 1;
            most = (int)Math.Min(most, bucket.PerSecond * Span.TotalSeconds);
        }
        return Math.Max(1, most);
    }

    /// <summary>
    /// How many permits a caller has to ask for, and say with <see cref="End"/> what became of it; none when it has one now. While another
    /// caller is asking, a place instead: <see cref="NextAfterWait"/> tells once it is known how many permits were lent.
    /// </summary>
    public (int Count, Place? Place) Next(long now)
    {
        lock (gate)
        {
            var isAtHand = left > 0 && now - begun < Life;
            if (!isAtHand && now >= restsUntil) return asking is null ? (Begin(now), null) : (0, new Place(waiting++, begun, asking.Task));
            taken++;
            if (!isAtHand) return (1, null);
            left--;
            return (0, null);
        }
    }

    /// <summary>Whoever waited and has none asks for its own: nobody waits twice.</summary>
    public int NextAfterWait(Place place, int lent, long now)
    {
        lock (gate) taken++;
        return place.Number < lent && now - place.Begun < Life ? 0 : 1;
    }

    /// <param name="count">The permits asked for.</param>
    /// <param name="granted">Those that Redis granted, the caller's own among them; none when it refused or gave no answer.</param>
    public void End(int count, int granted, long now)
    {
        lock (gate)
        {
            if (granted == 0) restsUntil = now + Rest;
            if (count == 1) return;
            // Those in line first: the caller may well be back before they are awake.
            var lent = Math.Min(waiting, Math.Max(0, granted - 1));
            left = Math.Max(0, granted - 1) - lent;
            asking?.SetResult(lent);
            (asking, waiting) = (null, 0);
        }
    }

    /// <summary>Nothing would be lost by forgetting it.</summary>
    public bool IsIdle(long now)
    {
        lock (gate) return asking is null && now >= restsUntil && now - begun >= Rest;
    }

    /// <summary>
    /// As many as are spent in half their life at the pace since the last time, so that few expire; at most twice as many as were taken
    /// since, so that what expires all the same stays in proportion to what is spent.
    /// </summary>
    private int Begin(long now)
    {
        var count = (int)Math.Clamp(Math.Min(2L * taken, taken * (Life / 2) / Math.Max(1, now - begun)), 1, most);
        (begun, left, taken) = (now, 0, 1);
        if (count > 1) asking = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        return count;
    }
}
