using System.Data.Common;
using System.Text.Json;
using MailApi.Api;
using MailApi.Events;
using MailApi.Mail.Bounces;
using MailApi.Storage;

namespace MailApi.Statistics;

/// <summary>
/// Counts the event log into <c>statistics</c>, each event once: the counts and the place in the log up to which they go are written in one transaction,
/// and only from the place at which the reading began. Of several that count at once one is heard. Events are read below the horizon alone, in
/// the order of their transactions: one that is committed late still comes after the place.
/// </summary>
internal sealed class EventTally(Db db)
{
    /// <summary>Events in one round.</summary>
    public const int RowsMax = 2000;

    private const long MillisecondsPerDay = 24 * 60 * 60 * 1000;

    // One writer at a time numbers rows in the order of commits: there the rows' own order is the log's, and needs no index.
    private readonly string order = db.Dialect.OneWriter ? "e.position > @position order by e.position" : "(e.transaction_id, e.position) > (@transaction, @position) order by e.transaction_id, e.position";

    /// <summary>Counts what is next in the log; false when that was all of it, or when another was faster.</summary>
    public async Task<bool> Round(CancellationToken ct)
    {
        var place = (await db.Query("select transaction_id, position from event_cursors where reader = 'statistics'", ReadPlace, ct))[0];
        var found = await db.Query(
            $"select e.transaction_id, e.position, e.tenant_id, e.type, e.at, e.data from events e where e.transaction_id < events_horizon() and {order} limit @rows",
            row => (Place: ReadPlace(row), Key: ReadKey(row)), ct, ("transaction", place.Transaction), ("position", place.Position), ("rows", RowsMax));
        if (found.Count == 0) return false;

        var counts = found.Where(it => it.Key is not null).CountBy(it => it.Key!).ToList();
        var isMine = await db.Write(async transaction =>
        {
            if (await transaction.Execute(
                """
                update event_cursors set transaction_id = @newTransaction, position = @newPosition
                where reader = 'statistics' and transaction_id = @transaction and position = @position
                """, ct, ("newTransaction", found[^1].Place.Transaction), ("newPosition", found[^1].Place.Position),
                ("transaction", place.Transaction), ("position", place.Position)) == 0) return false;
            await transaction.Run([.. counts.Select(count => Add(count.Key, count.Value))], null, ct);
            return true;
        }, ct);
        return isMine && found.Count == RowsMax;
    }

    private static (long Transaction, long Position) ReadPlace(DbDataReader row) => (row.GetInt64(0), row.GetInt64(1));

    private static Key? ReadKey(DbDataReader row)
    {
        if (StatisticsKinds.Of(EventTypes.Parse(row.GetString(3))) is not { } kind) return null;
        var data = JsonSerializer.Deserialize(row.GetString(5), EventJson.Default.EventData)!;
        // Whoever refuses a topic still gets the rest.
        if (data.Topic is not null && kind == StatisticsKind.Unsubscribed) return null;
        if (data is not { Category: { } category, Recipient: { } recipient }) return null;
        return new Key(
            row.GetGuid(2), row.GetInt64(4) / MillisecondsPerDay, data.Test == true, data.Domain ?? "", category, recipient[(recipient.LastIndexOf('@') + 1)..].ToLowerInvariant(), kind,
            kind == StatisticsKind.Bounced ? data.Class ?? BounceClass.Other : null);
    }

    private static Statement Add(Key key, int events) => new(
        """
        insert into statistics (tenant_id, day, test, domain, category, site, kind, class, events)
        values (@tenant, @day, @test, @domain, @category, coalesce((select s.site from site_domains s where s.recipient_domain = @recipientDomain), @recipientDomain), @kind, @class, @events)
        on conflict (tenant_id, day, test, domain, category, site, kind, class) do update set events = statistics.events + excluded.events
        """,
        ("tenant", key.Tenant), ("day", key.Day), ("test", key.Test), ("domain", key.Domain), ("category", key.Category.ToText()), ("recipientDomain", key.RecipientDomain),
        ("kind", key.Kind.ToText()), ("class", key.Class?.Name() ?? ""), ("events", (long)events));

    private sealed record Key(Guid Tenant, long Day, bool Test, string Domain, Category Category, string RecipientDomain, StatisticsKind Kind, BounceClass? Class);
}
