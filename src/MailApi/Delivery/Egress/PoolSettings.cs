using System.Net;
using MailApi.Api;
using MailApi.Mail.Composition;

namespace MailApi.Delivery.Egress;

/// <summary>Which addresses of a pool go first where a receiver has both kinds.</summary>
public enum AddressPreference
{
    Any,
    IPv4,
    IPv6,
}

/// <summary>
/// Section <c>Delivery:Pools:{name}</c>: source addresses, and whose mail leaves from them: mail that fits each of the lists that are not empty. Where
/// several pools fit, a domain goes before a tenant before a category. The pool <c>default</c> is for all other mail; another one without lists only
/// takes over where it is somebody's <see cref="Overflow"/>.
/// </summary>
public sealed class PoolSettings
{
    public AddressSettings[] Addresses { get; set; } = [];

    /// <summary>Ids, <c>ten_…</c>.</summary>
    public string[] Tenants { get; set; } = [];

    /// <summary>Sending domains.</summary>
    public string[] Domains { get; set; } = [];
    public Category[] Categories { get; set; } = [];

    /// <summary>The pool that takes over what this one may not send today (warm-up) or should not (blocklists); null: mail waits, or leaves all the same.</summary>
    public string? Overflow { get; set; }

    /// <summary>Holds for the first try of an envelope; a family that does not work must not keep mail for ever.</summary>
    public AddressPreference Prefer { get; set; }
}

/// <summary>Section <c>Delivery:Pools:{name}:Addresses:{index}</c>.</summary>
public sealed class AddressSettings
{
    /// <summary>As this machine has it; in one pool only.</summary>
    public string? Address { get; set; }

    /// <summary>As receivers see it; by default <see cref="Address"/>, which it is not behind a translating gateway.</summary>
    public string? Public { get; set; }

    /// <summary>Said in EHLO; must be what the public address resolves to (PTR), and resolve to it.</summary>
    public string? HeloName { get; set; }

    /// <summary>The UTC day of its first mail: from then on it is <see cref="WarmUp">warmed up</see>. Null: it is known to receivers.</summary>
    public DateOnly? Since { get; set; }
}

/// <summary>Why pools cannot be as they are set.</summary>
internal static class PoolFlaws
{
    /// <summary>Addresses of all pools: each is looked up every hour.</summary>
    public const int AddressesMax = 256;

    /// <param name="areHere">Whether the addresses must be this machine's.</param>
    /// <returns>The first flaw, behind the name of its key below <c>Delivery__Pools__</c>; null where there is none.</returns>
    public static string? Find(IReadOnlyDictionary<string, PoolSettings> pools, bool areHere)
    {
        if (pools.Count == 0) return null;
        if (!pools.TryGetValue(EgressPools.Default, out var rest)) return $"{EgressPools.Default} is missing: mail that no other pool is for leaves from it.";
        if (rest.Tenants.Length + rest.Domains.Length + rest.Categories.Length > 0)
            return $"{EgressPools.Default} is for all mail that no other pool is for: it has no Tenants, Domains or Categories.";
        if (pools.Values.Sum(pool => pool.Addresses.Length) > AddressesMax) return $"…__Addresses: at most {AddressesMax} in all.";

        var seen = new HashSet<IPAddress>();
        foreach (var (name, pool) in pools)
            if ((OfPool(name, pool, pools) ?? OfAddresses(pool.Addresses, seen, areHere)) is { } flaw) return $"{name}__{flaw}";
        return Rivals(pools);
    }

    private static string? OfPool(string name, PoolSettings pool, IReadOnlyDictionary<string, PoolSettings> pools)
    {
        if (pool.Addresses.Length == 0) return "Addresses: a pool has one or more.";
        if (pool.Overflow is { } overflow && (!pools.ContainsKey(overflow) || overflow.Equals(name, StringComparison.OrdinalIgnoreCase)))
            return $"Overflow must name another pool: {string.Join(", ", pools.Keys.Where(it => !it.Equals(name, StringComparison.OrdinalIgnoreCase)))}.";
        if (pool.Tenants.FirstOrDefault(id => !PrefixedId.TryParse<TenantId>(id, out _)) is { } tenant) return $"Tenants: {tenant} is no tenant's id.";
        return pool.Domains.FirstOrDefault(domain => !DomainName.TryParse(domain, out _)) is { } wrong ? $"Domains: {wrong} is no domain." : null;
    }

    private static string? OfAddresses(AddressSettings[] addresses, HashSet<IPAddress> seen, bool areHere)
    {
        for (var index = 0; index < addresses.Length; index++)
            if (OfAddress(addresses[index], seen, areHere) is { } flaw) return $"Addresses__{index}__{flaw}";
        return null;
    }

    private static string? OfAddress(AddressSettings settings, HashSet<IPAddress> seen, bool areHere)
    {
        if (!IPAddress.TryParse(settings.Address, out var local)) return "Address must be an address of this machine.";
        if (!seen.Add(local)) return $"Address: {local} is there twice.";
        if (settings.Public is not null && !(IPAddress.TryParse(settings.Public, out var seenAs) && seenAs.AddressFamily == local.AddressFamily))
            return "Public must be an address of the same family as Address: what receivers see.";
        if (!DomainName.TryParse(settings.HeloName ?? "", out var helo)) return "HeloName must be the name that the address resolves to.";
        return areHere && !new Mail.Smtp.SourceAddress(local, helo.ToString()).IsHere() ? $"Address: this machine does not have {local}." : null;
    }

    /// <summary>Two pools that are meant for the same mail, equally closely.</summary>
    private static string? Rivals(IReadOnlyDictionary<string, PoolSettings> pools)
    {
        var all = pools.Select(pool => EgressPool.From(pool.Key, pool.Value)).ToList();
        foreach (var (one, other) in all.SelectMany((one, index) => all.Skip(index + 1).Select(other => (one, other))))
            if (one.IsRivalOf(other)) return $"{one.Name} and Delivery__Pools__{other.Name} are for the same mail: their Tenants, Domains and Categories must differ.";
        return null;
    }
}
