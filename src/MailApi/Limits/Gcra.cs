namespace MailApi.Limits;

/// <summary>
/// The rule of one bucket of the generic cell rate algorithm (ITU-T I.371), in whole microseconds. The interval is rounded up, so the
/// rate is never exceeded and at 10,000 a second and below is missed by at most 1 %.
/// </summary>
/// <param name="Interval">Microseconds after which one more permit is free.</param>
/// <param name="Burst">Permits of a full bucket.</param>
internal readonly record struct GcraRule(long Interval, int Burst)
{
    /// <summary>Some 30 years: no bucket takes longer to fill, and the sums stay exact in the doubles of Lua.</summary>
    private const long SpanMax = 1_000_000_000_000_000;

    /// <summary>Microseconds from empty to full.</summary>
    public long Span => Interval * Burst;

    /// <exception cref="ArgumentOutOfRangeException">The rate or the burst is not positive.</exception>
    public static GcraRule From(double perSecond, int burst)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(burst);
        if (!(perSecond > 0) || !double.IsFinite(perSecond)) throw new ArgumentOutOfRangeException(nameof(perSecond), perSecond, "A rate is a positive number.");
        return new GcraRule((long)Math.Clamp(Math.Ceiling(1e6 / perSecond), 1, SpanMax / burst), burst);
    }
}

/// <summary>What is remembered of one bucket: two instants, in microseconds of one clock.</summary>
/// <param name="FullAt">When the bucket will be full again (the algorithm's theoretical arrival time).</param>
/// <param name="LastSlot">The last slot handed out to someone refused.</param>
internal readonly record struct GcraState(long FullAt, long LastSlot)
{
    /// <summary>
    /// Slots are spread over this time; whoever would have to wait longer for nothing but the queue is told this time, and asks again. It
    /// bounds how long a slot can be wasted when those who waited gave up.
    /// </summary>
    public static readonly TimeSpan SlotHorizon = TimeSpan.FromMinutes(15);

    private const long LongAgo = long.MinValue / 4;

    /// <summary>A bucket never seen before.</summary>
    public static readonly GcraState Full = new(LongAgo, LongAgo);

    /// <summary>A bucket of which the first permit comes free one interval after it is first seen.</summary>
    public static readonly GcraState Empty = new(-LongAgo, LongAgo);

    /// <summary>The state as it is now. What lies further ahead than an empty bucket comes of another rule, or of a clock set back, and is cut.</summary>
    public GcraState At(long now, GcraRule rule) => this with { FullAt = Math.Clamp(FullAt, now, now + rule.Span) };

    /// <summary>When the next permit is free; it is free now when that is past.</summary>
    public long FreeAt(GcraRule rule) => FullAt - rule.Span + rule.Interval;

    public GcraState Spend(GcraRule rule) => this with { FullAt = FullAt + rule.Interval };

    /// <summary>Hands out the next slot, as <see cref="LastSlot"/>.</summary>
    public GcraState HandOutSlot(long now, GcraRule rule) =>
        this with { LastSlot = Math.Max(FreeAt(rule), Math.Min(LastSlot + rule.Interval, now + SlotHorizon.Ticks / TimeSpan.TicksPerMicrosecond)) };

    /// <summary>Permits that can be taken at once.</summary>
    public long Remaining(long now, GcraRule rule) => (now + rule.Span - FullAt) / rule.Interval;

    /// <summary>Nothing would be lost by forgetting it.</summary>
    public bool IsIdle(long now) => FullAt <= now && LastSlot <= now;
}

/// <summary>Microseconds on the monotonic clock since it was made: the instants of buckets in this process.</summary>
internal sealed class GcraClock(TimeProvider time)
{
    private readonly long start = time.GetTimestamp();

    public long Now => time.GetElapsedTime(start).Ticks / TimeSpan.TicksPerMicrosecond;
}
