using MailApi.Api;
using MailApi.Mail.Dkim;
using MailApi.Storage;

namespace MailApi.Domains;

/// <summary>A sending domain as acceptance needs it.</summary>
internal sealed record SendingDomain
{
    public required DomainId Id { get; init; }
    public required TenantId Tenant { get; init; }

    /// <summary>In lower-case A-labels.</summary>
    public required string Name { get; init; }
    public required DomainState State { get; init; }
    public required IReadOnlySet<Category> Categories { get; init; }
    public required double RatePerSecond { get; init; }
    public required int RateBurst { get; init; }
}

/// <summary>Who signs and takes the bounces of a domain's mail, and how fast it may leave.</summary>
internal sealed record SendingIdentity
{
    public required string Name { get; init; }
    public required string ReturnPathHost { get; init; }
    public required string TrackingHost { get; init; }
    public required double RatePerSecond { get; init; }
    public required int RateBurst { get; init; }

    /// <summary>One for each active selector; do not keep them beyond the attempt.</summary>
    public required IReadOnlyList<Signer> Signers { get; init; }
}

/// <summary>
/// Looks sending domains up on the paths of acceptance and delivery. A change made in this process shows at once, one made in another
/// after <see cref="RowLifetime"/>, a change of keys after <see cref="SignerLifetime"/>.
/// </summary>
internal sealed class SendingDomains(Db db, Vault vault, TimeProvider time)
{
    public static readonly TimeSpan RowLifetime = TimeSpan.FromSeconds(5);
    public static readonly TimeSpan SignerLifetime = TimeSpan.FromSeconds(60);

    /// <summary>About 3 KB each with its key.</summary>
    public const int EntriesMax = 10_000;

    private readonly ShortCache<(TenantId Tenant, string Name), SendingDomain> byName = new(RowLifetime, EntriesMax, time, key => Load(db,
        "where tenant_id = @tenant and name = @name", ("tenant", key.Tenant.Value), ("name", key.Name)));

    private readonly ShortCache<string, SendingDomain> proven = new(RowLifetime, EntriesMax, time, name => Load(db,
        "where name = @name and state <> 'pending'", ("name", name)));

    private readonly ShortCache<DomainId, SendingDomain> byId = new(RowLifetime, EntriesMax, time, id => Load(db,
        "where id = @id", ("id", id.Value)));

    // A key that drops out may still be signing: its handle is left to the finalizer, which cannot run before the last signature ends.
    private readonly ShortCache<DomainId, IReadOnlyList<Signer>> signers = new(SignerLifetime, EntriesMax, time, async id =>
        await DkimKeys.Signers(db, vault, time, id, CancellationToken.None));

    /// <summary>The tenant's domain of exactly this name (in lower-case A-labels), in whatever state; null when it has none.</summary>
    public Task<SendingDomain?> Find(TenantId tenant, string domainName, CancellationToken ct) => byName.Get((tenant, domainName), ct);

    /// <summary>The domain of exactly this name whose tenant has proved it, whoever that is: for mail that comes in from outside.</summary>
    public Task<SendingDomain?> FindProven(string domainName, CancellationToken ct) => proven.Get(domainName, ct);

    /// <summary>How to send for a domain; null when it is no longer registered.</summary>
    /// <exception cref="System.Security.Cryptography.CryptographicException">Its keys were sealed under another key-encryption key.</exception>
    public async Task<SendingIdentity?> Identity(DomainId id, CancellationToken ct)
    {
        if (await byId.Get(id, ct) is not { } domain || await signers.Get(id, ct) is not { } active) return null;
        return new SendingIdentity
        {
            Name = domain.Name,
            ReturnPathHost = DomainRecords.ReturnPathHost(domain.Name),
            TrackingHost = DomainRecords.TrackingHost(domain.Name),
            RatePerSecond = domain.RatePerSecond,
            RateBurst = domain.RateBurst,
            Signers = active,
        };
    }

    /// <summary>After a committed change.</summary>
    public void Forget(Domain domain)
    {
        byName.Forget((domain.Tenant, domain.Name));
        proven.Forget(domain.Name);
        byId.Forget(domain.Id);
        signers.Forget(domain.Id);
    }

    private static async Task<SendingDomain?> Load(Db db, string where, params (string Name, object? Value)[] args)
    {
        var found = await db.Query("select id, tenant_id, name, state, categories, rate_per_second, rate_burst from domains " + where, row => new SendingDomain
        {
            Id = new DomainId(row.GetGuid(0)),
            Tenant = new TenantId(row.GetGuid(1)),
            Name = row.GetString(2),
            State = EnumText.Parse<DomainState>(row.GetString(3)),
            Categories = row.Texts(4).Select(EnumText.Parse<Category>).ToHashSet(),
            RatePerSecond = row.GetDouble(5),
            RateBurst = row.GetInt32(6),
        }, CancellationToken.None, args);
        return found is [var domain] ? domain : null;
    }
}
