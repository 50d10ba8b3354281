using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
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
            .WithSummary("What waits.").WithDescription("Depth and oldest age by category, sending domain and destination site, and what is held back.");
        queue.MapPost("/suspend", Suspend).RequireScope(Scopes.Operator, needsTenant: false).WithName("SuspendQueue").WithSummary("Holds mail back until it is resumed.");
        queue.MapPost("/resume", Resume).RequireScope(Scopes.Operator, needsTenant: false).WithName("ResumeQueue").WithSummary("Ends a suspension.");
        queue.MapPost("/flush", Flush).RequireScope(Scopes.Operator, needsTenant: false).WithName("FlushQueue").WithSummary("Makes deferred mail due now.");
        queue.MapPost("/release", Release).RequireScope(Scopes.Operator, needsTenant: false).WithName("ReleaseHeldMail").WithSummary("Sends mail that is held.")
            .WithDescription("Mail is held when the store was restored from a backup: it may have been sent since, and its recipients may get a second copy. What was accepted with `onUncertain: hold` ends in `unknown` instead.");
        queue.MapPost("/discard", Discard).RequireScope(Scopes.Operator, needsTenant: false).WithName("DiscardHeldMail").WithSummary("Ends mail that is held.")
            .WithDescription("Mail is held when the store was restored from a backup: it may not have been sent, and its recipients may get none. It ends in `unknown`.");
    }

    private static async Task<Ok<QueueView>> Depths(Db db, HeldMail held, CancellationToken ct)
    {
        async Task<IReadOnlyList<QueueDepth>> By(string column) => await db.Query(
            $"""
            select {column}, count(*), max(now_ms() - e.created_at) from envelopes e
            where e.state in ('queued', 'deferred', 'rung', 'sending') group by {column} order by count(*) desc limit @limit
            """, row => new QueueDepth(row.TextOrNull(0) ?? "(removed)", row.GetInt64(1), row.GetInt64(2) / 1000d), ct, ("limit", QueueView.RowsMax));

        var suspensions = await db.Query(
            "select kind, value, created_at from suspensions order by created_at",
            row => new Suspension(EnumText.Parse<SuspensionKind>(row.GetString(0)), row.GetString(1), row.Instant(2)), ct);
        return TypedResults.Ok(new QueueView
        {
            Categories = await By("e.category"),
            Domains = await By("(select d.name from domains d where d.id = e.domain_id)"),
            Sites = await BySite(db, ct),
            RecipientDomains = await By("e.recipient_domain"),
            Suspensions = suspensions,
            Held = await held.View(ct),
        });
    }

    /// <summary>By recipient domain first: there are fewer of them than envelopes.</summary>
    private static async Task<IReadOnlyList<QueueDepth>> BySite(Db db, CancellationToken ct) => await db.Query(
        """
        select coalesce(d.site, w.recipient_domain), cast(sum(w.depth) as bigint), max(w.age)
        from (select e.recipient_domain, count(*) as depth, max(now_ms() - e.created_at) as age from envelopes e
              where e.state in ('queued', 'deferred', 'rung', 'sending') group by e.recipient_domain) w
        left join site_domains d on d.recipient_domain = w.recipient_domain
        group by coalesce(d.site, w.recipient_domain) order by 2 desc limit @limit
        """, row => new QueueDepth(row.GetString(0), row.GetInt64(1), row.GetInt64(2) / 1000d), ct, ("limit", QueueView.RowsMax));

    private static async Task<Results<NoContent, ProblemHttpResult>> Suspend(QueueKey key, Suspensions suspensions, CancellationToken ct)
    {
        if (Invalid(key) is { } problem) return problem;
        Concerns(key);
        await suspensions.Add(key.Kind!.Value, key.Value!, ct);
        return TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> Resume(QueueKey key, Suspensions suspensions, CancellationToken ct)
    {
        if (Invalid(key) is { } problem) return problem;
        Concerns(key);
        await suspensions.Remove(key.Kind!.Value, key.Value!, ct);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<Flushed>, ProblemHttpResult>> Flush(QueueKey key, Db db, CancellationToken ct)
    {
        if (Invalid(key) is { } problem) return problem;
        Concerns(key);
        var condition = key.Kind switch
        {
            SuspensionKind.Category => "category = @value",
            SuspensionKind.Tenant => "tenant_id = (select id from tenants where id = @tenant)",
            SuspensionKind.Domain => "domain_id = (select id from domains where name = @value)",
            _ => "(recipient_domain = @value or recipient_domain in (select d.recipient_domain from site_domains d where d.site = @value))",
        };
        var tenant = PrefixedId.TryParse<TenantId>(key.Value, out var id) ? id.Value : Guid.Empty;
        var (all, flushed) = (0, 0);
        do
        {
            flushed = await db.Execute(
                $"update envelopes set due_at = now_ms() where id in (select id from envelopes where state = 'deferred' and due_at > now_ms() and due_at < @never and {condition} limit @rows)", ct,
                ("value", key.Value), ("tenant", tenant), ("never", HeldMail.Never), ("rows", HeldMail.RowsPerStatement));
            all += flushed;
        }
        while (flushed == HeldMail.RowsPerStatement);
        return TypedResults.Ok(new Flushed(all));
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

    private static void Concerns(QueueKey key) => Act.Concerns(PrefixedId.TryParse<TenantId>(key.Value, out var tenant) ? tenant : null, $"{key.Kind!.Value.ToText()} {key.Value}");

    private static ProblemHttpResult? Invalid(QueueKey key)
    {
        var errors = new Dictionary<string, string[]>();
        if (key.Kind is null) errors["kind"] = ["One of category, tenant, domain, site."];
        if (string.IsNullOrEmpty(key.Value) || key.Value.Contains('\0') || (key.Kind == SuspensionKind.Category && !EnumText.TryParse<Category>(key.Value, out _)))
            errors["value"] = ["The category, tenant id, sending domain, or the recipient domain or site."];
        return errors.Count > 0 ? Problem.InvalidFields(errors) : null;
    }
}

/// <summary>Which mail: all of a category, tenant, sending domain, recipient domain or destination site.</summary>
/// <param name="Kind">What <c>value</c> names.</param>
/// <param name="Value">
/// The category, the tenant's id, or the sending domain. With <c>site</c>: a recipient domain, or a site as <c>GET /sites</c> names it, which holds for all
/// recipient domains whose mail went there last, and for whatever is on its way there.
/// </param>
public sealed record QueueKey([property: Required] SuspensionKind? Kind, [property: Required] string? Value);

/// <summary>What waits, the deepest first, and what is held back.</summary>
public sealed record QueueView
{
    public const int RowsMax = 100;
    public required IReadOnlyList<QueueDepth> Categories { get; init; }
    public required IReadOnlyList<QueueDepth> Domains { get; init; }

    /// <summary>By the mail hosts of the recipient domain, or by its name while they are not known.</summary>
    public required IReadOnlyList<QueueDepth> Sites { get; init; }
    public required IReadOnlyList<QueueDepth> RecipientDomains { get; init; }
    public required IReadOnlyList<Suspension> Suspensions { get; init; }

    /// <summary>Absent where none is.</summary>
    public HeldView? Held { get; init; }
}

/// <summary>What waits of one kind.</summary>
/// <param name="Name">The category, sending domain, site or recipient domain.</param>
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
