using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Tenants;

/// <summary>What stands behind a key that may be used.</summary>
internal sealed record KnownKey(byte[] Hash, Caller Caller, IngressRate IngressRate, IReadOnlyList<IPNetwork>? Networks, DateTimeOffset? ExpiresAt)
{
    public bool Admits(IPAddress? address, DateTimeOffset now)
    {
        if (ExpiresAt <= now) return false;
        if (Networks is null) return true;
        return address is not null && Networks.Any(network => network.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address));
    }
}

/// <summary>
/// Looks keys up by their hash. Answers, unknown keys included, are remembered for <see cref="Lifetime"/>: that is how long a key that another
/// process revoked still works here; a change in this process shows at once.
/// </summary>
internal sealed class KeyDirectory(Db db, TimeProvider time)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);
    public const int EntriesMax = 10_000;

    private readonly ConcurrentDictionary<string, (KnownKey? Key, long At)> remembered = new();
    private readonly ConcurrentDictionary<KeyId, byte> used = new();

    /// <summary>Null when there is no such key, or it is revoked.</summary>
    public async ValueTask<KnownKey?> Find(string key, CancellationToken ct)
    {
        var hash = ApiKey.Hash(key);
        var name = Convert.ToHexString(hash);
        if (!remembered.TryGetValue(name, out var entry) || time.GetElapsedTime(entry.At) > Lifetime)
        {
            entry = (await Load(hash, ct), time.GetTimestamp());
            if (remembered.Count >= EntriesMax) remembered.Clear();
            remembered[name] = entry;
        }
        if (entry.Key is null || !CryptographicOperations.FixedTimeEquals(entry.Key.Hash, hash)) return null;
        used.TryAdd(entry.Key.Caller.Key!.Value, 0);
        return entry.Key;
    }

    /// <summary>The key, if it may be used now and from this address; whatever else its text is, null.</summary>
    public async ValueTask<KnownKey?> Admit(string key, IPAddress? address, CancellationToken ct) =>
        ApiKey.TryParse(key, out _) && await Find(key, ct) is { } known && known.Admits(address, time.GetUtcNow()) ? known : null;

    /// <summary>After a committed change of keys or tenants.</summary>
    public void Forget() => remembered.Clear();

    /// <summary>The keys used since this was last asked.</summary>
    public IReadOnlyList<KeyId> TakeUsed()
    {
        var taken = used.Keys.ToList();
        foreach (var key in taken) used.TryRemove(key, out _);
        return taken;
    }

    private async Task<KnownKey?> Load(byte[] hash, CancellationToken ct) => (await db.Query(
        """
        select k.id, k.tenant_id, k.mode, k.hash, k.scopes, k.domains, k.networks, k.default_category, k.expires_at, t.ingress_per_second, t.ingress_burst
        from api_keys k join tenants t on t.id = k.tenant_id
        where k.hash = @hash and k.revoked_at is null
        """, row => new KnownKey(
            row.Bytes(3),
            new Caller
            {
                TenantOrNone = new TenantId(row.GetGuid(1)),
                Key = new KeyId(row.GetGuid(0)),
                IsOperator = false,
                IsTest = EnumText.Parse<KeyMode>(row.GetString(2)) == KeyMode.Test,
                Scopes = row.Texts(4),
                Domains = row.TextsOrNull(5),
                IsBound = !row.IsDBNull(5) || !row.IsDBNull(6) || !row.IsDBNull(8),
                DefaultCategory = row.TextOrNull(7) is { } category ? EnumText.Parse<Category>(category) : null,
            },
            new IngressRate(row.GetInt32(9), row.GetInt32(10)),
            row.TextsOrNull(6) is { } networks ? [.. networks.Select(IPNetwork.Parse)] : null,
            row.InstantOrNull(8)), ct, ("hash", hash))).SingleOrDefault();
}
