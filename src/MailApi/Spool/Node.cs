using System.Data.Common;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>
/// This process's incarnation. It says every few seconds that it lives; one that is silent for <see cref="SilenceMax"/> loses its leases,
/// so that a crash delays mail by seconds. <see cref="IsHeard"/> is what makes that safe: a node that could not say so sends no final dot.
/// </summary>
internal sealed partial class Node(Db db, SpoolOptions options, TimeProvider time, ILogger<Node> log) : BackgroundService
{
    public static readonly TimeSpan Beat = TimeSpan.FromSeconds(5);
    public static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(30);

    /// <summary>Nodes silent for so long are forgotten.</summary>
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromDays(1);

    private int deliveringCount = 1;
    private long heardAt;
    private long heardSince;

    public Guid Id { get; } = Guid.CreateVersion7();

    /// <summary>The last beat is recent enough that no other node can have taken this one's leases.</summary>
    public bool IsHeard => heardAt != 0 && time.GetElapsedTime(heardAt) < SilenceMax - 2 * Beat;

    /// <summary>
    /// This node has been heard without a gap for long enough to judge others: after an outage of the store everyone has been silent,
    /// and gets the time to speak first.
    /// </summary>
    public bool MayJudge => IsHeard && time.GetElapsedTime(heardSince) > SilenceMax;

    /// <summary>Processes that deliver and live, as of the last beat.</summary>
    public int DeliveringCount => Volatile.Read(ref deliveringCount);

    /// <summary>Must have happened before the first claim.</summary>
    public async Task Announce(CancellationToken ct)
    {
        var started = time.GetTimestamp();
        await db.Execute(
            "insert into nodes (id, seen_at, delivers) values (@id, now_ms(), @delivers) on conflict (id) do update set seen_at = now_ms()", ct,
            ("id", Id), ("delivers", options.Delivers));
        if (heardAt == 0 || time.GetElapsedTime(heardAt) > SilenceMax) heardSince = started;
        heardAt = started;
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

    private async Task CountDelivering(CancellationToken ct) => Volatile.Write(ref deliveringCount, (await db.Query(
        "select count(*) from nodes where delivers and seen_at > now_ms() - @silence", row => row.GetInt32(0), ct, ("silence", (long)SilenceMax.TotalMilliseconds)))[0]);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, this node is not heard: {Error}")]
    private partial void LogUnheard(string error);
}
