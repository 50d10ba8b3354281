using System.Collections.Frozen;
using System.Data.Common;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>By what the operator holds mail back.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<SuspensionKind>))]
public enum SuspensionKind
{
    /// <summary>A category's name.</summary>
    Category,

    /// <summary>A tenant's id.</summary>
    Tenant,

    /// <summary>A sending domain's name.</summary>
    Domain,

    /// <summary>A recipient domain, or a site as <c>GET /sites</c> names it: all recipient domains with those mail hosts.</summary>
    Site,
}

/// <summary>Mail held back on the operator's word. Every node reads the list with each sweep, so a change holds everywhere within a second.</summary>
internal sealed class Suspensions(Db db)
{
    private FrozenSet<(SuspensionKind, string)> current = FrozenSet<(SuspensionKind, string)>.Empty;

    /// <summary>What the sweep has set aside is looked at again then, if nobody resumes it before: a million of it cost some hundred rows a second.</summary>
    private static readonly TimeSpan LookedAtAgain = TimeSpan.FromMinutes(30);

    /// <summary>Due mail that one sweep looks at in a category to find what it sets aside.</summary>
    public const int LookedAtMax = 1000;

    /// <summary>Of an envelope: its sending domain or its site is.</summary>
    public const string IsSuspended =
        """
        domain_id in (select d.id from domains d join suspensions s on s.kind = 'domain' and s.value = d.name)
        or recipient_domain in (select value from suspensions where kind = 'site'
            union all select d.recipient_domain from site_domains d join suspensions s on s.kind = 'site' and s.value = d.site)
        """;

    /// <summary>How many tenants are held back as such.</summary>
    public int TenantCount => current.Count(it => it.Item1 == SuspensionKind.Tenant);

    public async Task Read(CancellationToken ct) =>
        current = (await db.Query("select kind, value from suspensions", row => (EnumText.Parse<SuspensionKind>(row.GetString(0)), row.GetString(1)), ct)).ToFrozenSet();

    public bool Holds(Category category, TenantId tenant, string domain) =>
        current.Count > 0 && (current.Contains((SuspensionKind.Category, category.ToText())) || current.Contains((SuspensionKind.Tenant, tenant.ToString()))
            || current.Contains((SuspensionKind.Domain, domain)));

    public bool Holds(Category category, TenantId tenant, string domain, string recipientDomain) =>
        Holds(category, tenant, domain) || (current.Count > 0 && current.Contains((SuspensionKind.Site, recipientDomain)));

    /// <summary>Mail that is on its way to this site, whatever its recipient's domain.</summary>
    public bool HoldsSite(string site) => current.Count > 0 && current.Contains((SuspensionKind.Site, site));

    public async Task Add(SuspensionKind kind, string value, CancellationToken ct)
    {
        await db.Execute(
            "insert into suspensions (kind, value, created_at) values (@kind, @value, now_ms()) on conflict do nothing", ct, ("kind", kind.ToText()), ("value", value));
        await Read(ct);
    }

    public async Task Remove(SuspensionKind kind, string value, CancellationToken ct)
    {
        await db.Write(async transaction =>
        {
            await TakeTurns(transaction, ct);
            return await transaction.Execute("delete from suspensions where kind = @kind and value = @value", ct, ("kind", kind.ToText()), ("value", value));
        }, ct);
        await Read(ct);
        if (kind is SuspensionKind.Domain or SuspensionKind.Site) await PutBack(kind, value);
    }

    /// <summary>
    /// Sets due mail aside whose sending domain or site is suspended, so that no sweep looks through all of it: of the tenants in turn, and of each what is
    /// due for longest. It keeps its place for when it is resumed.
    /// </summary>
    /// <returns>How much.</returns>
    public async Task<int> SetAside(Category category, IReadOnlyList<Guid> tenants, CancellationToken ct) => !HoldsSome ? 0 :
        await db.Write(async transaction =>
        {
            var aside = 0;
            // A sweep that still sees what is being resumed is over before its mail is put back.
            await TakeTurns(transaction, ct);
            await transaction.Run([.. tenants.Select(tenant => new Statement(
                $"""
                with looked_at as materialized (
                    select id as looked_at_id from envelopes
                    where category = @category and tenant_id = @tenant and due_at <= now_ms() and state in ('queued', 'deferred')
                    order by due_at limit @limit {db.Dialect.SkipLocked}
                )
                update envelopes set set_aside_due_at = coalesce(set_aside_due_at, due_at), due_at = now_ms() + @again
                from looked_at where envelopes.id = looked_at_id and ({IsSuspended})
                returning id
                """,
                ("category", category.ToText()), ("tenant", tenant), ("limit", LookedAt(tenants.Count)), ("again", (long)LookedAtAgain.TotalMilliseconds)))], (_, _) => aside++, ct);
            return aside;
        }, ct);

    /// <summary>Due mail of each of so many tenants that a sweep looks past for what is not suspended.</summary>
    public int LookedAt(int tenants) => HoldsSome ? Math.Max(1, LookedAtMax / tenants) : 0;

    private bool HoldsSome => current.Any(it => it.Item1 is SuspensionKind.Domain or SuspensionKind.Site);

    /// <summary>
    /// Makes what was set aside due again, also when whoever asked has gone. What another suspension holds is set aside by the next sweep; what is left where
    /// the process dies meanwhile is looked at after <see cref="LookedAtAgain"/>.
    /// </summary>
    private async Task PutBack(SuspensionKind kind, string value)
    {
        while (await db.Execute(
            $"""
            update envelopes set due_at = set_aside_due_at, set_aside_due_at = null where id in (
                select id from envelopes
                where state in ('queued', 'deferred') and set_aside_due_at >= 0 and due_at < @never and {Flushes.Condition(kind)} limit @rows)
            """, CancellationToken.None, ("value", value), ("never", HeldMail.Never), ("rows", HeldMail.RowsPerStatement)) == HeldMail.RowsPerStatement) { }
    }

    private async Task TakeTurns(DbTransaction transaction, CancellationToken ct)
    {
        if (db.Dialect.TakeTurns is { } takeTurns) await transaction.Execute(takeTurns, ct, ("subject", "suspensions"));
    }
}
