using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Composition;
using MailApi.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Spool;

/// <summary>What waits, and the operator's hand on it.</summary>
public static class QueueRoutes
{
    public static void MapQueue(this IEndpointRouteBuilder routes)
    {
        var queue = routes.MapGroup("/queue").WithTags("Queue");
        queue.MapGet("", Depths).RequireScope(Scopes.Operator, needsTenant: false).WithName("GetQueue")
            .WithSummary("What waits.").WithDescription("Depth and oldest age by category, tenant, sending domain, destination site and recipient domain, and what is held back.");
        queue.MapPost("/suspend", Suspend).RequireScope(Scopes.Operator, needsTenant: false).WithName("SuspendQueue").WithSummary("Holds mail back until it is resumed.");
        queue.MapPost("/resume", Resume).RequireScope(Scopes.Operator, needsTenant: false).WithName("ResumeQueue").WithSummary("Ends a suspension.");
        queue.MapPost("/flush", Flush).RequireScope(Scopes.Operator, needsTenant: false).WithName("FlushQueue").WithSummary("Makes mail that waits for its next attempt due now.")
            .WithDescription("By site, it also ends the site's pause, and lets one attempt decide at once where it is closed; the mail is due two seconds later. Of a relay's site it does that alone: nothing tells which mail takes it.");
        queue.MapPost("/release", Release).RequireScope(Scopes.Operator, needsTenant: false).WithName("ReleaseHeldMail").WithSummary("Sends mail that is held.")
            .WithDescription("Mail is held when the store was restored from a backup: it may have been sent since, and its recipients may get a second copy. What was accepted with `onUncertain: hold` ends in `unknown` instead.");
        queue.MapPost("/discard", Discard).RequireScope(Scopes.Operator, needsTenant: false).WithName("DiscardHeldMail").WithSummary("Ends mail that is held.")
            .WithDescription("Mail is held when the store was restored from a backup: it may not have been sent, and its recipients may get none. It ends in `unknown`.");
    }

    private static async Task<Ok<QueueView>> Depths(Db db, HeldMail held, CancellationToken ct)
    {
        var depths = (await db.Query(Waiting, row => (By: row.GetString(0), Depth: new QueueDepth(row.TextOrNull(1) ?? "(removed)", row.GetInt64(2), row.GetInt64(3) / 1000d)), ct, ("limit", QueueView.RowsMax)))
            .ToLookup(row => row.By, row => row.Depth);
        var suspensions = await db.Query(
            "select kind, value, created_at from suspensions order by created_at",
            row => new Suspension(EnumText.Parse<SuspensionKind>(row.GetString(0)), row.GetString(1), row.Instant(2)), ct);
        return TypedResults.Ok(new QueueView
        {
            Categories = [.. depths["category"]],
            Tenants = [.. depths["tenant"].Select(depth => depth with { Name = new TenantId(Guid.Parse(depth.Name)).ToString() })],
            Domains = [.. depths["domain"]],
            Sites = [.. depths["site"]],
            RecipientDomains = [.. depths["recipientDomain"]],
            Suspensions = suspensions,
            Held = await held.View(ct),
        });
    }

    /// <summary>Everything that waits is read once, by the two indexes that hold nothing else. Each of the five has its deepest first.</summary>
    private static readonly string Waiting = $"""
        with waiting as materialized (
            select e.category, e.tenant_id, e.domain_id, e.recipient_domain, count(*) as depth, min(e.created_at) as oldest from (
                select category, tenant_id, domain_id, recipient_domain, created_at from envelopes where state in ('queued', 'deferred') union all
                select category, tenant_id, domain_id, recipient_domain, created_at from envelopes where state in ('rung', 'sending')) e
            group by e.category, e.tenant_id, e.domain_id, e.recipient_domain)
        {By("category", "w.category", "")} union all
        {By("tenant", "cast(w.tenant_id as text)", "")} union all
        {By("domain", "d.name", "left join domains d on d.id = w.domain_id")} union all
        {By("site", "coalesce(s.site, w.recipient_domain)", "left join site_domains s on s.recipient_domain = w.recipient_domain")} union all
        {By("recipientDomain", "w.recipient_domain", "")}
        order by 3 desc, 2
        """;

    private static string By(string name, string value, string join) => $"""
        select * from (select '{name}' as grouping, {value} as value, cast(sum(w.depth) as bigint) as depth, now_ms() - min(w.oldest) as age
                       from waiting w {join} group by {value} order by 3 desc, 2 limit @limit) as {name}
        """;

