using System.Data.Common;
using MailApi.Api;
using MailApi.Events;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>
/// Mail that may have left already, because the store was restored from a backup that does not know: it is due never, until the operator says what is to become of it. To its tenant
/// it is queued or deferred mail without a next attempt.
/// </summary>
internal sealed class HeldMail(Db db, EventsAppended appended)
{
    /// <summary>The end of the year 9999: <c>due_at</c> of what is held.</summary>
    public const long Never = 253_402_300_799_999;

    private const string IsHeld = "state in ('queued', 'deferred') and due_at = @never";
    private const string OfAge = "created_at >= @from and created_at < @before";
    private const string Reason = "The store was restored from a backup, and the message may have been sent since.";
    private const int RowsPerBatch = 256;

    /// <summary>A statement over more would come to the end of its time, and keep others waiting.</summary>
    public const int RowsPerStatement = 10_000;

    /// <summary>The store says every ten seconds that it is in use.</summary>
    private static readonly TimeSpan AcceptedAfterMin = TimeSpan.FromSeconds(30);

    /// <summary>Holds everything that may have been sent by now; what is scheduled for later was not.</summary>
    /// <param name="transaction">In which that is noticed.</param>
    /// <param name="inUseUntil">When the store was last known to be in use: what was accepted well after that came after the restoration. Null: unknown.</param>
    /// <param name="ct">Ends between statements.</param>
    /// <returns>How many envelopes that was.</returns>
    public static async Task<int> Hold(DbTransaction transaction, DateTimeOffset? inUseUntil, CancellationToken ct)
    {
        var (all, held) = (0, 0);
        do
        {
            held = await transaction.Execute(
                """
                update envelopes
                set state = case when tries > 0 then 'deferred' else 'queued' end, due_at = @never, node_id = null, duplicate_possible = true, updated_at = now_ms()
                where id in (
                    select id from envelopes
                    where (state in ('rung', 'sending', 'deferred') or (state = 'queued' and due_at <= now_ms())) and due_at <> @never and created_at < @until
                    limit @rows)
                """, ct, ("never", Never), ("until", (inUseUntil + AcceptedAfterMin)?.ToUnixTimeMilliseconds() ?? long.MaxValue), ("rows", RowsPerStatement));
            all += held;
        }
        while (held == RowsPerStatement);
        return all;
    }

    /// <summary>Null where none is held.</summary>
    public async Task<HeldView?> View(CancellationToken ct) => (await db.Query(
        $"select count(*), min(created_at), max(created_at) from envelopes where {IsHeld}",
        row => row.GetInt64(0) == 0 ? null : new HeldView(row.GetInt64(0), row.Instant(1), row.Instant(2)), ct, ("never", Never)))[0];

    /// <summary>Makes it due: its recipients may get a second copy. What forbids that ends in <see cref="EnvelopeState.Unknown"/>.</summary>
    /// <returns>How many envelopes are due.</returns>
    public async Task<int> Release(HeldMailAge age, CancellationToken ct)
    {
        await EndForbidden(age, ct);
        var (all, released) = (0, 0);
        do
        {
            released = await db.Execute(
                $"update envelopes set due_at = now_ms() where id in (select id from envelopes where {IsHeld} and {OfAge} limit @rows)", ct, [.. Args(age), ("rows", RowsPerStatement)]);
            all += released;
        }
        while (released == RowsPerStatement);
        return all;
    }

    /// <summary>Ends it in <see cref="EnvelopeState.Unknown"/>: its recipients may get none.</summary>
    /// <returns>How many envelopes ended.</returns>
    public Task<int> Discard(HeldMailAge age, CancellationToken ct) => End("", age, ct);

    /// <summary>Ends what <c>onUncertain: hold</c> forbids to be tried again.</summary>
    public Task<int> EndForbidden(HeldMailAge age, CancellationToken ct) =>
        End($"and '{OnUncertain.Hold.ToText()}' = (select on_uncertain from messages m where m.id = message_id)", age, ct);

    private async Task<int> End(string condition, HeldMailAge age, CancellationToken ct)
    {
        var (all, ended) = (0, 0);
        do
        {
            ended = await db.Write(async transaction =>
            {
                var rows = await transaction.Query(
                    $"""
                    update envelopes
                    set state = 'unknown', seq = seq + 1, due_at = now_ms(), reply_code = 0, reply_enhanced = null, reply_text = @reason, reply_mx = null, updated_at = now_ms()
                    where {IsHeld} and id in (select id from envelopes where {IsHeld} and {OfAge} {condition} limit @rows)
                    {EnvelopeEvents.Returning}
                    """, EnvelopeEvents.Read, ct, [.. Args(age), ("reason", Reason), ("rows", RowsPerBatch)]);
                await transaction.Run([.. rows.SelectMany(row => EventLog.Append(row.Tenant, EventType.MessageUnknown, row.Data with { Reason = Reason }))], onRow: null, ct);
                return rows.Count;
            }, ct);
            all += ended;
        }
        while (ended > 0);
        if (all > 0) appended();
        return all;
    }

    private static (string, object?)[] Args(HeldMailAge age) =>
    [
        ("never", Never), ("from", age.AcceptedFrom?.ToUnixTimeMilliseconds() ?? 0), ("before", age.AcceptedBefore?.ToUnixTimeMilliseconds() ?? long.MaxValue),
    ];
}

/// <summary>Which of the mail that is held: all of it, or what was accepted in this time.</summary>
/// <param name="AcceptedFrom">The first instant.</param>
/// <param name="AcceptedBefore">The first instant that is too late.</param>
public sealed record HeldMailAge(DateTimeOffset? AcceptedFrom = null, DateTimeOffset? AcceptedBefore = null)
{
    public override string ToString() => (AcceptedFrom, AcceptedBefore) switch
    {
        (null, null) => "all that is held",
        (_, null) => $"accepted from {AcceptedFrom:u}",
        (null, _) => $"accepted before {AcceptedBefore:u}",
        _ => $"accepted from {AcceptedFrom:u} and before {AcceptedBefore:u}",
    };
}

/// <summary>Mail that is held because the store was restored from a backup: it may have been sent since.</summary>
/// <param name="Count">Envelopes.</param>
/// <param name="OldestAcceptedAt">When the oldest was accepted.</param>
/// <param name="NewestAcceptedAt">When the newest was accepted.</param>
public sealed record HeldView(long Count, DateTimeOffset OldestAcceptedAt, DateTimeOffset NewestAcceptedAt);

/// <summary>How many held envelopes that was.</summary>
public sealed record HeldMailDone(int Count);
