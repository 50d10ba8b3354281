using MailApi.Api;
using MailApi.Domains;

namespace MailApi.Delivery.Relays;

/// <summary>
/// The relays as delivery needs them. A change made in this process shows at once, one made in another after <see cref="Lifetime"/>. Where nobody
/// has relays this costs the store one look-up per <see cref="Lifetime"/>, however many tenants send.
/// </summary>
internal sealed class RelayDirectory(RelayStore store, TimeProvider time)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    /// <summary>Tenants whose relays are kept.</summary>
    private const int EntriesMax = 10_000;

    /// <summary>In the place of a tenant: everyone.</summary>
    private static readonly TenantId Everyone = new(Guid.Empty);

    private readonly ShortCache<string, HashSet<TenantId>> owners = new(Lifetime, entriesMax: 2, time, async _ =>
        [.. (await store.Owners(CancellationToken.None)).Select(owner => owner ?? Everyone)]);

    private readonly ShortCache<TenantId, List<Relay>> byOwner = new(Lifetime, EntriesMax, time, async owner =>
        await store.List(owner == Everyone ? null : owner, CancellationToken.None));

    /// <summary>Those that may take the tenant's mail: its own and everyone's.</summary>
    public async Task<IReadOnlyList<Relay>> For(TenantId tenant, CancellationToken ct)
    {
        var having = (await owners.Get("", ct))!;
        var own = having.Contains(tenant) ? await byOwner.Get(tenant, ct) : null;
        var shared = having.Contains(Everyone) ? await byOwner.Get(Everyone, ct) : null;
        return own is null ? shared ?? [] : shared is null ? own : [.. own, .. shared];
    }

    /// <summary>After a committed change.</summary>
    public void Forget(TenantId? owner)
    {
        owners.Forget("");
        byOwner.Forget(owner ?? Everyone);
    }
}
