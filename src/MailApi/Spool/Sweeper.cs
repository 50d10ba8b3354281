using System.Data.Common;
using System.Diagnostics.Metrics;
using MailApi.Api;
using MailApi.Events;
using MailApi.Mail;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>
/// Makes what is due move: rings the backlog (retries, schedules, throttled mail) as far as the window has room, dealt fairly over
/// tenants; rings again what was rung and not claimed; takes back leases of silent nodes. Any number of nodes may sweep at once.
/// </summary>
internal sealed partial class Sweeper(Db db, Node node, Window window, Suspensions suspensions, Ringer ringer, SpoolOptions options, TimeProvider time, ILogger<Sweeper> log) : BackgroundService
{
    /// <summary>Between sweeps that found nothing to ring.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(500);

    /// <summary>Between sweeps while there is a backlog, or throttled mail is coming due.</summary>
    public static readonly TimeSpan Busy = TimeSpan.FromMilliseconds(50);

    /// <summary>An envelope whose worker died so often is given up: it may be what kills them.</summary>
    public const int CrashesMax = 3;

    /// <summary>After the second death in a row: a process that is killed again and again must not take innocent mail along.</summary>
    private static readonly TimeSpan CrashPause = TimeSpan.FromMinutes(1);

    private const int LeasesPerSweepMax = 256;

    /// <summary>Tenants that one sweep deals to; the next sweep begins with the others.</summary>
    private const int TenantsPerSweepMax = 256;

    private static readonly Counter<long> LeasesLost = new Meter("MailApi").CreateCounter<long>(
        "mailapi.leases.lost", description: "Attempts whose worker died, by the state that their envelope went to; failed: the third in a row.");

    private readonly Dictionary<Category, Guid> lastDealt = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await Await(Start, stoppingToken);
            var lookedAfterAt = 0L;
            while (true)
            {
                var isDue = time.GetElapsedTime(lookedAfterAt) >= Idle;
                if (isDue) lookedAfterAt = time.GetTimestamp();
                var rung = await Await(isDue ? Sweep : DealAll, stoppingToken);
                await Task.Delay(rung > 0 || window.ExpectsDue || window.IsFull ? Busy : Idle, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Every step is a transaction: stopping between them leaves nothing half done.
        }
    }

    /// <summary>One pass; answers how many envelopes it rang from the backlog.</summary>
    internal async Task<int> Sweep(CancellationToken ct)
    {
        await LookAfter(ct);
        return await DealAll(ct);
    }

    /// <summary>What need not be done as often as a backlog is dealt.</summary>
    private async Task LookAfter(CancellationToken ct)
    {
        await TakeBackLeases(ct);
        await RingAgain(ct);
        await suspensions.Read(ct);
        window.Weigh(await db.Query("select id, weight from tenants where weight <> 1", row => (row.GetGuid(0), row.GetInt32(1)), ct));
    }

    private async Task<int> DealAll(CancellationToken ct)
    {
        var rung = 0;
        var counts = await db.Query(
            "select category, tenant_id, count(*) from envelopes where state = 'rung' group by category, tenant_id",
            row => (Category: EnumText.Parse<Category>(row.GetString(0)), Tenant: row.GetGuid(1), Rung: row.GetInt32(2)), ct);
        window.Recount(counts);
        foreach (var category in Enum.GetValues<Category>())
            rung += await Deal(category, counts.Where(count => count.Category == category).ToDictionary(count => count.Tenant, count => count.Rung), ct);
        return rung;
    }

    private async Task<int> Start(CancellationToken ct)
    {
        await node.Announce(ct);
        // Nobody else works on a store with one writer: what other incarnations leased or rang is orphaned.
        if (db.Dialect.OneWriter) await db.Execute("delete from nodes where id <> @me", ct, ("me", node.Id));
        return options.BusIsInProcess ? await db.Execute("update envelopes set due_at = now_ms() where state = 'rung'", ct) : 0;
    }

