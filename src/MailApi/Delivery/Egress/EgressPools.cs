using System.Collections.Frozen;
using System.Net;
using MailApi.Api;
using MailApi.Mail.Composition;
using MailApi.Mail.Routing;
using MailApi.Mail.Smtp;

namespace MailApi.Delivery.Egress;

/// <summary>A source address.</summary>
/// <param name="Pool">Whose it is.</param>
/// <param name="Source">As this machine has it.</param>
/// <param name="Public">As receivers see it.</param>
/// <param name="Since">The UTC day of its first mail; null: it is known to receivers.</param>
internal sealed record EgressAddress(string Pool, SourceAddress Source, IPAddress Public, DateOnly? Since);

/// <summary>Source addresses, and whose mail leaves from them.</summary>
internal sealed record EgressPool
{
    public required string Name { get; init; }
    public required IReadOnlyList<EgressAddress> Addresses { get; init; }
    public required FrozenSet<TenantId> Tenants { get; init; }

    /// <summary>In lower-case A-labels.</summary>
    public required FrozenSet<string> Domains { get; init; }
    public required FrozenSet<Category> Categories { get; init; }
    public required string? Overflow { get; init; }
    public required AddressPreference Prefer { get; init; }

    /// <summary>A domain goes before a tenant before a category, and two of them before one; 0: it names nothing.</summary>
    public int Closeness => (Domains.Count > 0 ? 4 : 0) + (Tenants.Count > 0 ? 2 : 0) + (Categories.Count > 0 ? 1 : 0);

    public bool IsFor(TenantId tenant, string domain, Category category) =>
        (Closeness > 0 || IsDefault)
        && (Domains.Count == 0 || Domains.Contains(domain)) && (Tenants.Count == 0 || Tenants.Contains(tenant)) && (Categories.Count == 0 || Categories.Contains(category));

    /// <summary>Some mail is equally close to both.</summary>
    public bool IsRivalOf(EgressPool other) => Closeness > 0 && Closeness == other.Closeness && Meet(Domains, other.Domains) && Meet(Tenants, other.Tenants) && Meet(Categories, other.Categories);

    public static EgressPool From(string name, PoolSettings settings) => new()
    {
        Name = name,
        Addresses = [.. settings.Addresses.Select(address => From(name, address))],
        Tenants = settings.Tenants.Select(id => PrefixedId.TryParse<TenantId>(id, out var tenant) ? tenant : default).ToFrozenSet(),
        Domains = settings.Domains.Select(Lower).ToFrozenSet(StringComparer.Ordinal),
        Categories = settings.Categories.ToFrozenSet(),
        Overflow = settings.Overflow,
        Prefer = settings.Prefer,
    };

    private bool IsDefault => Name.Equals(EgressPools.Default, StringComparison.OrdinalIgnoreCase);

    private static EgressAddress From(string pool, AddressSettings settings)
    {
        var local = IPAddress.Parse(settings.Address!);
        return new EgressAddress(pool, new SourceAddress(local, Lower(settings.HeloName!)), settings.Public is null ? local : IPAddress.Parse(settings.Public), settings.Since);
    }

    private static string Lower(string domain) => DomainName.TryParse(domain, out var name) ? name.ToString() : domain;

    private static bool Meet<T>(FrozenSet<T> one, FrozenSet<T> other) => one.Count == 0 || one.Overlaps(other);
}

/// <summary>The pools in force; without any, the system chooses the address that mail leaves from.</summary>
internal sealed class EgressPools
{
    /// <summary>Of the pool for mail that no other pool is for.</summary>
    public const string Default = "default";

    private readonly FrozenDictionary<string, EgressPool> byName;
    private readonly EgressPool[] closestFirst;

    /// <param name="settings">Without <see cref="PoolFlaws"/>.</param>
    public EgressPools(IReadOnlyDictionary<string, PoolSettings> settings)
    {
        byName = settings.Select(pool => EgressPool.From(pool.Key, pool.Value)).ToFrozenDictionary(pool => pool.Name, StringComparer.OrdinalIgnoreCase);
        closestFirst = [.. byName.Values.OrderByDescending(pool => pool.Closeness)];
        Addresses = [.. byName.Values.OrderBy(pool => pool.Name, StringComparer.Ordinal).SelectMany(pool => pool.Addresses)];
    }

    public IReadOnlyList<EgressAddress> Addresses { get; }

    /// <summary>The pool that mail leaves from; null only where there are none.</summary>
    public EgressPool? For(TenantId tenant, string domain, Category category) => Array.Find(closestFirst, pool => pool.IsFor(tenant, domain, category));

    public EgressPool Named(string name) => byName[name];

    /// <summary>The addresses that take over for a pool's own.</summary>
    public IReadOnlyList<EgressAddress> Spare(EgressPool pool) => pool.Overflow is { } name ? byName[name].Addresses : [];

    /// <summary>What receivers see of the mail of these categories; null where there are no pools.</summary>
    public EgressSource? Seen(TenantId tenant, string domain, IEnumerable<Category> categories)
    {
        var addresses = categories.Select(category => For(tenant, domain, category)).OfType<EgressPool>().Distinct().SelectMany(pool => pool.Addresses).ToList();
        return addresses.Count == 0 ? null : new EgressSource([.. addresses.Select(address => address.Public).Distinct()], addresses[0].Source.HeloName);
    }
}
