using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Dkim;
using MailApi.Storage;
using MailApi.Tenants;

namespace MailApi.Bench;

/// <summary>A sending domain that was written into the store.</summary>
internal sealed record Inhabitant(TenantId Tenant, DomainId DomainId, Sender Sender);

/// <summary>
/// Tenants and domains by the thousand, written into the store of a program that does not run: registering makes a key pair each, which takes
/// the API a tenth of a second.
/// </summary>
internal static class Population
{
    private const int NoLimit = 10_000;

    /// <summary>Of a transaction.</summary>
    private const int ChunkSize = 500;

    /// <param name="db">With its schema.</param>
    /// <param name="vault">Seals the keys as the program will open them.</param>
    /// <param name="tenants">How many.</param>
    /// <param name="domains">Over all tenants, dealt out in turn.</param>
    /// <param name="keys">Of the domains, in turn.</param>
    public static async Task<IReadOnlyList<Inhabitant>> Write(Db db, Vault vault, int tenants, int domains, IReadOnlyList<SigningKey> keys)
    {
        var (owners, all) = (new List<(TenantId Id, string Key)>(), new List<Inhabitant>());
        var statements = new List<Statement>();
        for (var index = 0; index < tenants; index++) statements.AddRange(NewTenant(owners));
        for (var index = 0; index < domains; index++) statements.AddRange(NewDomain(owners[index % tenants], index, keys[index % keys.Count], vault, all));
        foreach (var chunk in statements.Chunk(ChunkSize))
        {
            await db.Write(async transaction =>
            {
                await transaction.Run(chunk, onRow: null, CancellationToken.None);
                return true;
            }, CancellationToken.None);
        }
        return all;
    }

    private static IEnumerable<Statement> NewTenant(List<(TenantId Id, string Key)> owners)
    {
        var (id, key) = (PrefixedId.New<TenantId>(), ApiKey.Generate(KeyMode.Live));
        owners.Add((id, key));
        yield return new Statement(
            "insert into tenants (id, name, ingress_per_second, ingress_burst, created_at) values (@id, 'Shop', @rate, @rate, now_ms())",
            ("id", id.Value), ("rate", NoLimit));
        yield return new Statement(
            "insert into api_keys (id, tenant_id, name, mode, hash, scopes, created_at) values (@id, @tenant, 'first live', @mode, @hash, @scopes, now_ms())",
            ("id", PrefixedId.New<KeyId>().Value), ("tenant", id.Value), ("mode", KeyMode.Live.ToText()), ("hash", ApiKey.Hash(key)), ("scopes", JsonText.From(TenantRegistry.AllScopes)));
    }

    private static IEnumerable<Statement> NewDomain((TenantId Id, string Key) owner, int index, SigningKey key, Vault vault, List<Inhabitant> all)
    {
        var (id, name) = (PrefixedId.New<DomainId>(), $"mail.shop{index}.example");
        all.Add(new Inhabitant(owner.Id, id, new Sender(owner.Key, name)));
        return DkimKeys.Insert(owner.Id, id, "ma1", key, KeyState.Active, vault).Prepend(new Statement(
            """
            insert into domains (id, tenant_id, name, state, verification, categories, rate_per_second, rate_burst, ownership_token, created_at)
            values (@id, @tenant, @name, @state, @verification, @categories, @rate, @rate, 'token', now_ms())
            """,
            ("id", id.Value), ("tenant", owner.Id.Value), ("name", name), ("state", DomainState.Verified.ToText()), ("verification", Verification.Manual.ToText()),
            ("categories", JsonText.From([Category.Notification.ToText()])), ("rate", NoLimit)));
    }
}
