using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Threading.Channels;
using MailApi.Api;
using MailApi.Mail;
using MailApi.Storage;
using MassTransit;

namespace MailApi.Spool;

/// <summary>Where a category's doorbells are sent; the transport's address form is the host's choice.</summary>
public delegate Uri DoorbellAddress(Category category);

/// <summary>
/// Rings the bus, off the request's path. A doorbell that cannot be sent costs a short wait, never mail: its envelopes become
/// due again and the sweep rings anew.
/// </summary>
internal sealed partial class Ringer(Db db, IBus bus, DoorbellAddress address, TimeProvider time, ILogger<Ringer> log) : BackgroundService
{
    /// <summary>How long a rung envelope waits to be claimed before the sweep takes its doorbell for lost.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>A publish can hang after a broker's restart; one without an answer by then is unknown, and rung again.</summary>
    public static readonly TimeSpan PublishDeadline = TimeSpan.FromSeconds(10);

    /// <summary>After a failed publish nothing is tried for so long.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    /// <summary>Doorbells of a category that wait for the broker's word at once.</summary>
    private const int RingingMax = 4;

    private readonly ConcurrentDictionary<Category, long> pausedUntil = new(Enum.GetValues<Category>().Select(category => KeyValuePair.Create(category, time.GetTimestamp())));
    private readonly FrozenDictionary<Category, Channel<DoorbellEntry>> waiting = Enum.GetValues<Category>()
        .ToFrozenDictionary(category => category, _ => Channel.CreateBounded<DoorbellEntry>(2 * Window.SlotsMax));

    /// <summary>Queues a doorbell. When the queue is full it is dropped, and found by the sweep after <see cref="Patience"/>.</summary>
    public void Ring(Category category, DoorbellEntry entry) => waiting[category].Writer.TryWrite(entry);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(waiting.Keys.Select(category => RingAll(category, waiting[category].Reader, stoppingToken)));

    private async Task RingAll(Category category, ChannelReader<DoorbellEntry> entries, CancellationToken ct)
    {
        var ringing = new List<Task>();
        try
        {
            while (await entries.WaitToReadAsync(ct))
            {
                ringing.RemoveAll(one => one.IsCompleted);
                // What comes meanwhile shares the next doorbell; one that is full need not wait for the broker.
                if (ringing.Count == RingingMax || (ringing.Count > 0 && entries.Count < Doorbell.EnvelopesMax)) await Task.WhenAny(ringing);
                ringing.Add(Ring(category, Next(entries), ct));
            }
        }
        catch (Exception) when (ct.IsCancellationRequested)
        {
            while (Next(entries) is { Count: > 0 } batch) await MakeDue(batch, TimeSpan.Zero, CancellationToken.None);
        }
        await Task.WhenAll(ringing);
    }

    private static List<DoorbellEntry> Next(ChannelReader<DoorbellEntry> entries)
    {
        var batch = new List<DoorbellEntry>(Doorbell.EnvelopesMax);
        while (batch.Count < Doorbell.EnvelopesMax && entries.TryRead(out var entry)) batch.Add(entry);
        return batch;
    }

    private async Task Ring(Category category, List<DoorbellEntry> batch, CancellationToken ct)
    {
        try
        {
            var isPaused = time.GetElapsedTime(pausedUntil[category]) < TimeSpan.Zero;
            if (!isPaused && await Publish(category, batch, ct)) return;
            if (!isPaused) pausedUntil[category] = time.GetTimestamp() + (long)(Pause.TotalSeconds * time.TimestampFrequency);
            await MakeDue(batch, Pause, ct);
        }
        catch (Exception) when (ct.IsCancellationRequested)
        {
            await MakeDue(batch, TimeSpan.Zero, CancellationToken.None);
        }
    }

    /// <summary>What was rung for nothing is rung again by whoever sweeps next, after a while; by itself it would wait for <see cref="Patience"/>.</summary>
    public async Task MakeDue(IReadOnlyList<DoorbellEntry> entries, TimeSpan after, CancellationToken ct)
    {
        if (entries.Count == 0) return;
        try
        {
            await db.Write(async transaction =>
            {
                await transaction.Run([.. entries.Select(entry => Due(entry, after))], onRow: null, ct);
                return entries.Count;
            }, ct);
        }
        catch (System.Data.Common.DbException e)
        {
            LogStoreAway(e.Message);
        }
    }

    private async Task<bool> Publish(Category category, List<DoorbellEntry> batch, CancellationToken ct)
    {
        try
        {
            using var patience = new CancellationTokenSource(PublishDeadline, time);
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
            var endpoint = await bus.GetSendEndpoint(address(category)).WaitAsync(deadline.Token);
            CrashPoint.Pass("before-publish");
            var ringing = endpoint.Send(new Doorbell(batch), deadline.Token);
            CrashPoint.Pass("before-confirm");
            await ringing.WaitAsync(deadline.Token);
            CrashPoint.Pass("after-confirm");
            return true;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            LogNotRung(category, batch.Count, e.Message);
            return false;
        }
    }

    private static Statement Due(DoorbellEntry entry, TimeSpan after) => new(
        "update envelopes set due_at = now_ms() + @after where id = @id and attempt = @attempt and state = 'rung'",
        ("after", (long)after.TotalMilliseconds), ("id", entry.Id), ("attempt", entry.Attempt));

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} doorbells of {Category} could not be sent; they will be rung again: {Error}")]
    private partial void LogNotRung(Category category, int count, string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away; unsent doorbells wait for the sweep: {Error}")]
    private partial void LogStoreAway(string error);
}
