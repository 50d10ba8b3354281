using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>Makes mail that waits for its next attempt due now, on the operator's word.</summary>
internal sealed class Flushes(Db db)
{
    /// <summary>By then the nodes have been told to try the site.</summary>
    private static readonly TimeSpan SiteTold = TimeSpan.FromSeconds(2);

    /// <summary>What was tried, or sent away by its site before it was. Scheduled mail that was never claimed waits for its time.</summary>
    private const string Waits = "state in ('queued', 'deferred') and (state = 'deferred' or attempt > 0)";

    /// <summary>Which envelopes are of it: of <c>@value</c>, or of the tenant <c>@tenant</c>.</summary>
    public static string Condition(SuspensionKind kind) => kind switch
    {
        SuspensionKind.Category => "category = @value",
        SuspensionKind.Tenant => "tenant_id = (select id from tenants where id = @tenant)",
        SuspensionKind.Domain => "domain_id in (select id from domains where name = @value)",
        _ => "(recipient_domain = @value or recipient_domain in (select d.recipient_domain from site_domains d where d.site = @value))",
    };

    /// <returns>How many envelopes became due.</returns>
    public async Task<int> Flush(SuspensionKind kind, string value, CancellationToken ct)
    {
        var tenant = PrefixedId.TryParse<TenantId>(value, out var id) ? id.Value : Guid.Empty;
        var after = kind == SuspensionKind.Site && await TrySite(value, ct) ? (long)SiteTold.TotalMilliseconds : 0;
        var (all, flushed) = (0, 0);
        do
        {
            flushed = await db.Execute(
                $"update envelopes set due_at = now_ms() + @after where id in (select id from envelopes where {Waits} and due_at > now_ms() + @after and due_at < @never and {Condition(kind)} limit @rows)", ct,
                ("after", after), ("value", value), ("tenant", tenant), ("never", HeldMail.Never), ("rows", HeldMail.RowsPerStatement));
            all += flushed;
        }
        while (flushed == HeldMail.RowsPerStatement);
        return all;
    }

    /// <summary>A site that is paused or closed would send the mail away again.</summary>
    /// <returns>False where no node knows the site.</returns>
    private async Task<bool> TrySite(string value, CancellationToken ct) => await db.Execute(
        """
        insert into flushes (site, flushed_at)
        select distinct s.site, now_ms() from sites s where s.site = @value or s.site in (select d.site from site_domains d where d.recipient_domain = @value)
        on conflict (site) do update set flushed_at = excluded.flushed_at
        """, ct, ("value", value)) > 0;
}
