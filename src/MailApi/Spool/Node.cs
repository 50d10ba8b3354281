using System.Data.Common;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>
/// This process's incarnation. It says every few seconds that it lives; one that is silent for <see cref="SilenceMax"/> loses its leases,
/// so that a crash delays mail by seconds. <see cref="IsHeard"/> is what makes that safe: a node that could not say so sends no final dot.
/// When the store's clock was set forward (a virtual machine that was resumed, an operator), every lease and every node seems to have run out:
/// each node renews its own and gives the others the time to do the same.
/// </summary>
internal sealed partial class Node(Db db, SpoolOptions options, TimeProvider time, ILogger<Node> log) : BackgroundService
{
    public static readonly TimeSpan Beat = TimeSpan.FromSeconds(5);
    public static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(30);

    /// <summary>Nodes silent for so long are forgotten.</summary>
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromDays(1);

    /// <summary>A clock that gains so much between two beats was set.</summary>
    private static readonly TimeSpan JumpMin = TimeSpan.FromSeconds(5);

    private int deliveringCount = 1;
    private Heard? heard;
    private long heardSince;
    private long? jumpedAt;

    public Guid Id { get; } = Guid.CreateVersion7();

    /// <summary>The last beat is recent enough that no other node can have taken this one's leases.</summary>
    public bool IsHeard => Volatile.Read(ref heard) is { } last && time.GetElapsedTime(last.At) < SilenceMax - 2 * Beat;

    /// <summary>
    /// No other node can have judged this one since then: it is heard, and was without a gap. One that stood still and speaks again is heard, and has lost
    /// what it held.
    /// </summary>
    /// <param name="timestamp">On this node's own monotonic clock.</param>
    public bool IsHeardSince(long timestamp) => IsHeard && heardSince <= timestamp;

    /// <summary>
    /// This node has been heard without a gap for long enough to judge others: after an outage of the store everyone has been silent,
    /// and gets the time to speak first.
    /// </summary>
    public bool MayJudge => IsHeard && time.GetElapsedTime(heardSince) > SilenceMax;

    /// <summary>The store's clock was not set just now: what ran out did so by the passing of time.</summary>
    public bool IsSteady => jumpedAt is not { } at || time.GetElapsedTime(at) > SilenceMax;

    /// <summary>What the store's clock shows at most, in milliseconds, unless it was set since the last beat.</summary>
    public long StoreTimeMax => Volatile.Read(ref heard) is { } last ? last.StoreTime + (long)(time.GetElapsedTime(last.At) + JumpMin).TotalMilliseconds : 0;

    /// <summary>Processes that deliver and live, as of the last beat.</summary>
    public int DeliveringCount => Volatile.Read(ref deliveringCount);

    /// <summary>Must have happened before the first claim.</summary>
    public async Task Announce(CancellationToken ct)
    {
        var started = time.GetTimestamp();
        var storeTime = await db.Write(async transaction => (await transaction.Query(
            "insert into nodes (id, seen_at, delivers, migration) values (@id, now_ms(), @delivers, @migration) on conflict (id) do update set seen_at = now_ms() returning seen_at",
            row => row.GetInt64(0), ct, ("id", Id), ("delivers", options.Delivers), ("migration", options.Migration)))[0], ct);
        // What was claimed while the beat was on its way may have been judged meanwhile.
        var ended = time.GetTimestamp();
        var last = Volatile.Read(ref heard);
        var hasJumped = last is not null && TimeSpan.FromMilliseconds(storeTime - last.StoreTime) > time.GetElapsedTime(last.At) + JumpMin;
        if (hasJumped) jumpedAt = started;
        if (hasJumped || last is null || time.GetElapsedTime(last.At) > SilenceMax) heardSince = ended;
        // If that fails, the next beat sees the same jump.
        if (hasJumped) await RenewLeases(ct);
        Volatile.Write(ref heard, new Heard(started, storeTime));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Beat, time);
        try
        {
            do
            {
                try
                {
                    await Announce(stoppingToken);
                    await CountDelivering(stoppingToken);
                    await db.Execute("delete from nodes where seen_at < now_ms() - @age", stoppingToken, ("age", (long)ForgetAfter.TotalMilliseconds));
                }
                catch (DbException e)
                {
                    LogUnheard(e.Message);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopping: what is still leased is released by its worker or found by the others.
        }
    }

    private async Task RenewLeases(CancellationToken ct)
    {
        LogClockSet();
        await db.Execute("update envelopes set due_at = now_ms() + @lease where node_id = @id and state = 'sending'", ct, ("lease", (long)options.Lease.TotalMilliseconds), ("id", Id));
    }

    private async Task CountDelivering(CancellationToken ct) => Volatile.Write(ref deliveringCount, (await db.Query(
        "select count(*) from nodes where delivers and seen_at > now_ms() - @silence", row => row.GetInt32(0), ct, ("silence", (long)SilenceMax.TotalMilliseconds)))[0]);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, this node is not heard: {Error}")]
    private partial void LogUnheard(string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store's clock was set forward: leases are renewed, and none is taken back for a while")]
    private partial void LogClockSet();

    /// <summary>A beat.</summary>
    /// <param name="At">By our monotonic clock.</param>
    /// <param name="StoreTime">By the store's, in milliseconds.</param>
    private sealed record Heard(long At, long StoreTime);
}
