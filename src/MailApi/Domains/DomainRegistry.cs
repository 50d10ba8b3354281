using System.Buffers.Text;
using System.Data.Common;
using System.Security.Cryptography;
using System.Text.Json;
using MailApi.Api;
using MailApi.Events;
using MailApi.Mail.Dkim;
using MailApi.Mail.Preflight;
using MailApi.Storage;

namespace MailApi.Domains;

/// <summary>A domain to register, its values checked.</summary>
internal sealed record NewDomain(TenantId Tenant, string Name, IReadOnlyList<Category> Categories, SendingRate Rate, Verification Verification)
{
    public DomainExtras Extras { get; init; } = new();
    public int? RotateAfterDays { get; init; }

    /// <summary>The key pair that the domain brings along and the selector it is published under; null to have one made.</summary>
    public (string Selector, SigningKey Pair)? Key { get; init; }
}

/// <summary>What to change of a domain; null stays.</summary>
internal sealed record DomainChange(IReadOnlyList<Category>? Categories, double? PerSecond, int? Burst, Verification? Verification, DomainExtras Extras, int? RotateAfterDays);

/// <summary>How a registration ended.</summary>
internal abstract record Registration
{
    public sealed record Done(DomainId Id) : Registration
    {
        /// <summary>A reader takes the name for that of another tenant's domain.</summary>
        public bool LooksLikeAnother { get; init; }
    }

    /// <summary>The tenant has registered this name before.</summary>
    public sealed record AlreadyYours(DomainId Id) : Registration;

    /// <summary>The name, or one above or below it, is a domain that another tenant has proved to own.</summary>
    public sealed record Taken : Registration;

    /// <summary>The tenant has <see cref="DomainRegistry.DomainsPerTenantMax"/> domains.</summary>
    public sealed record TooMany : Registration;

    public sealed record NoSuchTenant : Registration;
}

/// <summary>Registers, changes and removes sending domains. A name may be claimed by several tenants, and proved by one.</summary>
internal sealed partial class DomainRegistry(Db db, Vault vault, SendingDomains sending, ILogger<DomainRegistry> log)
{
    /// <summary>Each costs a key pair and a background check.</summary>
    public const int DomainsPerTenantMax = 1_000;

    private const int TokenBytes = 24;

    public async Task<Registration> Register(NewDomain domain, CancellationToken ct)
    {
        if (await Refusal(domain, ct) is { } refusal) return refusal;
        var alike = await DomainClaims.Alike(db, domain.Tenant, domain.Name, ct);
        var id = PrefixedId.New<DomainId>();
        Act.Concerns(domain.Tenant, id.ToString());
        // Made before the transaction: a key pair takes longer than any write.
        using var made = domain.Key is null ? await DkimKeys.Generate(KeyAlgorithm.Rsa, ct) : null;
        var (selector, pair) = domain.Key ?? (DkimKeys.SelectorPrefix(KeyAlgorithm.Rsa) + "1", made!);
        var key = DkimKeys.Insert(domain.Tenant, id, selector, pair, KeyState.Active, vault).ToList();
        var added = await db.Write(async transaction =>
        {
            if (await DomainClaims.AreTaken(transaction, db.Dialect, domain.Tenant, domain.Name, ct)) return false;
            return await db.As(domain.Tenant, transaction, async () =>
            {
                if (await Insert(transaction, id, domain, ct) == 0) return false;
                await transaction.Run([.. key, .. domain.Verification is Verification.Manual ? Verified(domain.Tenant, domain.Name) : []], null, ct);
                return true;
            }, ct);
        }, ct);
        // Another tenant's, or the same registration made twice at once.
        if (!added) return await Refusal(domain, ct) ?? new Registration.Taken();
        if (alike.Count > 0) LogAlike(id, string.Join(", ", alike));
        return new Registration.Done(id) { LooksLikeAnother = alike.Count > 0 };
    }

    /// <summary>
    /// Changes settings. Manual verification makes the domain verified at once, unless another tenant has proved the name (then false); a return
    /// to DNS makes it pending until its records are seen.
    /// </summary>
    public async Task<bool> Change(Domain domain, DomainChange change, CancellationToken ct)
    {
        var extras = new DomainExtras
        {
            MtaSts = change.Extras.MtaSts ?? domain.Extras.MtaSts,
            TlsRpt = change.Extras.TlsRpt ?? domain.Extras.TlsRpt,
            BimiLogo = change.Extras.BimiLogo ?? domain.Extras.BimiLogo,
        };
        var changed = await db.Write(async transaction =>
        {
            if (change.Verification is Verification.Manual && await DomainClaims.AreTaken(transaction, db.Dialect, domain.Tenant, domain.Name, ct)) return false;
            return await db.As(domain.Tenant, transaction, async () =>
            {
                await transaction.Execute("""
                    update domains
                    set categories = coalesce(cast(@categories as text), categories),
                        rate_per_second = coalesce(cast(@perSecond as double precision), rate_per_second),
                        rate_burst = coalesce(cast(@burst as integer), rate_burst),
                        rotate_after_days = coalesce(cast(@rotate as integer), rotate_after_days), extras = @extras
                    where id = @id and tenant_id = @tenant
                    """, ct, ("id", domain.Id.Value), ("tenant", domain.Tenant.Value), ("perSecond", change.PerSecond), ("burst", change.Burst),
                    ("rotate", change.RotateAfterDays), ("extras", JsonSerializer.Serialize(extras, DomainJson.Default.DomainExtras)), ("categories", change.Categories is { } categories ? Texts(categories) : null));
                if (change.Verification is Verification.Manual) await VerifyManually(transaction, domain, ct);
                if (change.Verification is Verification.Dns) await ReturnToDns(transaction, domain, ct);
                return true;
            }, ct);
        }, ct);
        sending.Forget(domain);
        return changed;
    }

