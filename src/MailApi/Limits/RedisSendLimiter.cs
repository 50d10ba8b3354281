using System.Collections.Concurrent;
using StackExchange.Redis;

namespace MailApi.Limits;

/// <summary>
/// Permits shared by all nodes: one script (<c>gcra.lua</c>) on the Redis server's clock. While Redis is away every node grants a share of
/// each rate by itself (<see cref="LocalSendLimiter.Conservative"/>), never without limit, and asks Redis again once in a
/// <see cref="ProbeInterval"/>; what was granted meanwhile is charged to Redis when it is back. At high rates one call of the script
/// serves several attempts (<see cref="Loan"/>).
/// </summary>
internal sealed partial class RedisSendLimiter(RedisConnection redis, LimitOptions options, TimeProvider time, ILogger<RedisSendLimiter> log) : ISendLimiter
{
    /// <summary>A healthy server answers within a millisecond; beyond this the attempt is better served by the fallback.</summary>
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromMilliseconds(500);

    /// <summary>While Redis is away one call in this time finds out whether it is back; no other waits for it.</summary>
    public static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(1);

    private static readonly string Script = ReadScript();
    private static readonly RedisValue Horizon = (long)GcraState.SlotHorizon.TotalMicroseconds;
    private static readonly RedisValue LateMax = (long)Loan.LateMax.TotalMicroseconds;

    private readonly ConcurrentDictionary<RedisKey, int> owed = new();
    private readonly GcraClock clock = new(time);
    private readonly Loans loans = new();
    private Outage? outage;

    /// <summary>Redis is away: this node limits by itself.</summary>
    public bool IsAway => Volatile.Read(ref outage) is not null || redis.Database is null;

    public async ValueTask<Permit> Take(SendPermitRequest request, CancellationToken ct)
    {
        if (Volatile.Read(ref outage) is not null || loans.Of(request, clock.Now) is not { } loan) return (await TakeUpTo(1, request, ct)).Permit;
        var (count, place) = loan.Next(clock.Now);
        if (place is { } waiting) count = loan.NextAfterWait(waiting, await waiting.Lent.WaitAsync(ct), clock.Now);
        return count == 0 ? Permit.Granted.Instance : await Borrow(loan, request, count, ct);
    }

    private async Task<Permit> Borrow(Loan loan, SendPermitRequest request, int count, CancellationToken ct)
    {
        var granted = 0;
        try
        {
            (var permit, granted) = await TakeUpTo(count, request, ct);
            return permit;
        }
        finally
        {
            loan.End(count, granted, clock.Now);
        }
    }

    /// <summary>The caller's permit, and how many Redis granted with it.</summary>
    private async Task<(Permit Permit, int Granted)> TakeUpTo(int count, SendPermitRequest request, CancellationToken ct)
    {
        var current = Volatile.Read(ref outage);
        Exception? failure = null;
        if (redis.Database is { } database && (current is null || current.TryProbe()))
        {
            (var answer, failure) = await Ask(database, request, current is null ? count : 1, ct);
            if (answer is { } given)
            {
                if (current is not null) End(current);
                return given < 0 ? (Permit.Granted.Instance, (int)-given) : (Permit.Refused.For(given), 0);
            }
        }
        return (TakeLocally(request, current ?? Begin(failure)), 0);
    }

    /// <summary>What the script answered, or why Redis gave no answer.</summary>
    private async Task<(long?, Exception?)> Ask(IDatabase database, SendPermitRequest request, int count, CancellationToken ct)
    {
        var (keys, charges) = (Keys(request), new int[request.Buckets.Count]);
        var values = new RedisValue[3 + 3 * keys.Length];
        (values[0], values[1], values[2]) = (Horizon, count, LateMax);
        for (var i = 0; i < keys.Length; i++)
        {
            if (owed.TryRemove(keys[i], out var charge)) charges[i] = charge;
            values[3 + 3 * i] = request.Buckets[i].Rule.Interval;
            values[4 + 3 * i] = request.Buckets[i].Burst;
            values[5 + 3 * i] = charge;
        }

        var answered = false;
        try
        {
            // Sent as EVALSHA; the client loads the script again when the server has forgotten it.
            var answer = (long)await database.ScriptEvaluateAsync(Script, keys, values).WaitAsync(AnswerTimeout, time, ct);
            answered = true;
            return (answer, null);
        }
        catch (Exception failure) when (failure is RedisException or TimeoutException or ObjectDisposedException)
        {
            return (null, failure);
        }
        finally
        {
            // Perhaps it was charged all the same; twice is the safe side.
            if (!answered) for (var i = 0; i < keys.Length; i++) Owe(keys[i], charges[i]);
        }
    }

    private Permit TakeLocally(SendPermitRequest request, Outage current)
    {
        var permit = current.Limiter.TakeNow(request);
        if (permit is Permit.Granted)
            foreach (var key in Keys(request)) Owe(key, 1);
        return permit;
    }

    private void Owe(RedisKey key, int permits)
    {
        // Beyond that many domains the charge is forgiven: a bounded memory for at most one burst each.
        if (permits > 0 && (owed.Count < BucketTable<string>.KeysMax || owed.ContainsKey(key))) owed.AddOrUpdate(key, permits, (_, before) => before + permits);
    }

    private Outage Begin(Exception? failure)
    {
        var begun = new Outage(options.FallbackShare, time);
        if (Interlocked.CompareExchange(ref outage, begun, null) is { } current) return current;
        LimitMetrics.EnterFallback();
        LogAway(failure, options.FallbackShare);
        return begun;
    }

    private void End(Outage ended)
    {
        if (Interlocked.CompareExchange(ref outage, null, ended) != ended) return;
        LimitMetrics.LeaveFallback();
        LogBack();
    }

    private static RedisKey[] Keys(SendPermitRequest request) => [.. request.Buckets.Select(bucket => (RedisKey)$"mailapi:permits:{{{request.Tenant}}}:{bucket.Name}")];

    private static string ReadScript()
    {
        using var stream = typeof(RedisSendLimiter).Assembly.GetManifestResourceStream("MailApi.Limits.gcra.lua")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis is away: this node grants {Share} of each sending rate by itself.")]
    private partial void LogAway(Exception? failure, double share);

    [LoggerMessage(Level = LogLevel.Information, Message = "Redis is back: sending rates are shared again.")]
    private partial void LogBack();

    /// <summary>One time that Redis is away. The next one begins with empty buckets again.</summary>
    private sealed class Outage(double share, TimeProvider time)
    {
        private long probedAt = time.GetTimestamp();

        public LocalSendLimiter Limiter { get; } = LocalSendLimiter.Conservative(share, time);

        /// <summary>True for one caller in each <see cref="ProbeInterval"/>.</summary>
        public bool TryProbe()
        {
            var before = Volatile.Read(ref probedAt);
            return time.GetElapsedTime(before) >= ProbeInterval && Interlocked.CompareExchange(ref probedAt, time.GetTimestamp(), before) == before;
        }
    }
}
