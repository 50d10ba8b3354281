using System.Data.Common;
using MailApi.Api;
using MailApi.Mail.Preflight;
using MailApi.Storage;

namespace MailApi.Domains;

/// <summary>Whose a name is. Claims prove nothing while they are pending: they would let anyone keep the owner out.</summary>
internal static class DomainClaims
{
    /// <summary>
    /// Another tenant has proved the name, or one above or below it. Asked in the transaction that makes a claim a proof: those take turns, for no
    /// index knows of names above and below.
    /// </summary>
    public static async Task<bool> AreTaken(DbTransaction transaction, SqlDialect dialect, TenantId tenant, string name, CancellationToken ct)
    {
        if (dialect.TakeTurns is { } turns) await transaction.Execute(turns, ct, ("subject", "domain claims"));
        return await transaction.Query("""
            select 1 from domains
            where tenant_id <> @tenant and state <> 'pending' and (name = @name or @name like '%.' || name or name like '%.' || @name)
            limit 1
            """, _ => true, ct, ("name", name), ("tenant", tenant.Value)) is not [];
    }

    /// <summary>Domains of other tenants that a reader takes for this one, or for one above or below it.</summary>
    public static Task<List<DomainId>> Alike(Db db, TenantId tenant, string name, CancellationToken ct) => db.Query("""
        select id from domains
        where tenant_id <> @tenant and name <> @name and not (@name like '%.' || name or name like '%.' || @name)
          and (skeleton = @skeleton or @skeleton like '%.' || skeleton or skeleton like '%.' || @skeleton)
        limit @limit
        """, row => new DomainId(row.GetGuid(0)), ct, ("tenant", tenant.Value), ("name", name), ("skeleton", Confusables.Skeleton(name)), ("limit", AlikeMax));

    /// <summary>As many as anybody wants to read in a log.</summary>
    private const int AlikeMax = 10;
}
