using System.Data.Common;
using MailApi.Api;
using MailApi.Events;
using MailApi.Mail.Bounces;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>Records outcomes: state, event, webhook deliveries and suppression in one transaction, fenced by the attempt.</summary>
internal sealed class Records : IAsyncDisposable
{
    private readonly Db db;
    private readonly SuppressBounced suppress;
    private readonly EventsAppended appended;
    private readonly Window window;
    private readonly Batcher<(Claim Claim, Outcome Outcome), bool> batcher;

    public Records(Db db, Window window, SuppressBounced suppress, EventsAppended appended)
    {
        (this.db, this.window, this.suppress, this.appended) = (db, window, suppress, appended);
        batcher = new(lanes: db.Dialect.OneWriter ? 1 : 2, Commit);
    }

    /// <summary>False when the fence had moved: the lease was lost, and another attempt owns the envelope.</summary>
    /// <exception cref="DbException">The store is away; nothing is recorded.</exception>
    public Task<bool> Record(Claim claim, Outcome outcome) => batcher.Add((claim, outcome), CancellationToken.None);

    public ValueTask DisposeAsync() => batcher.DisposeAsync();

    private async Task<IReadOnlyList<bool>> Commit(IReadOnlyList<(Claim Claim, Outcome Outcome)> batch)
    {
        var isForWebhooks = false;
        var results = await db.Write<IReadOnlyList<bool>>(async transaction =>
        {
            var recorded = new (int Seq, DateTimeOffset DueAt)?[batch.Count];
            await transaction.Run([.. batch.Select(item => Update(item.Claim, item.Outcome))], (index, row) => recorded[index] = (row.GetInt32(0), row.Instant(1)), CancellationToken.None);

            var (consequences, events) = (new List<Statement>(), new EventBatch());
            for (var index = 0; index < batch.Count; index++)
                if (recorded[index] is { } row) consequences.AddRange(Consequences(batch[index].Claim, batch[index].Outcome, row.Seq, row.DueAt, events));
            consequences.AddRange(events.Deliveries());
            await transaction.Run(consequences, (_, _) => isForWebhooks = true, CancellationToken.None);
            return [.. recorded.Select(row => row is not null)];
        }, CancellationToken.None);
        if (isForWebhooks) appended();
        foreach (var (_, outcome) in batch)
            if (outcome is Outcome.Throttled throttled) window.ExpectDue(throttled.Delay);
        return results;
    }

    /// <summary>The columns an outcome sets; <c>@delay</c> from now, but never past the end of the lifetime, is when the envelope is next due.</summary>
    private static Statement Update(Claim claim, Outcome outcome)
    {
        var (state, delay, events, reply) = outcome switch
        {
            Outcome.Delivered o => (EnvelopeState.Delivered, TimeSpan.Zero, 1, o.Reply),
            Outcome.Bounced o => (EnvelopeState.Bounced, TimeSpan.Zero, 1, o.Reply),
            Outcome.Deferred o => (EnvelopeState.Deferred, o.RetryAfter, o.TellDelayed ? 2 : 1, o.Reply ?? new EventReply(0, null, o.Reason!, null)),
            Outcome.Throttled o => (claim.Tries > 0 ? EnvelopeState.Deferred : EnvelopeState.Queued, o.Delay, o.TellDelayed ? 1 : 0, null),
            Outcome.Released => (claim.Tries > 0 ? EnvelopeState.Deferred : EnvelopeState.Queued, TimeSpan.Zero, 0, null),
            Outcome.Suppressed => (EnvelopeState.Suppressed, TimeSpan.Zero, 1, null),
            Outcome.Expired => (EnvelopeState.Expired, TimeSpan.Zero, 1, null),
            Outcome.Unknown o => (EnvelopeState.Unknown, TimeSpan.Zero, 1, new EventReply(0, null, o.Reason, null)),
            Outcome.Failed o => (EnvelopeState.Failed, TimeSpan.Zero, 1, new EventReply(0, null, o.Reason, null)),
            _ => throw new InvalidOperationException($"No such outcome: {outcome}"),
        };
        return new Statement(
            """
            update envelopes
            set state = @state, seq = seq + @events, tries = tries + @tries, node_id = null, crashes = 0, updated_at = now_ms(),
                due_at = case when now_ms() + @delay < expires_at or @final = 1 then now_ms() + @delay else expires_at end,
                duplicate_possible = duplicate_possible or @uncertain, delayed = delayed or @delayed,
                reply_code = coalesce(cast(@code as integer), reply_code), reply_enhanced = case when cast(@code as integer) is null then reply_enhanced else @enhanced end,
                reply_text = coalesce(cast(@text as text), reply_text), reply_mx = case when cast(@code as integer) is null then reply_mx else @mx end,
                bounce_class = @class, bounce_hard = @hard
            where id = @id and attempt = @attempt and state = 'sending'
            returning seq, due_at
            """,
            ("state", state.ToText()), ("events", events), ("tries", IsConversation(outcome) ? 1 : 0), ("delay", (long)delay.TotalMilliseconds),
            ("final", state > EnvelopeState.Deferred ? 1 : 0), ("uncertain", outcome is Outcome.Deferred { Uncertain: true } or Outcome.Unknown),
            ("delayed", outcome is Outcome.Deferred { TellDelayed: true } or Outcome.Throttled { TellDelayed: true }), ("code", reply?.Code), ("enhanced", reply?.Enhanced), ("text", reply?.Text), ("mx", reply?.Mx),
            ("class", (outcome as Outcome.Bounced)?.Verdict.Class.Name()), ("hard", (outcome as Outcome.Bounced)?.Verdict.IsHard), ("id", claim.Envelope.Value), ("attempt", claim.Attempt));
    }

