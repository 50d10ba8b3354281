using System.ComponentModel;
using System.Globalization;
using MailApi.Api;
using MailApi.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Events;

/// <summary>The tenant's event log, for those who poll or reconcile.</summary>
public static class EventRoutes
{
    // In ranges of the index, so that a poller pays for what is new and not for what it has. One writer at a time numbers rows in the order of commits, in transactions without a number.
    private const string Next = "e.transaction_id < events_horizon() and (e.transaction_id, e.position) > (@transaction, @position) order by e.transaction_id, e.position";
    private const string NextOfOneWriter = "e.transaction_id = 0 and e.position > @position order by e.position";

    public static void MapEvents(this IEndpointRouteBuilder routes) => routes.MapGet("/events", List)
        .RequireScope(Scopes.Read).WithTags("Events").WithName("ListEvents")
        .WithSummary("Reads the event log, oldest first.")
        .WithDescription("The cursor never skips an event: pass each answer's `next` as `after`. An answer always has one, so that a poller can wait for more from there.");

    /// <summary>
    /// An answer always has a cursor, so that a poller can wait for more from there. Events of transactions that are still open hold back
    /// the later ones, which is why no event can appear before a cursor that was handed out.
    /// </summary>
    private static async Task<Results<Ok<Page<Event>>, ProblemHttpResult>> List(
        Caller caller, Db db, CancellationToken ct, [Description("The `next` of the answer before; absent to read from the beginning.")] string? after = null, int? limit = null)
    {
        if (Paging.Limit(limit) is not { } rows) return Problem.InvalidFields(new Dictionary<string, string[]> { ["limit"] = [$"Between 1 and {Paging.LimitMax}."] });
        var (transaction, position) = (-1L, -1L);
        if (!string.IsNullOrEmpty(after) && !TryDecode(after, out transaction, out position))
            return Problem.InvalidFields(new Dictionary<string, string[]> { ["after"] = ["Not a cursor of this log: pass an answer's next, or nothing to read from the beginning."] });

        var found = await db.QueryAs(
            caller.Tenant,
            $"""
            select {EventLog.Columns}, e.transaction_id, e.position from events e left join messages m on m.id = e.message_id
            where e.tenant_id = @tenant and {(db.Dialect.OneWriter ? NextOfOneWriter : Next)} limit @limit
            """, row => (Event: EventLog.Read(row), Transaction: row.GetInt64(7), Position: row.GetInt64(8)), ct,
            ("tenant", caller.Tenant.Value), ("transaction", transaction), ("position", position), ("limit", rows));
        if (found.Count > 0) (_, transaction, position) = found[^1];
        return TypedResults.Ok(new Page<Event>([.. found.Select(row => row.Event)], Paging.Encode(string.Create(CultureInfo.InvariantCulture, $"{transaction}.{position}"))));
    }

    private static bool TryDecode(string cursor, out long transaction, out long position)
    {
        (transaction, position) = (0, 0);
        if (!Paging.TryDecode(cursor, out var text) || text.Split('.') is not [var first, var second]) return false;
        return long.TryParse(first, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out transaction)
            && long.TryParse(second, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out position);
    }
}