    private static async Task<Results<NoContent, ProblemHttpResult>> Suspend(QueueKey key, Suspensions suspensions, CancellationToken ct)
    {
        if (Invalid(key, out var kind, out var value) is { } problem) return problem;
        await suspensions.Add(kind, value, ct);
        return TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> Resume(QueueKey key, Suspensions suspensions, CancellationToken ct)
    {
        if (Invalid(key, out var kind, out var value) is { } problem) return problem;
        await suspensions.Remove(kind, value, ct);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<Flushed>, ProblemHttpResult>> Flush(QueueKey key, Flushes flushes, CancellationToken ct)
    {
        if (Invalid(key, out var kind, out var value) is { } problem) return problem;
        return TypedResults.Ok(new Flushed(await flushes.Flush(kind, value, ct)));
    }

    private static async Task<Ok<HeldMailDone>> Release(HeldMailAge age, HeldMail held, CancellationToken ct)
    {
        Act.Concerns(null, $"{age}");
        return TypedResults.Ok(new HeldMailDone(await held.Release(age, ct)));
    }

    private static async Task<Ok<HeldMailDone>> Discard(HeldMailAge age, HeldMail held, CancellationToken ct)
    {
        Act.Concerns(null, $"{age}");
        return TypedResults.Ok(new HeldMailDone(await held.Discard(age, ct)));
    }

    /// <summary>What is wrong with it; null where it names one thing, which the act in hand then is about.</summary>
    private static ProblemHttpResult? Invalid(QueueKey key, out SuspensionKind kind, out string value)
    {
        var named = new List<(SuspensionKind Kind, string? Value)>
        {
            (SuspensionKind.Category, key.Category), (SuspensionKind.Tenant, key.Tenant), (SuspensionKind.Domain, key.Domain), (SuspensionKind.Site, key.Site),
        }.FindAll(one => one.Value is not null);
        (kind, value) = named.Count > 0 ? (named[0].Kind, named[0].Value!) : (default, "");
        if (kind is SuspensionKind.Domain or SuspensionKind.Site && DomainName.TryParse(value, out var name)) value = name;
        if (named.Count != 1) return Refused("category", "Name one of category, tenant, domain and site.");
        TenantId tenant = default;
        if (kind == SuspensionKind.Category && !EnumText.TryParse<Category>(value, out _)) return Refused("category", $"One of {string.Join(", ", TextOfAttribute.Of(typeof(Category)))}.");
        if (kind == SuspensionKind.Tenant && !PrefixedId.TryParse(value, out tenant)) return Refused("tenant", "The id of a tenant, such as ten_….");
        if (value.Length == 0 || value.Contains('\0', StringComparison.Ordinal)) return Refused(kind.ToText(), "A name.");
        Act.Concerns(kind == SuspensionKind.Tenant ? tenant : null, $"{kind.ToText()} {value}");
        return null;
    }

    private static ProblemHttpResult Refused(string member, string error) => Problem.InvalidFields(new Dictionary<string, string[]> { [member] = [error] });
}

/// <summary>Which mail: all of a category, of a tenant, of a sending domain, or to a recipient domain or destination site. One of the four.</summary>
public sealed record QueueKey
{
    /// <summary>All mail of it.</summary>
    [TextOf(typeof(Category))]
    public string? Category { get; init; }

    /// <summary>The tenant's id.</summary>
    public string? Tenant { get; init; }

    /// <summary>A sending domain.</summary>
    public string? Domain { get; init; }

    /// <summary>
    /// A recipient domain, or a site as <c>GET /sites</c> names it, which holds for all recipient domains whose mail went there last, and for whatever is on
    /// its way there.
    /// </summary>
    public string? Site { get; init; }
}

/// <summary>What waits, the deepest first, and what is held back.</summary>
public sealed record QueueView
{
    public const int RowsMax = 100;
    public required IReadOnlyList<QueueDepth> Categories { get; init; }

    /// <summary>By their ids.</summary>
    public required IReadOnlyList<QueueDepth> Tenants { get; init; }
    public required IReadOnlyList<QueueDepth> Domains { get; init; }

    /// <summary>By the mail hosts of the recipient domain, or by its name while they are not known.</summary>
    public required IReadOnlyList<QueueDepth> Sites { get; init; }
    public required IReadOnlyList<QueueDepth> RecipientDomains { get; init; }
    public required IReadOnlyList<Suspension> Suspensions { get; init; }

    /// <summary>Absent where none is.</summary>
    public HeldView? Held { get; init; }
}

/// <summary>What waits of one kind.</summary>
/// <param name="Name">The category, tenant's id, sending domain, site or recipient domain.</param>
/// <param name="Depth">Envelopes.</param>
/// <param name="OldestSeconds">The age of the oldest.</param>
public sealed record QueueDepth(string Name, long Depth, double OldestSeconds);

/// <summary>Mail that is held back until it is resumed.</summary>
public sealed record Suspension(SuspensionKind Kind, string Value, DateTimeOffset Since);

/// <summary>How many envelopes became due.</summary>
public sealed record Flushed(int Count);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(QueueKey))]
[JsonSerializable(typeof(QueueView))]
[JsonSerializable(typeof(Flushed))]
[JsonSerializable(typeof(HeldMailAge))]
[JsonSerializable(typeof(HeldMailDone))]
internal sealed partial class QueueJson : JsonSerializerContext;
