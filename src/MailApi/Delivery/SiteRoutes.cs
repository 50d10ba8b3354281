using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Shaping;
using MailApi.Spool;
using MailApi.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Delivery;

/// <summary>What is in force at the destinations, and why.</summary>
public static class SiteRoutes
{
    public static void MapSites(this IEndpointRouteBuilder routes) =>
        routes.MapGroup("/sites").WithTags("Sites").MapGet("", List).RequireScope(Scopes.Operator, needsTenant: false).WithName("ListSites")
            .WithSummary("Lists destination sites and what each is given now.")
            .WithDescription("A site is a set of mail hosts (MX) that recipient domains share. Each process that delivers has its share of a site's limits and adapts it: one entry for each.");

    private static async Task<Results<Ok<Page<SiteView>>, ProblemHttpResult>> List(
        [Description("Sites in this state alone.")][TextOf(typeof(SiteState))] string? state,
        [Description("The site of this recipient domain alone.")] string? domain,
        int? limit, string? cursor, Db db, CancellationToken ct)
    {
        var errors = new Dictionary<string, string[]>();
        var count = Paging.Limit(limit);
        if (count is null) errors["limit"] = [$"Between 1 and {Paging.LimitMax}."];
        if (state is not null && !EnumText.TryParse<SiteState>(state, out _)) errors["state"] = ["One of open, slowed, paused, closed."];
        if (domain?.Contains('\0') == true) errors["domain"] = ["A recipient domain."];
        if (!TryReadCursor(cursor, out var after)) errors["cursor"] = ["This is no cursor of this list."];
        if (errors.Count > 0) return Problem.InvalidFields(errors);

        var found = await db.Query(
            """
            select s.report, s.node_id from sites s join nodes n on n.id = s.node_id
            where n.seen_at > now_ms() - @silence and (s.site > @site or (s.site = @site and s.node_id > @node))
              and (cast(@state as text) is null or s.state = @state)
              and (cast(@domain as text) is null or s.site = (select d.site from site_domains d where d.recipient_domain = @domain))
            order by s.site, s.node_id limit @limit
            """, row => JsonSerializer.Deserialize(row.GetString(0), SiteJson.Default.SiteView)! with { Node = row.GetGuid(1) }, ct,
            ("silence", (long)Spool.Node.SilenceMax.TotalMilliseconds), ("site", after.Site), ("node", after.Node), ("state", state), ("domain", domain?.ToLowerInvariant()),
            ("limit", count!.Value + 1));
        var shown = found.Take(count.Value).ToList();
        return TypedResults.Ok(new Page<SiteView>(shown, found.Count > shown.Count ? Paging.Encode($"{shown[^1].Node:N} {shown[^1].Site}") : null));
    }

    private static bool TryReadCursor(string? cursor, out (string Site, Guid Node) after)
    {
        after = ("", Guid.Empty);
        if (string.IsNullOrEmpty(cursor)) return true;
        if (!Paging.TryDecode(cursor, out var position) || position.Contains('\0') || position.Split(' ', 2) is not [var node, var site]
            || !Guid.TryParseExact(node, "N", out var id)) return false;
        after = (site, id);
        return true;
    }
}

/// <summary>A destination site as one process has it in force.</summary>
public sealed record SiteView
{
    /// <summary>The names of its mail hosts, separated by commas, or <c>relay:host:port</c>; what <c>kind: site</c> of the queue takes.</summary>
    public required string Site { get; init; }

    /// <summary>The process.</summary>
    public Guid Node { get; init; }

    /// <summary>The profile that holds for it.</summary>
    public required string Profile { get; init; }

    /// <summary>Where the profile's figures come from, and when they were looked at.</summary>
    public required string Source { get; init; }

    /// <summary>What else to know of the receiver.</summary>
    public string? Note { get; init; }
    [JsonConverter(typeof(LowerCaseEnumConverter<SiteState>))]
    public required SiteState State { get; init; }

    /// <summary>When the state began; absent for a site that was always open.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>When a pause ends, or the next attempt is made.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The reply or failure that caused it, without mail addresses.</summary>
    public string? Reason { get; init; }
    public required SiteConnectionsView Connections { get; init; }

    /// <summary>Messages on one connection.</summary>
    public required int MessagesPerConnection { get; init; }

    /// <summary>For so long an unused connection is kept; absent from a process of an older version.</summary>
    public double? IdleSeconds { get; init; }

    /// <summary>Messages a second that the process may send now; absent: as many as the connections carry.</summary>
    public double? PerSecond { get; init; }

    /// <summary>Messages a second of the profile, of all processes together.</summary>
    public double? ProfilePerSecond { get; init; }

    /// <summary>Some of the recipient domains whose mail goes there.</summary>
    public required IReadOnlyList<string> Domains { get; init; }
    public required SiteCounts Counts { get; init; }

    /// <summary>When it was last asked for.</summary>
    public required DateTimeOffset UsedAt { get; init; }

    internal static SiteView From(SiteReport report) => new()
    {
        Site = report.Site,
        Profile = report.Profile.Name,
        Source = $"{report.Profile.Source} ({report.Profile.AsOf:yyyy-MM})",
        Note = report.Profile.Note,
        State = report.State,
        Since = report.Since,
        Until = report.Until,
        Reason = report.Reason,
        Connections = new SiteConnectionsView(report.InUse, report.Connections, report.Profile.Connections),
        MessagesPerConnection = report.Profile.MessagesPerConnection,
        IdleSeconds = report.Profile.IdleTime.TotalSeconds,
        PerSecond = report.PerSecond,
        ProfilePerSecond = report.Profile.PerSecond,
        Domains = report.Domains,
        Counts = new SiteCounts(report.Delivered, report.Deferred, report.Refused, report.Failed),
        UsedAt = report.UsedAt,
    };
}

/// <summary>Connections to a site.</summary>
/// <param name="InUse">At work.</param>
/// <param name="Now">That the process may use now.</param>
/// <param name="Profile">That the profile allows, of all processes together.</param>
public sealed record SiteConnectionsView(int InUse, int Now, int Profile);

/// <summary>What became of the attempts since the process first met the site.</summary>
/// <param name="Delivered">The receiver took the message.</param>
/// <param name="Deferred">4xx replies.</param>
/// <param name="Refused">5xx replies.</param>
/// <param name="Failed">Attempts without a reply.</param>
public sealed record SiteCounts(long Delivered, long Deferred, long Refused, long Failed);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SiteView))]
[JsonSerializable(typeof(Page<SiteView>))]
internal sealed partial class SiteJson : JsonSerializerContext;
