using System.Collections.Frozen;
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
        await db.Execute("delete from suspensions where kind = @kind and value = @value", ct, ("kind", kind.ToText()), ("value", value));
        await Read(ct);
    }
}
