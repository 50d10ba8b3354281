using System.Data.Common;
using System.Globalization;
using System.Text;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>
/// Notices that the store was restored from a backup. What it takes for waiting may have been sent since: that is held (<see cref="HeldMail"/>), and events are numbered
/// above all cursors that were handed out. It is noticed by a mark in the store (a backup that <c>MailApi backup</c> made has one, <c>MailApi restored</c> sets one); by what is remembered outside of
/// the store being later than what is noted in it; or, where nothing is remembered, by the database being another one than before.
/// </summary>
internal sealed partial class Restoration(Db db, HeldMail held, AppendAct append, ILogger<Restoration> log)
{
    /// <summary>Sets the mark.</summary>
    public const string Mark = "insert into settings (name, value) values ('restored', @value) on conflict (name) do nothing";

    private const string Home = "store-home";
    private const string Seen = "store-seen";
    private const string Restored = "restored";

    /// <summary>Notes in the store that it is in use now. Once that is committed it may be remembered elsewhere: it is never later there than here.</summary>
    public Task<DateTimeOffset> Advance(CancellationToken ct) => db.Write(async transaction =>
    {
        await TakeTurns(transaction, ct);
        return await Advance(transaction, await Read(transaction, ct), DateTimeOffset.MinValue, ct);
    }, ct);

    /// <summary>Holds what has to be held. To be asked before this process delivers.</summary>
    /// <param name="remembered">The latest answer of <see cref="Advance(CancellationToken)"/> that is remembered elsewhere; null where none is.</param>
    /// <param name="ct">Ends between transactions.</param>
    public Task Check(DateTimeOffset? remembered, CancellationToken ct) => Check(remembered, isRead: true, ct);

    /// <summary>As <see cref="Check(DateTimeOffset?, CancellationToken)"/>, while what is remembered cannot be read: only the operator's word counts then.</summary>
    public Task CheckMark(CancellationToken ct) => Check(remembered: null, isRead: false, ct);

    private async Task Check(DateTimeOffset? remembered, bool isRead, CancellationToken ct)
    {
        var noticed = await db.Write(transaction => Notice(transaction, remembered, isRead, ct), ct);
        if (noticed is var (reason, count))
        {
            var forbidden = await held.EndForbidden(new HeldMailAge(), ct);
            await db.Note(new Act(append) { Name = "NoticeRestoration", Actor = "service", Subject = string.Create(CultureInfo.InvariantCulture, $"{count} envelopes: {reason}") }, ct);
            LogHeld(reason, count - forbidden, forbidden);
        }
        else if (await held.View(ct) is { Count: var still })
        {
            LogStillHeld(still);
        }
    }

    private async Task<(string Reason, int Count)?> Notice(DbTransaction transaction, DateTimeOffset? remembered, bool isRead, CancellationToken ct)
    {
        // Of several processes that start together one notices.
        await TakeTurns(transaction, ct);
        var settings = await Read(transaction, ct);
        var home = db.Dialect.Home is { } where ? (await transaction.Query(where, row => row.GetString(0), ct))[0] : "";
        var isElsewhere = settings.TryGetValue(Home, out var before) && before != home;
        if (isRead && before != home) await Set(transaction, Home, home, ct);

        var reason = settings.TryGetValue(Restored, out var mark) ? mark
            : remembered > Instant(settings) ? string.Create(CultureInfo.InvariantCulture, $"it ends at {Instant(settings):u}, and was in use at {remembered:u}")
            : remembered is null && isRead && isElsewhere ? "it is in another database than before"
            : null;
        // Envelopes before events, as everybody takes their locks.
        var count = reason is null ? 0 : await HeldMail.Hold(transaction, inUseUntil: mark is null ? remembered : null, ct);
        if (reason is not null || isElsewhere) await transaction.Run([new Statement(db.Dialect.SkipEventNumbers)], (_, _) => { }, ct);
        if (reason is null) return null;
        await transaction.Execute("delete from settings where name = 'restored'", ct);
        await Advance(transaction, settings, remembered ?? DateTimeOffset.MinValue, ct);
        return (reason, count);
    }

    private async Task TakeTurns(DbTransaction transaction, CancellationToken ct)
    {
        if (db.Dialect.TakeTurns is { } takeTurns) await transaction.Query(takeTurns, row => row.FieldCount, ct, ("subject", Restored));
    }

    private static async Task<Dictionary<string, string>> Read(DbTransaction transaction, CancellationToken ct) => (await transaction.Query(
        "select name, value from settings where name in ('restored', 'store-home', 'store-seen')", row => (Name: row.GetString(0), Value: Encoding.UTF8.GetString(row.Bytes(1))), ct))
        .ToDictionary(setting => setting.Name, setting => setting.Value);

    /// <summary>Never back, though the clock may be set back.</summary>
    private static async Task<DateTimeOffset> Advance(DbTransaction transaction, Dictionary<string, string> settings, DateTimeOffset least, CancellationToken ct)
    {
        var now = (await transaction.Query("select now_ms()", row => row.Instant(0), ct))[0];
        // Later than before in any case: a clock that was set back must not make a backup look like now.
        var seen = new[] { now, least, Instant(settings) is var last && last == DateTimeOffset.MinValue ? last : last.AddMilliseconds(1) }.Max();
        await Set(transaction, Seen, seen.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture), ct);
        return seen;
    }

    private static Task<int> Set(DbTransaction transaction, string name, string value, CancellationToken ct) => transaction.Execute(
        "insert into settings (name, value) values (@name, @value) on conflict (name) do update set value = excluded.value", ct, ("name", name), ("value", Encoding.UTF8.GetBytes(value)));

    private static DateTimeOffset Instant(Dictionary<string, string> settings) =>
        settings.TryGetValue(Seen, out var text) ? DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(text, CultureInfo.InvariantCulture)) : DateTimeOffset.MinValue;

    [LoggerMessage(Level = LogLevel.Critical, Message = "The store was restored from a backup ({Reason}). {Count} envelopes may have been sent since and are held: see GET /queue, then POST /queue/release or /queue/discard. {Forbidden} that must not be sent twice ended in unknown.")]
    private partial void LogHeld(string reason, int count, int forbidden);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} envelopes are held since the store was restored from a backup: see GET /queue, then POST /queue/release or /queue/discard.")]
    private partial void LogStillHeld(long count);
}
