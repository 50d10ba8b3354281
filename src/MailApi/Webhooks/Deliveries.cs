using MailApi.Api;
using MailApi.Events;
using MailApi.Storage;

namespace MailApi.Webhooks;

/// <summary>A delivery that this process holds until its lease ends. A write that carries an old attempt touches no row.</summary>
internal sealed record Claim(Guid Webhook, Guid Event, int Attempt, int Tries);

/// <summary>What a claim needs to be posted. <paramref name="Event"/> is null when retention has removed it from the log.</summary>
internal sealed record Parcel(string Url, IReadOnlyList<byte[]> Secrets, Event? Event);

/// <summary>
/// The queue of deliveries: rows of <c>webhook_deliveries</c> with their own <c>due_at</c>, which is retry time and lease in one. Rows of
/// a disabled webhook stay where they are until it is enabled.
/// </summary>
internal sealed class Deliveries(Db db, Vault vault)
{
    // Materialised, because PostgreSQL may run a subquery behind "in" once a row, and with skip locked each run finds other rows.
    private const string ClaimOfOneWebhook = """
        with due as materialized (
            select event_id as id from webhook_deliveries
            where webhook_id = @webhook and state = 'pending' and due_at <= now_ms()
            order by due_at, event_id limit @count {0})
        update webhook_deliveries set attempt = attempt + 1, due_at = now_ms() + @lease, updated_at = now_ms()
        from due where webhook_id = @webhook and event_id = due.id
        returning webhook_id, event_id, attempt, tries
        """;

    private const string DisableSql = "update webhooks set enabled = false, disabled_reason = @reason where id = @webhook";
    private const string GoneReason = "The endpoint answered 410 Gone.";

    private readonly string claimSql = ClaimOfOneWebhook.Replace("{0}", db.Dialect.SkipLocked, StringComparison.Ordinal);

    /// <summary>Webhooks with due deliveries, by id from <paramref name="after"/> on.</summary>
    public Task<List<Guid>> Waiting(Guid after, int limit, CancellationToken ct)
    {
        const string sql = """
            select w.id from webhooks w
            where w.id > @after and w.enabled and exists (
                select 1 from webhook_deliveries d where d.webhook_id = w.id and d.state = 'pending' and d.due_at <= now_ms())
            order by w.id limit @limit
            """;
        return db.Query(sql, row => row.GetGuid(0), ct, ("after", after), ("limit", limit));
    }

    /// <summary>Takes up to so many due deliveries of each webhook: one statement each, one transaction for all.</summary>
    public Task<List<Claim>> Take(IReadOnlyList<(Guid Webhook, int Count)> shares, TimeSpan lease, CancellationToken ct)
    {
        var statements = shares
            .Select(share => new Statement(claimSql, ("webhook", share.Webhook), ("count", share.Count), ("lease", (long)lease.TotalMilliseconds)))
            .ToList();
        return db.Write(async transaction =>
        {
            var claims = new List<Claim>();
            await transaction.Run(statements, (_, row) => claims.Add(new Claim(row.GetGuid(0), row.GetGuid(1), row.GetInt32(2), row.GetInt32(3))), ct);
            return claims;
        }, ct);
    }

    /// <summary>Null when the webhook has been disabled or deleted, or the claim lost, in the meantime.</summary>
    public async Task<Parcel?> Open(Claim claim, CancellationToken ct)
    {
        const string sql = $"""
            select {EventLog.Columns}, w.url, w.secret, case when w.previous_secret_until > now_ms() then w.previous_secret end
            from webhook_deliveries d
            join webhooks w on w.id = d.webhook_id
            left join events e on e.id = d.event_id
            left join messages m on m.id = e.message_id
            where d.webhook_id = @webhook and d.event_id = @event and d.attempt = @attempt and w.enabled
            """;
        var rows = await db.Query(sql, row =>
        {
            List<byte[]> secrets = [vault.Open(row.Bytes(8), "webhooks", claim.Webhook, "secret")];
            if (row.BytesOrNull(9) is { } previous) secrets.Add(vault.Open(previous, "webhooks", claim.Webhook, "previous_secret"));
            return new Parcel(row.GetString(7), secrets, row.IsDBNull(0) ? null : EventLog.Read(row));
        }, ct, ("webhook", claim.Webhook), ("event", claim.Event), ("attempt", claim.Attempt));
        return rows.SingleOrDefault();
    }

    /// <summary>Writes down how a try ended and when the next is due, unless the claim has been lost.</summary>
    /// <param name="chance">From 0 up to 1: the jitter of the next try.</param>
    public async Task<TryOutcome> Record(Claim claim, Answer answer, double chance, CancellationToken ct)
    {
        const string sql = """
            update webhook_deliveries
            set state = @state, tries = tries + 1, due_at = now_ms() + @delay, last_status = cast(@status as integer),
                last_error = cast(@error as text), updated_at = now_ms()
            where webhook_id = @webhook and event_id = @event and attempt = @attempt and state = 'pending'
            """;
        var (outcome, delay) = Decide(claim, answer, chance);
        var state = outcome switch
        {
            TryOutcome.Delivered => DeliveryState.Delivered,
            TryOutcome.Retried => DeliveryState.Pending,
            _ => DeliveryState.Failed,
        };
        await db.Write(async transaction =>
        {
            if (outcome == TryOutcome.Disabled) await transaction.Execute(DisableSql, ct, ("webhook", claim.Webhook), ("reason", GoneReason));
            return await transaction.Execute(sql, ct,
                ("webhook", claim.Webhook), ("event", claim.Event), ("attempt", claim.Attempt), ("state", state.ToText()),
                ("delay", (long)delay.TotalMilliseconds), ("status", answer.Status), ("error", answer.Error));
        }, ct);
        return outcome;
    }

    private static (TryOutcome Outcome, TimeSpan Delay) Decide(Claim claim, Answer answer, double chance)
    {
        if (answer.Delivered) return (TryOutcome.Delivered, TimeSpan.Zero);
        if (answer.Gone) return (TryOutcome.Disabled, TimeSpan.Zero);
        return RetrySchedule.After(claim.Tries + 1, chance) is { } delay ? (TryOutcome.Retried, delay) : (TryOutcome.Failed, TimeSpan.Zero);
    }
}
