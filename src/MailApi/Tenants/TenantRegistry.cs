using System.Data.Common;
using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Tenants;

/// <summary>Tenants and their keys in the store.</summary>
internal sealed class TenantRegistry(Db db, KeyDirectory directory)
{
    private const string KeyColumns = "id, name, mode, scopes, domains, networks, default_category, created_at, expires_at, revoked_at, last_used_at";

    /// <summary>What a key may do when its maker does not say: everything within its tenant.</summary>
    public static readonly IReadOnlyList<string> AllScopes =
        [Scopes.Send, Scopes.Read, Scopes.Domains, Scopes.Webhooks, Scopes.Suppressions, Scopes.Templates, Scopes.Receive, Scopes.Admin];

    /// <summary>A new tenant with its first live and test key.</summary>
    public async Task<Tenant> Create(string name, IngressRate rate, int? delayedAfterSeconds, int weight, CancellationToken ct)
    {
        var id = PrefixedId.New<TenantId>();
        Act.Concerns(id, id.ToString());
        var keys = Enum.GetValues<KeyMode>().Select(mode => new NewKey("first " + mode.ToText(), mode, AllScopes)).ToList();
        var made = await db.Write(async transaction =>
        {
            await transaction.Execute(
                """
                insert into tenants (id, name, ingress_per_second, ingress_burst, delayed_after_seconds, weight, created_at)
                values (@id, @name, @perSecond, @burst, @delayed, @weight, now_ms())
                """, ct,
                ("id", id.Value), ("name", name), ("perSecond", rate.PerSecond), ("burst", rate.Burst), ("delayed", delayedAfterSeconds), ("weight", weight));
            var result = new List<Key>();
            foreach (var key in keys) result.Add(await Insert(transaction, id, key, ct));
            return result;
        }, ct);
        return (await Find(id, ct))! with { Keys = made };
    }

    public async Task<Tenant?> Find(TenantId id, CancellationToken ct) => (await db.Query(
        "select id, name, ingress_per_second, ingress_burst, delayed_after_seconds, weight, created_at from tenants where id = @id",
        row => new Tenant
        {
            Id = new TenantId(row.GetGuid(0)),
            Name = row.GetString(1),
            IngressRate = new IngressRate(row.GetInt32(2), row.GetInt32(3)),
            DelayedAfterSeconds = row.IntOrNull(4),
            Weight = row.GetInt32(5),
            CreatedAt = row.Instant(6),
        }, ct, ("id", id.Value))).SingleOrDefault();

    public async Task<bool> Any(CancellationToken ct) => (await db.Query("select id from tenants limit 1", row => row.GetGuid(0), ct)).Count > 0;

    public async Task Update(Tenant tenant, CancellationToken ct)
    {
        await db.Execute(
            "update tenants set name = @name, ingress_per_second = @perSecond, ingress_burst = @burst, delayed_after_seconds = @delayed, weight = @weight where id = @id", ct,
            ("delayed", tenant.DelayedAfterSeconds), ("weight", tenant.Weight), ("name", tenant.Name), ("perSecond", tenant.IngressRate.PerSecond), ("burst", tenant.IngressRate.Burst), ("id", tenant.Id.Value));
        directory.Forget();
    }

    public Task<Key> CreateKey(TenantId tenant, NewKey key, CancellationToken ct) => db.WriteAs(tenant, async transaction =>
    {
        var made = await Insert(transaction, tenant, key, ct);
        Act.Concerns(tenant, $"{tenant} {made.Id}");
        return made;
    }, ct);

    public Task<List<Key>> Keys(TenantId tenant, CancellationToken ct) =>
        db.QueryAs(tenant, $"select {KeyColumns} from api_keys where tenant_id = @tenant order by id", Read, ct, ("tenant", tenant.Value));

    /// <summary>False when the tenant has no such key.</summary>
    public async Task<bool> Revoke(TenantId tenant, KeyId key, CancellationToken ct)
    {
        var revoked = await db.ExecuteAs(tenant,
            "update api_keys set revoked_at = coalesce(revoked_at, now_ms()) where id = @id and tenant_id = @tenant", ct, ("id", key.Value), ("tenant", tenant.Value));
        directory.Forget();
        return revoked == 1;
    }

    private static async Task<Key> Insert(DbTransaction transaction, TenantId tenant, NewKey key, CancellationToken ct)
    {
        var secret = ApiKey.Generate(key.Mode);
        var made = await transaction.Query(
            $"""
            insert into api_keys (id, tenant_id, name, mode, hash, scopes, domains, networks, default_category, created_at, expires_at)
            values (@id, @tenant, @name, @mode, @hash, @scopes, @domains, @networks, @category, now_ms(), @expires)
            returning {KeyColumns}
            """, Read, ct,
            ("id", PrefixedId.New<KeyId>().Value), ("tenant", tenant.Value), ("name", key.Name), ("mode", key.Mode.ToText()), ("hash", ApiKey.Hash(secret)),
            ("scopes", JsonText.From(key.Scopes)), ("domains", key.Domains is null ? null : JsonText.From(key.Domains)),
            ("networks", key.Networks is null ? null : JsonText.From(key.Networks)), ("category", key.DefaultCategory?.ToText()),
            ("expires", key.ExpiresAt?.ToUnixTimeMilliseconds()));
        return made[0] with { Secret = secret };
    }

    private static Key Read(DbDataReader row) => new()
    {
        Id = new KeyId(row.GetGuid(0)),
        Name = row.GetString(1),
        Mode = EnumText.Parse<KeyMode>(row.GetString(2)),
        Scopes = row.Texts(3),
        Domains = row.TextsOrNull(4),
        Networks = row.TextsOrNull(5),
        DefaultCategory = row.TextOrNull(6) is { } category ? EnumText.Parse<Category>(category) : null,
        CreatedAt = row.Instant(7),
        ExpiresAt = row.InstantOrNull(8),
        RevokedAt = row.InstantOrNull(9),
        LastUsedAt = row.InstantOrNull(10),
    };
}

/// <summary>A key to be made.</summary>
internal sealed record NewKey(string Name, KeyMode Mode, IReadOnlyList<string> Scopes)
{
    public IReadOnlyList<string>? Domains { get; init; }
    public IReadOnlyList<string>? Networks { get; init; }
    public Category? DefaultCategory { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
}
