using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Preflight;
using MailApi.Spool;
using MailApi.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Delivery.Egress;

/// <summary>The addresses that mail leaves from, for the operator.</summary>
internal static class EgressRoutes
{
    /// <summary>Addresses in one answer; the settings of a node allow fewer.</summary>
    private const int RowsMax = 1000;
    private const int SitesShownMax = 10;

    public static void MapEgress(this IEndpointRouteBuilder routes) => routes.MapGet("/egress", List)
        .RequireScope(Scopes.Operator, needsTenant: false).WithTags("Egress").WithName("ListEgressAddresses")
        .WithSummary("Lists source addresses by pool: what each does now, and why.")
        .WithDescription("One entry for each address of each process that delivers; none where no pools are set. Reverse DNS, HELO name and blocklists are looked up every hour.");

    private static async Task<Ok<Page<EgressView>>> List(Db db, SentToday sent, CancellationToken ct)
    {
        var today = ("day", (object?)SentToday.DayNumber(sent.Today));
        var reports = await db.Query(
            """
            select e.report, e.node_id from egress_addresses e join nodes n on n.id = e.node_id
            where n.seen_at > now_ms() - @silence order by e.node_id, e.address limit @limit
            """, row => JsonSerializer.Deserialize(row.GetString(0), EgressJson.Default.EgressView)! with { Node = row.GetGuid(1) }, ct,
            ("silence", (long)Node.SilenceMax.TotalMilliseconds), ("limit", RowsMax));
        var totals = (await db.Query("select address, cast(sum(messages) as bigint) from egress_counts where day = @day group by address", row => (Address: row.GetString(0), Messages: row.GetInt64(1)), ct, today))
            .ToDictionary(row => row.Address, row => row.Messages);
        var fullest = (await db.Query(
            "select address, site, messages from egress_counts where day = @day and site <> '' order by messages desc limit @limit",
            row => (Address: row.GetString(0), Count: new EgressSiteCount(row.GetString(1), row.GetInt64(2))), ct, today, ("limit", RowsMax))).ToLookup(row => row.Address, row => row.Count);
        return TypedResults.Ok(new Page<EgressView>(
        [
            .. reports.OrderBy(report => report.Pool, StringComparer.Ordinal).Select(report => report with
            {
                Allowance = WarmUp.Allowance(report.Since, sent.Today),
                SentToday = totals.GetValueOrDefault(report.Address),
                Sites = fullest.Contains(report.Address) ? [.. fullest[report.Address].Take(SitesShownMax)] : null,
            }),
        ], null));
    }
}

/// <summary>A source address as one process has it.</summary>
internal sealed record EgressView
{
    public required string Pool { get; init; }

    /// <summary>As receivers see it.</summary>
    public required string Address { get; init; }

    /// <summary>As the machine has it.</summary>
    public required string Local { get; init; }

    /// <summary>Said in EHLO.</summary>
    public required string HeloName { get; init; }

    /// <summary>The process.</summary>
    public Guid Node { get; init; }

    [JsonConverter(typeof(LowerCaseEnumConverter<EgressState>))]
    public required EgressState State { get; init; }

    /// <summary>Why it rests, or should: an address that nothing can replace goes on.</summary>
    public string? Reason { get; init; }

    /// <summary>The UTC day of its first mail.</summary>
    public DateOnly? Since { get; init; }

    /// <summary>Messages to each site today, while it is warmed up.</summary>
    public long? Allowance { get; init; }

    /// <summary>Messages that receivers saw from it today (UTC), from all processes.</summary>
    public long SentToday { get; init; }

    /// <summary>The sites that got most of them, while it is warmed up.</summary>
    public IReadOnlyList<EgressSiteCount>? Sites { get; init; }

    /// <summary>What its reverse DNS and its name say, and what to do about it.</summary>
    public required IReadOnlyList<EgressCheck> Checks { get; init; }

    public required DateTimeOffset CheckedAt { get; init; }
}

/// <summary>Messages to a site.</summary>
internal sealed record EgressSiteCount(string Site, long Messages);

/// <summary>What receivers find out about an address.</summary>
/// <param name="Name"><c>reverseDns</c> or <c>helo</c>.</param>
/// <param name="Result">The answer.</param>
/// <param name="Reason">With the values seen.</param>
/// <param name="Cure">What to change.</param>
internal sealed record EgressCheck(string Name, [property: JsonConverter(typeof(LowerCaseEnumConverter<CheckResult>))] CheckResult Result, string Reason, string? Cure);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EgressView))]
[JsonSerializable(typeof(Page<EgressView>))]
internal sealed partial class EgressJson : JsonSerializerContext;