    private async Task<int> Await(Func<CancellationToken, Task<int>> step, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                return await step(ct);
            }
            catch (DbException e)
            {
                LogStoreAway(e.Message);
                await Task.Delay(Idle, time, ct);
            }
        }
    }

    private async Task RingAgain(CancellationToken ct)
    {
        var lost = await db.Write(transaction => transaction.Query(
            $"""
            with due as materialized (
                select id as due_id from envelopes where state = 'rung' and due_at <= now_ms() limit @limit {db.Dialect.SkipLocked}
            )
            update envelopes set due_at = now_ms() + @patience from due where envelopes.id = due_id
            returning category, id, attempt, tenant_id
            """, ReadDoorbell, ct, ("patience", (long)Ringer.Patience.TotalMilliseconds), ("limit", Window.SlotsMax)), ct);
        foreach (var (category, entry) in lost) ringer.Ring(category, entry);
    }

    /// <summary>
    /// Deals the free slots of a category by deficit round robin (Shreedhar and Varghese, 1995; an envelope is the unit): from where the last sweep stopped,
    /// each tenant with due work gets its share by weight, none more than <see cref="Window.TenantSlotsMax"/> while another has due work.
    /// What one does not use goes to the others in the next sweep.
    /// </summary>
    /// <param name="category">Whose slots.</param>
    /// <param name="inFlight">What is rung already, by tenant.</param>
    /// <param name="ct">Ends between statements.</param>
    private async Task<int> Deal(Category category, Dictionary<Guid, int> inFlight, CancellationToken ct)
    {
        var room = Window.SlotsMax - inFlight.Values.Sum();
        if (room <= 0) return 0;
        var most = Math.Min(room, TenantsPerSweepMax);
        // Tenants that are suspended stand in nobody's way: so many more are looked at.
        var found = await TenantsWithDueWork(category, most + suspensions.TenantCount, ct);
        var tenants = found.Where(tenant => !suspensions.Holds(category, new TenantId(tenant), domain: "")).Take(most).ToList();
        if (tenants.Count == 0) return 0;

        var shares = new List<(Guid Tenant, int Slots)>();
        var weights = tenants.Sum(window.Weight);
        var left = room;
        foreach (var tenant in tenants)
        {
            var cap = tenants.Count == 1 ? left : Math.Min(left, Window.TenantSlotsMax - inFlight.GetValueOrDefault(tenant));
            var share = Math.Min(cap, Math.Max(window.Weight(tenant), room * window.Weight(tenant) / weights));
            if (share > 0) shares.Add((tenant, share));
            left -= Math.Max(0, share);
            // Those who were not reached come first next time.
            lastDealt[category] = tenant;
            if (left == 0) break;
        }
        // What is behind it may be free, and should not wait for idle sweeps.
        if (await suspensions.SetAside(category, [.. shares.Select(share => share.Tenant)], ct) > 0) window.ExpectDue(TimeSpan.Zero);
        var rung = await db.Write(transaction => Ring(transaction, category, shares, ct), ct);
        if (rung.Count > 0) CrashPoint.Pass("after-ring-commit");
        window.Add(category, rung.CountBy(entry => entry.Tenant).Select(count => (count.Key, count.Value)));
        foreach (var entry in rung) ringer.Ring(category, entry);
        return rung.Count;
    }

    private async Task<List<DoorbellEntry>> Ring(DbTransaction transaction, Category category, List<(Guid Tenant, int Slots)> shares, CancellationToken ct)
    {
        var rung = new List<DoorbellEntry>();
        var past = suspensions.LookedAt(shares.Count);
        await transaction.Run([.. shares.Select(share => new Statement(
            $"""
            with looked_at as materialized (
                select id, due_at, domain_id, recipient_domain from envelopes
                where category = @category and tenant_id = @tenant and due_at <= now_ms() and state in ('queued', 'deferred')
                order by due_at limit @lookedAt {db.Dialect.SkipLocked}
            ), due as materialized (
                select id as due_id from looked_at where not ({Suspensions.IsSuspended}) order by due_at limit @limit
            )
            update envelopes set state = 'rung', due_at = now_ms() + @patience, set_aside_due_at = null, updated_at = now_ms() from due where envelopes.id = due_id
            returning category, id, attempt, tenant_id
            """,
            ("patience", (long)Ringer.Patience.TotalMilliseconds), ("category", category.ToText()), ("tenant", share.Tenant), ("limit", share.Slots), ("lookedAt", share.Slots + past)))],
            (_, row) => rung.Add(ReadDoorbell(row).Item2), ct);
        return rung;
    }

    /// <summary>
    /// Hops through the index from tenant to tenant, so that a million rows of one cost one step: first those behind the one that was dealt to last,
    /// then the others.
    /// </summary>
    private async Task<List<Guid>> TenantsWithDueWork(Category category, int limit, CancellationToken ct)
    {
        var after = lastDealt.GetValueOrDefault(category);
        var found = await Hop(category, after, Guid.AllBitsSet, limit, ct);
        if (found.Count < limit && after != Guid.Empty) found.AddRange(await Hop(category, Guid.Empty, after, limit - found.Count, ct));
        return found;
    }

    /// <summary>Tenants above <paramref name="after"/> and up to <paramref name="until"/>.</summary>
    private async Task<List<Guid>> Hop(Category category, Guid after, Guid until, int limit, CancellationToken ct) => await db.Query(
        """
        with recursive hop (tenant_id) as (
            select (select tenant_id from envelopes where category = @category and state in ('queued', 'deferred') and tenant_id > @after order by tenant_id limit 1)
            union all
            select (select tenant_id from envelopes e where e.category = @category and e.state in ('queued', 'deferred') and e.tenant_id > hop.tenant_id
                    order by e.tenant_id limit 1)
            from hop where hop.tenant_id is not null and hop.tenant_id < @until
        )
        select tenant_id from hop
        where tenant_id is not null and tenant_id <= @until and exists (
            select 1 from envelopes e
            where e.category = @category and e.state in ('queued', 'deferred') and e.tenant_id = hop.tenant_id and e.due_at <= now_ms()
        )
        limit @limit
        """, row => row.GetGuid(0), ct, ("category", category.ToText()), ("after", after), ("until", until), ("limit", limit));

    private async Task TakeBackLeases(CancellationToken ct)
    {
        // A lease that ran out is lost whoever held it; one of a silent node only if this node may judge.
        var lost = await db.Query(
            """
            select id, attempt from envelopes e
            where state = 'sending' and (due_at <= now_ms() or (@judge = 1 and not exists (
                select 1 from nodes n where n.id = e.node_id and n.seen_at > now_ms() - @silence)))
            limit @limit
            """, row => (Id: row.GetGuid(0), Attempt: row.GetInt32(1)), ct,
            ("judge", db.Dialect.OneWriter || node.MayJudge ? 1 : 0), ("silence", (long)Node.SilenceMax.TotalMilliseconds), ("limit", LeasesPerSweepMax));
        if (lost.Count == 0) return;
        // A beat may be seconds old, and the clock set since.
        await node.Announce(ct);
        if (!node.IsSteady) return;
        foreach (var (id, attempt) in lost) await db.Write(transaction => TakeBack(transaction, id, attempt, ct), ct);
    }

    /// <summary>
    /// What the dead worker's attempt came to is unknown, so a copy may exist from here on. Asked again in the statement itself, since the worker may have
    /// renewed the lease meanwhile, or spoken (it is about to send the final dot), or the clock been set only now. A row that is locked is passed over: a worker
    /// that was stopped while it recorded holds it for as long as it stands still, and nobody else's mail may wait for that.
    /// </summary>
    internal async Task<bool> TakeBack(DbTransaction transaction, Guid id, int attempt, CancellationToken ct)
    {
        var taken = await transaction.Query(
            $"""
            with lost as materialized (
                select id as lost_id from envelopes
                where id = @id and attempt = @attempt and state = 'sending' and now_ms() <= @latest and (due_at <= now_ms() or (@judge = 1 and not exists (
                    select 1 from nodes n where n.id = envelopes.node_id and n.seen_at > now_ms() - @silence)))
                {db.Dialect.SkipLocked}
            )
            update envelopes
            set crashes = crashes + 1, duplicate_possible = true, node_id = null, due_at = now_ms() + crashes * @pause, updated_at = now_ms(),
                seq = seq + case when crashes + 1 >= @crashes or @hold = (select on_uncertain from messages m where m.id = message_id) then 1 else 0 end,
                state = case when @hold = (select on_uncertain from messages m where m.id = message_id) then 'unknown'
                             when crashes + 1 >= @crashes then 'failed'
                             when tries > 0 then 'deferred' else 'queued' end
            from lost where envelopes.id = lost_id
            returning state
            """, row => EnumText.Parse<EnvelopeState>(row.GetString(0)), ct,
            ("crashes", CrashesMax), ("pause", (long)CrashPause.TotalMilliseconds), ("hold", OnUncertain.Hold.ToText()), ("id", id), ("attempt", attempt), ("latest", node.StoreTimeMax),
            ("judge", db.Dialect.OneWriter || node.MayJudge ? 1 : 0), ("silence", (long)Node.SilenceMax.TotalMilliseconds));
        if (taken.Count == 0) return false;

        LogLeaseLost(new EnvelopeId(id), taken[0]);
        LeasesLost.Add(1, new KeyValuePair<string, object?>("state", taken[0].ToText()));
        var type = taken[0] switch
        {
            EnvelopeState.Failed => EventType.MessageFailed,
            EnvelopeState.Unknown => EventType.MessageUnknown,
            _ => (EventType?)null,
        };
        if (type is null) return true;
        var (tenant, data) = (await transaction.Query(EnvelopeEvents.Select + " where e.id = @id", EnvelopeEvents.Read, ct, ("id", id)))[0];
        var reason = type == EventType.MessageFailed ? $"The worker died {CrashesMax} times on this envelope." : "The worker died during the attempt.";
        await transaction.Run([.. EventLog.Append(tenant, type.Value, data with { Reason = reason })], onRow: null, ct);
        return true;
    }

    private static (Category, DoorbellEntry) ReadDoorbell(DbDataReader row) =>
        (EnumText.Parse<Category>(row.GetString(0)), new DoorbellEntry(row.GetGuid(1), row.GetInt32(2), row.GetGuid(3)));

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, the sweep waits: {Error}")]
    private partial void LogStoreAway(string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Took back the lease of {Envelope}: a copy may exist; it is now {State}")]
    private partial void LogLeaseLost(EnvelopeId envelope, EnvelopeState state);
}