    private IEnumerable<Statement> Consequences(Claim claim, Outcome outcome, int seq, DateTimeOffset dueAt, EventBatch events)
    {
        var data = new EventData
        {
            Message = claim.Message,
            Envelope = claim.Envelope,
            Recipient = claim.Recipient,
            Category = claim.Category,
            Domain = claim.Domain,
            Attempt = claim.Tries + (IsConversation(outcome) ? 1 : 0),
            Seq = seq,
            DuplicatePossible = claim.DuplicatePossible || outcome is Outcome.Deferred { Uncertain: true } or Outcome.Unknown ? true : null,
            Test = claim.Test ? true : null,
        };
        return outcome switch
        {
            Outcome.Delivered o => Event(EventType.MessageDelivered, data with { Reply = o.Reply }),
            Outcome.Bounced o => Event(EventType.MessageBounced, data with { Reply = o.Reply, Class = o.Verdict.Class, Hard = o.Verdict.IsHard, Explanation = o.Verdict.Explanation })
                // What the sandbox refuses is no dead address.
                .Concat(claim.Test ? [] : suppress(claim.Tenant, claim.Envelope, claim.Recipient, o.Verdict)),
            Outcome.Deferred o => Deferred(
                data with { Reply = o.Reply, Class = o.Verdict?.Class, Explanation = o.Verdict?.Explanation, Reason = o.Reason, NextAttemptAt = dueAt }, o.TellDelayed),
            Outcome.Throttled { TellDelayed: true } => Event(EventType.MessageDelayed, data with { Reason = "A limit has no place for it yet, or the operator holds it back.", NextAttemptAt = dueAt }),
            Outcome.Suppressed o => Event(EventType.MessageSuppressed, data with { Reason = o.Reason }),
            Outcome.Expired o => Event(EventType.MessageExpired, data with { Reason = "The lifetime ended before a receiver took the message." })
                .Concat(claim.Test || o.Verdict is null ? [] : suppress(claim.Tenant, claim.Envelope, claim.Recipient, o.Verdict)),
            Outcome.Unknown o => Event(EventType.MessageUnknown, data with { Reason = o.Reason }),
            Outcome.Failed o => Event(EventType.MessageFailed, data with { Reason = o.Reason }),
            _ => [],
        };

        IEnumerable<Statement> Event(EventType type, EventData it) => [events.Append(claim.Tenant, type, it)];

        IEnumerable<Statement> Deferred(EventData it, bool tellDelayed) => tellDelayed
            ? [.. Event(EventType.MessageDeferred, it with { Seq = seq - 1 }), .. Event(EventType.MessageDelayed, it)]
            : Event(EventType.MessageDeferred, it);
    }

    private static bool IsConversation(Outcome outcome) => outcome is Outcome.Delivered or Outcome.Bounced or Outcome.Deferred or Outcome.Unknown;
}

/// <summary>What a bounce does to its tenant's suppression list: the statements, none where it does nothing.</summary>
public delegate IEnumerable<Statement> SuppressBounced(TenantId tenant, EnvelopeId envelope, string recipient, BounceVerdict verdict);
