using System.Buffers.Text;
using System.Data.Common;
using System.Security.Cryptography;
using MailApi.Api;
using MailApi.Events;
using MailApi.Storage;

namespace MailApi.Domains;

/// <summary>A domain to register, its values checked.</summary>
internal sealed record NewDomain(TenantId Tenant, string Name, IReadOnlyList<Category> Categories, SendingRate Rate, Verification Verification);

/// <summary>What to change of a domain; null stays.</summary>
internal sealed record DomainChange(IReadOnlyList<Category>? Categories, double? PerSecond, int? Burst, Verification? Verification);

/// <summary>How a registration ended.</summary>
internal abstract record Registration
{
    public sealed record Done(DomainId Id) : Registration;

    /// <summary>The tenant has registered this name before.</summary>
    public sealed record AlreadyYours(DomainId Id) : Registration;

    /// <summary>The name is another tenant's, or lies above or below a domain that another tenant has proved to own.</summary>
    public sealed record Taken : Registration;

    /// <summary>The tenant has <see cref="DomainRegistry.DomainsPerTenantMax"/> domains.</summary>
    public sealed record TooMany : Registration;

    public sealed record NoSuchTenant : Registration;
}

/// <summary>Registers, changes and removes sending domains. A name has one tenant.</summary>
internal sealed class DomainRegistry(Db db, Vault vault, SendingDomains sending)
{
    /// <summary>Each costs a key pair and a background check.</summary>
    public const int DomainsPerTenantMax = 1_000;

    private const int TokenBytes = 24;

    public async Task<Registration> Register(NewDomain domain, CancellationToken ct)
    {
        if (await Refusal(domain, ct) is { } refusal) return refusal;
        var id = PrefixedId.New<DomainId>();
        // Made before the transaction: a key pair takes longer than any write.
        var key = DkimKeys.Create(domain.Tenant, id, DkimKeys.FirstSelector, vault);
        var added = await db.Write(async transaction =>
        {
            if (await Insert(transaction, id, domain, ct) == 0) return false;
            await transaction.Run([key, .. domain.Verification is Verification.Manual ? Verified(domain.Tenant, domain.Name) : []], null, ct);
            return true;
        }, ct);
        // Another registration of the name came between.
        return added ? new Registration.Done(id) : new Registration.Taken();
    }

    /// <summary>
    /// Changes settings. Manual verification makes the domain verified at once; a return to DNS makes it pending until its records are seen.
    /// </summary>
    public async Task Change(Domain domain, DomainChange change, CancellationToken ct)
    {
        await db.Write(async transaction =>
        {
            await transaction.Execute("""
                update domains
                set categories = coalesce(cast(@categories as text), categories),
                    rate_per_second = coalesce(cast(@perSecond as double precision), rate_per_second),
                    rate_burst = coalesce(cast(@burst as integer), rate_burst)
                where id = @id and tenant_id = @tenant
                """, ct, ("id", domain.Id.Value), ("tenant", domain.Tenant.Value), ("perSecond", change.PerSecond), ("burst", change.Burst),
                ("categories", change.Categories is { } categories ? Texts(categories) : null));
            return change.Verification switch
            {
                Verification.Manual => await VerifyManually(transaction, domain, ct),
                Verification.Dns => await ReturnToDns(transaction, domain, ct),
                _ => 0,
            };
        }, ct);
        sending.Forget(domain);
    }

    /// <summary>Removes a domain and its keys, unless mail still waits to leave from it: answers how many envelopes do.</summary>
    public async Task<long> Remove(Domain domain, CancellationToken ct)
    {
        var waiting = await db.Write(async transaction =>
        {
            var count = await transaction.Query("""
                select (select count(*) from envelopes where state in ('queued', 'deferred') and tenant_id = @tenant and domain_id = @id)
                     + (select count(*) from envelopes where state in ('rung', 'sending') and tenant_id = @tenant and domain_id = @id)
                """, row => row.GetInt64(0), ct, ("id", domain.Id.Value), ("tenant", domain.Tenant.Value));
            if (count[0] == 0)
                await transaction.Execute("delete from domains where id = @id and tenant_id = @tenant", ct, ("id", domain.Id.Value), ("tenant", domain.Tenant.Value));
            return count[0];
        }, ct);
        if (waiting == 0) sending.Forget(domain);
        return waiting;
    }

    private async Task<Registration?> Refusal(NewDomain domain, CancellationToken ct)
    {
        // Pending claims on names above or below do not count: they prove nothing, and would let anyone block a zone.
        var claims = await db.Query("""
            select id, tenant_id
            from domains
            where name = @name
               or (tenant_id <> @tenant and state <> 'pending' and (@name like '%.' || name or name like '%.' || @name))
            order by case when name = @name then 0 else 1 end
            limit 1
            """, row => (Id: new DomainId(row.GetGuid(0)), Tenant: new TenantId(row.GetGuid(1))), ct, ("name", domain.Name), ("tenant", domain.Tenant.Value));
        if (claims is [var claim]) return claim.Tenant == domain.Tenant ? new Registration.AlreadyYours(claim.Id) : new Registration.Taken();

        var counts = await db.Query("select (select count(*) from tenants where id = @tenant), (select count(*) from domains where tenant_id = @tenant)",
            row => (Tenants: row.GetInt64(0), Domains: row.GetInt64(1)), ct, ("tenant", domain.Tenant.Value));
        if (counts[0].Tenants == 0) return new Registration.NoSuchTenant();
        return counts[0].Domains >= DomainsPerTenantMax ? new Registration.TooMany() : null;
    }

    private static Task<int> Insert(DbTransaction transaction, DomainId id, NewDomain domain, CancellationToken ct) =>
        transaction.Execute("""
            insert into domains (id, tenant_id, name, state, verification, categories, rate_per_second, rate_burst, ownership_token, created_at)
            values (@id, @tenant, @name, @state, @verification, @categories, @perSecond, @burst, @token, now_ms())
            on conflict (name) do nothing
            """, ct, ("id", id.Value), ("tenant", domain.Tenant.Value), ("name", domain.Name),
            ("state", (domain.Verification is Verification.Manual ? DomainState.Verified : DomainState.Pending).ToText()),
            ("verification", domain.Verification.ToText()), ("categories", Texts(domain.Categories)),
            ("perSecond", domain.Rate.PerSecond), ("burst", domain.Rate.Burst),
            ("token", Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes))));

    private static async Task<int> VerifyManually(DbTransaction transaction, Domain domain, CancellationToken ct)
    {
        await transaction.Execute("update domains set verification = 'manual' where id = @id and tenant_id = @tenant", ct,
            ("id", domain.Id.Value), ("tenant", domain.Tenant.Value));
        var became = await transaction.Execute("update domains set state = 'verified' where id = @id and tenant_id = @tenant and state <> 'verified'", ct,
            ("id", domain.Id.Value), ("tenant", domain.Tenant.Value));
        if (became == 1) await transaction.Run([.. Verified(domain.Tenant, domain.Name)], null, ct);
        return became;
    }

    private static Task<int> ReturnToDns(DbTransaction transaction, Domain domain, CancellationToken ct) =>
        transaction.Execute("update domains set verification = 'dns', state = 'pending' where id = @id and tenant_id = @tenant and verification <> 'dns'", ct,
            ("id", domain.Id.Value), ("tenant", domain.Tenant.Value));

    private static IEnumerable<Statement> Verified(TenantId tenant, string name) => EventLog.Append(tenant, EventType.DomainVerified, new EventData { Domain = name });

    private static string Texts(IReadOnlyList<Category> categories) => JsonText.From([.. categories.Select(category => category.ToText())]);
}
