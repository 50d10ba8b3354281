using System.Data.Common;
using System.Threading.Channels;
using MailApi.Api;
using MailApi.Mail;

namespace MailApi.Webhooks;

/// <summary>
/// Delivers what is due: deal the free slots over the webhooks with due deliveries → claim (commit) → post → record (commit). Rung by
/// <see cref="WebhookSignal"/> and by a clock. On shutdown it claims no more and ends what it began, at most one request's time.
/// </summary>
internal sealed partial class WebhookPump(
    Deliveries deliveries, WebhookClient client, WebhookSignal signal, WebhookOptions options, TimeProvider clock, ILogger<WebhookPump> log)
    : BackgroundService
{
    /// <summary>Webhooks looked at in one round.</summary>
    private const int PageSize = 256;

    private readonly Lanes lanes = new(options.PerWebhookConcurrency, clock);
    private int inFlight;

    /// <summary>Where the next round begins: webhooks take turns in the order of their ids.</summary>
    private Guid cursor;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // As many claims as workers, so a claim never waits while its lease runs.
        var claims = Channel.CreateBounded<Claim>(options.ConcurrentDeliveries);
        await using var poll = clock.CreateTimer(_ => signal.Signal(), null, TimeSpan.Zero, options.PollInterval);
        var workers = Enumerable.Range(0, options.ConcurrentDeliveries).Select(_ => Work(claims.Reader));
        await Task.WhenAll([Deal(claims.Writer, stoppingToken), .. workers]);
    }

    private async Task Deal(ChannelWriter<Claim> claims, CancellationToken stopping)
    {
        try
        {
            while (true)
            {
                await signal.Wait(stopping);
                try
                {
                    while (await Round(claims, stopping)) { }
                }
                catch (DbException failure)
                {
                    LogStoreAway(failure);
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
        finally
        {
            claims.Complete();
        }
    }

    /// <summary>Deals the free slots once over a page of webhooks; true when another round may find more to do at once.</summary>
    private async Task<bool> Round(ChannelWriter<Claim> claims, CancellationToken ct)
    {
        var free = options.ConcurrentDeliveries - Volatile.Read(ref inFlight);
        if (free <= 0) return false; // a delivery that ends rings again

        var start = cursor;
        var waiting = await deliveries.Waiting(start, PageSize, ct);
        var shares = Shares(waiting, free);
        cursor = shares.Sum(share => share.Count) >= free ? shares[^1].Webhook : waiting.Count == PageSize ? waiting[^1] : Guid.Empty;

        var taken = shares.Count > 0 ? await deliveries.Take(shares, options.Lease, ct) : [];
        foreach (var claim in taken)
        {
            Interlocked.Increment(ref inFlight);
            lanes.Enter(claim.Webhook);
            if (!claims.TryWrite(claim)) throw new InvalidOperationException("More was claimed than there are workers.");
        }
        return taken.Count > 0 || waiting.Count == PageSize || start != Guid.Empty;
    }

    private List<(Guid Webhook, int Count)> Shares(List<Guid> waiting, int free)
    {
        var open = waiting.Select(webhook => (Webhook: webhook, Room: lanes.Room(webhook))).Where(lane => lane.Room > 0).ToList();
        var each = Math.Max(1, free / Math.Max(1, open.Count));
        var shares = new List<(Guid, int)>();
        foreach (var (webhook, room) in open)
        {
            if (free == 0) break;
            var count = Math.Min(Math.Min(room, each), free);
            shares.Add((webhook, count));
            free -= count;
        }
        return shares;
    }

    private async Task Work(ChannelReader<Claim> claims)
    {
        await foreach (var claim in claims.ReadAllAsync(CancellationToken.None)) await Deliver(claim);
    }

    private async Task Deliver(Claim claim)
    {
        var answered = true;
        try
        {
            CrashPoint.Pass("before-webhook");
            if (await Try(claim) is not { } answer) return;
            CrashPoint.Pass("after-webhook");
            answered = answer.Delivered;
            var outcome = await deliveries.Record(claim, answer, Random.Shared.NextDouble(), CancellationToken.None);
            CrashPoint.Pass("after-webhook-record");
            WebhookMetrics.Count(outcome);
            if (outcome != TryOutcome.Delivered) LogFailed(new WebhookId(claim.Webhook), new EventId(claim.Event), claim.Tries + 1, answer.Status, outcome);
        }
        catch (DbException failure)
        {
            // The lease brings the delivery back; the endpoint may hear of the event twice, with the same webhook-id.
            LogStoreAway(failure);
        }
        finally
        {
            lanes.Leave(claim.Webhook, answered);
            Interlocked.Decrement(ref inFlight);
            signal.Signal();
        }
    }

    /// <summary>Null when there is nothing to deliver any more.</summary>
    private async Task<Answer?> Try(Claim claim)
    {
        try
        {
            if (await deliveries.Open(claim, CancellationToken.None) is not { } parcel) return null;
            if (parcel.Event is null) return new Answer(null, "The event is no longer in the log.");
            return await client.Post(parcel.Url, parcel.Event.Id.ToString(), Payload.Write(parcel.Event), parcel.Secrets, CancellationToken.None);
        }
        // A row that cannot be sent (a secret sealed under another key, say) must age like any failure instead of coming back for ever.
        catch (Exception failure) when (failure is not DbException)
        {
            LogBroken(failure, new WebhookId(claim.Webhook), new EventId(claim.Event));
            return new Answer(null, "The service could not prepare this delivery.");
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store cannot be reached; webhook deliveries wait.")]
    private partial void LogStoreAway(Exception failure);

    [LoggerMessage(Level = LogLevel.Error, Message = "Webhook {Webhook}: event {EventId} cannot be prepared.")]
    private partial void LogBroken(Exception failure, WebhookId webhook, EventId eventId);

    [LoggerMessage(Level = LogLevel.Information, Message = "Webhook {Webhook}: event {EventId}, try {Try} failed with status {Status}: {Outcome}.")]
    private partial void LogFailed(WebhookId webhook, EventId eventId, int @try, int? status, TryOutcome outcome);
}