    /// <summary>Removes a domain and its keys, unless mail still waits to leave from it: answers how many envelopes do.</summary>
    public async Task<long> Remove(Domain domain, CancellationToken ct)
    {
        var waiting = await db.WriteAs(domain.Tenant, async transaction =>
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
        var own = await db.QueryAs(domain.Tenant, "select id from domains where tenant_id = @tenant and name = @name", row => new DomainId(row.GetGuid(0)), ct,
            ("tenant", domain.Tenant.Value), ("name", domain.Name));
        if (own is [var id]) return new Registration.AlreadyYours(id);

        var counts = await db.QueryAs(domain.Tenant, "select (select count(*) from tenants where id = @tenant), (select count(*) from domains where tenant_id = @tenant)",
            row => (Tenants: row.GetInt64(0), Domains: row.GetInt64(1)), ct, ("tenant", domain.Tenant.Value));
        if (counts[0].Tenants == 0) return new Registration.NoSuchTenant();
        return counts[0].Domains >= DomainsPerTenantMax ? new Registration.TooMany() : null;
    }

    private static Task<int> Insert(DbTransaction transaction, DomainId id, NewDomain domain, CancellationToken ct) =>
        transaction.Execute("""
            insert into domains (id, tenant_id, name, state, verification, categories, rate_per_second, rate_burst, ownership_token, created_at, extras, rotate_after_days, skeleton, next_check_at)
            values (@id, @tenant, @name, @state, @verification, @categories, @perSecond, @burst, @token, now_ms(), @extras, @rotate, @skeleton, now_ms() + @next)
            on conflict do nothing
            """, ct, ("id", id.Value), ("tenant", domain.Tenant.Value), ("name", domain.Name),
            ("state", (domain.Verification is Verification.Manual ? DomainState.Verified : DomainState.Pending).ToText()),
            ("verification", domain.Verification.ToText()), ("categories", Texts(domain.Categories)),
            ("perSecond", domain.Rate.PerSecond), ("burst", domain.Rate.Burst),
            ("extras", JsonSerializer.Serialize(domain.Extras, DomainJson.Default.DomainExtras)), ("rotate", domain.RotateAfterDays), ("skeleton", Confusables.Skeleton(domain.Name)),
            // The first check is the registration's own.
            ("next", (long)DomainVerifier.PendingEvery.TotalMilliseconds),
            ("token", Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes))));

    /// <summary>Keys whose records were not seen sign again: the operator vouches for them too.</summary>
    private static async Task VerifyManually(DbTransaction transaction, Domain domain, CancellationToken ct)
    {
        await transaction.Execute("update domains set verification = 'manual' where id = @id and tenant_id = @tenant", ct,
            ("id", domain.Id.Value), ("tenant", domain.Tenant.Value));
        // The service may not see the records that it took for lost.
        await transaction.Execute("update dkim_keys set lost_at = null where domain_id = @id and tenant_id = @tenant", ct, ("id", domain.Id.Value), ("tenant", domain.Tenant.Value));
        var became = await transaction.Execute("update domains set state = 'verified' where id = @id and tenant_id = @tenant and state <> 'verified'", ct,
            ("id", domain.Id.Value), ("tenant", domain.Tenant.Value));
        if (became == 1) await transaction.Run([.. Verified(domain.Tenant, domain.Name)], null, ct);
    }

    private static Task<int> ReturnToDns(DbTransaction transaction, Domain domain, CancellationToken ct) =>
        transaction.Execute("update domains set verification = 'dns', state = 'pending', failures = 0, next_check_at = now_ms() where id = @id and tenant_id = @tenant and verification <> 'dns'", ct,
            ("id", domain.Id.Value), ("tenant", domain.Tenant.Value));

    private static IEnumerable<Statement> Verified(TenantId tenant, string name) => EventLog.Append(tenant, EventType.DomainVerified, new EventData { Domain = name });

    private static string Texts(IReadOnlyList<Category> categories) => JsonText.From([.. categories.Select(category => category.ToText())]);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The name of {Domain} looks like that of another tenant's domain: {Others}")]
    private partial void LogAlike(DomainId domain, string others);
}
