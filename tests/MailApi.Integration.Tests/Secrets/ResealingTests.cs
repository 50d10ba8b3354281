using System.Security.Cryptography;
using System.Text;
using MailApi.Api;
using MailApi.Audit;
using MailApi.Delivery.Relays;
using MailApi.Domains;
using MailApi.Hosting;
using MailApi.Integration.Tests.Domains;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Mail.Mailboxes;
using MailApi.Mailboxes;
using MailApi.OAuth;
using MailApi.Storage;
using MailApi.Webhooks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailApi.Integration.Tests.Secrets;

/// <summary>S-29: the key-encryption key has become known, or its time is up, and the store must go on without it.</summary>
public sealed class ResealingTests(SharedServers servers)
{
    private static readonly CancellationToken Ct = CancellationToken.None;

    /// <summary>That of <see cref="StoreUnderTest"/>.</summary>
    private static readonly byte[] Old = new byte[Vault.KeyBytes];
    private static readonly byte[] New = SHA256.HashData("new"u8);

    /// <summary>As the slices register them.</summary>
    private static readonly IReadOnlyList<SealedColumn> Columns =
        [.. new ServiceCollection().AddDomains().AddMailboxes().AddRelays().AddWebhooks().Where(it => it.ServiceType == typeof(SealedColumn)).Select(it => (SealedColumn)it.ImplementationInstance!)];

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task After_a_pass_the_new_key_alone_opens_everything_and_the_old_one_nothing(StoreProvider provider)
    {
        using var store = await Filled(provider);
        var before = await Opened(store, new Vault(Old));
        Assert.Equal(Columns.Count, before.Keys.Select(place => place.Split(' ')[0]).Distinct().Count());
        // Before, a process without the old key must not start.
        await Assert.ThrowsAnyAsync<CryptographicException>(() => new SealedSettings(store.Db, new Vault(New)).Open(Ct));

        var rotating = new Vault(New, Old);
        var resealing = await Start(store, rotating);
        Assert.Equal(new SealedCounts(0, before.Count, 0), await resealing.Count(Ct));
        Assert.False(await resealing.IsFinished(await resealing.Count(Ct), Ct));
        Assert.Equal(before, await Opened(store, rotating));
        Assert.True(await resealing.Pass(Ct));
        Assert.False(await resealing.Pass(Ct));

        var counts = await resealing.Count(Ct);
        Assert.Equal(new SealedCounts(before.Count, 0, 0), counts);
        Assert.True(await resealing.IsFinished(counts, Ct));
        await Start(store, new Vault(New));
        Assert.Equal(before, await Opened(store, new Vault(New)));
        await Assert.ThrowsAnyAsync<CryptographicException>(() => new SealedSettings(store.Db, new Vault(Old)).Open(Ct));
        Assert.Equal(before.Count, (await Start(store, new Vault(New, Old))) is var again ? (await again.Count(Ct)).UnderPresentKey : 0);
        await Assert.ThrowsAnyAsync<CryptographicException>(() => Opened(store, new Vault(Old)));
        var entry = Assert.Single(await new AuditLog(store.Db, new AuditChain(rotating)).List(null, long.MaxValue, 10, Ct));
        Assert.Equal(("RotateKeyEncryptionKey", "service", rotating.Fingerprint), (entry.Act, entry.Actor, entry.Subject));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Passes_at_once_beside_a_process_that_still_seals_under_the_old_key_lose_nothing_and_come_to_an_end(StoreProvider provider)
    {
        using var store = await Filled(provider);
        var webhooks = await store.Db.Query("select id, tenant_id from webhooks", row => (Id: new WebhookId(row.GetGuid(0)), Tenant: new TenantId(row.GetGuid(1))), Ct);
        var (one, other) = (await Start(store, new Vault(New, Old)), await Start(store, new Vault(New, Old)));
        var behind = new WebhookStore(store.Db, new Vault(Old, New));
        await Task.WhenAll(one.Pass(Ct), other.Pass(Ct), Task.Run(async () =>
        {
            foreach (var (id, tenant) in webhooks) await behind.Rotate(tenant, id, Ct);
        }));
        await one.Pass(Ct);
        Assert.Equal(0, (await one.Count(Ct)).UnderPreviousKeys);
        Assert.Equal(0, (await one.Count(Ct)).Unreadable);
        await Start(store, new Vault(New));
        Assert.NotEmpty(await Opened(store, new Vault(New)));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_DKIM_key_that_was_revoked_has_nothing_to_lose(StoreProvider provider)
    {
        using var store = await Filled(provider);
        var revoked = await store.Db.Execute("update dkim_keys set private_key = @nothing", Ct, ("nothing", Array.Empty<byte>()));
        var resealing = await Start(store, new Vault(New, Old));
        Assert.True(await resealing.Pass(Ct));
        Assert.InRange(revoked, 1, int.MaxValue);
        Assert.Equal(0, (await resealing.Count(Ct)).Unreadable);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task What_no_key_opens_is_counted_and_left_as_it_is(StoreProvider provider)
    {
        using var store = await Filled(provider);
        await store.Db.Execute("update webhooks set previous_secret = secret", Ct);
        var altered = await store.Db.Query("select previous_secret from webhooks order by id", row => row.Bytes(0), Ct);
        var resealing = await Start(store, new Vault(New, Old));
        Assert.True(await resealing.Pass(Ct));
        Assert.Equal(altered.Count, (await resealing.Count(Ct)).Unreadable);
        Assert.Equal(altered, await store.Db.Query("select previous_secret from webhooks order by id", row => row.Bytes(0), Ct));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Derived_keys_outlive_the_key_encryption_key(StoreProvider provider)
    {
        using var store = await StoreUnderTest.Create(provider, servers);
        store.Migrate();
        var (old, rotating, anew) = (new Vault(Old), new Vault(New, Old), new Vault(New));
        Assert.Throws<InvalidOperationException>(() => old.Derive("unsubscribe"));
        await Start(store, old);
        Assert.True(await (await Start(store, rotating)).Pass(Ct));
        await Start(store, anew);
        foreach (var vault in new[] { rotating, anew }) Assert.Equal(old.Derive("unsubscribe"), vault.Derive("unsubscribe"));
        Assert.NotEqual(old.Derive("unsubscribe"), old.Derive("reports"));
        // Whoever learns the key-encryption key without the store learns none of them.
        Assert.NotEqual(HKDF.DeriveKey(HashAlgorithmName.SHA256, Old, Vault.KeyBytes, info: "unsubscribe"u8.ToArray()), old.Derive("unsubscribe"));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_store_from_before_the_root_keeps_the_links_that_are_out_there(StoreProvider provider)
    {
        foreach (var first in new[] { new Vault(Old), new Vault(New, Old) })
        {
            using var store = await StoreUnderTest.Create(provider, servers);
            store.Migrate();
            await store.Db.Execute("insert into settings (name, value) values (@name, @value)", Ct,
                ("name", "key-encryption-key-check"), ("value", new Vault(Old).Seal("key-encryption-key-check"u8, "settings", Guid.Empty, "key-encryption-key-check")));
            await Start(store, first);
            await (await Start(store, new Vault(New, Old))).Pass(Ct);
            var anew = new Vault(New);
            await Start(store, anew);
            Assert.Equal(HKDF.DeriveKey(HashAlgorithmName.SHA256, Old, Vault.KeyBytes, info: "unsubscribe"u8.ToArray()), anew.Derive("unsubscribe"));
        }
    }

    [Fact]
    public async Task Every_column_of_octets_is_sealed_or_known_to_hold_no_secret()
    {
        using var store = await StoreUnderTest.Create(StoreProvider.PostgreSql, servers);
        store.Migrate();
        string[] open =
        [
            "api_keys.hash", "audit.mac", "audit_head.mac", "audit_head.seal", "dkim_keys.public_key", "idempotency.body_hash", "messages.content", "sandbox_messages.raw",
            // The two sealed ones there are SealedSettings' own; the operator's key is a hash.
            "settings.value",
        ];
        var columns = await store.Db.Query(
            "select table_name || '.' || column_name from information_schema.columns where table_schema = 'public' and data_type = 'bytea'", row => row.GetString(0), Ct);
        Assert.Equal(columns.Except(open).Order(), Columns.Select(column => $"{column.Table}.{column.Column}").Order());
        Assert.Empty(open.Except(columns));
    }

    /// <summary>A process: opens the store with its keys.</summary>
    private static async Task<Resealing> Start(StoreUnderTest store, Vault vault)
    {
        var settings = new SealedSettings(store.Db, vault);
        await settings.Open(Ct);
        return new Resealing(store.Db, vault, settings, Columns, new AuditLog(store.Db, new AuditChain(vault)).Append, TimeProvider.System, NullLogger<Resealing>.Instance);
    }

    /// <summary>A store with more than a page of secrets of every kind, sealed under <see cref="Old"/>.</summary>
    private async Task<StoreUnderTest> Filled(StoreProvider provider)
    {
        var store = await StoreUnderTest.Create(provider, servers);
        store.Migrate();
        await Start(store, store.Vault);
        var oauth = new OAuthClient { Provider = OAuthProvider.Google, Grant = OAuthGrant.RefreshToken, ClientId = "client", ClientSecret = "client secret", RefreshToken = "refresh token" };
        var registry = new DomainRegistry(store.Db, store.Vault, new SendingDomains(store.Db, store.Vault, TimeProvider.System), NullLogger<DomainRegistry>.Instance);
        for (var count = 0; count < 6; count++)
        {
            var tenant = await store.AddTenant();
            var domain = Assert.IsType<Registration.Done>(await registry.Register(DomainsUnderTest.New(tenant, $"mail{count}.shop.example", Verification.Manual), Ct)).Id;
            var webhooks = new WebhookStore(store.Db, store.Vault);
            for (var hook = 0; hook < WebhookOptions.PerTenantMax; hook++) await webhooks.Rotate(tenant, (await webhooks.Create(tenant, "https://shop.example/", ["*"], Ct))!.Id, Ct);
            foreach (var client in new[] { null, oauth })
            {
                await new RelayStore(store.Db, store.Vault).Create(new Relay
                {
                    Id = PrefixedId.New<RelayId>(),
                    Tenant = tenant,
                    Name = "relay",
                    Host = "relay.example",
                    Port = 587,
                    Tls = RelayTls.StartTls,
                    Username = "shop",
                    Password = client is null ? "relay password" : null,
                    OAuth = client,
                    Priority = 1,
                    Weight = 1,
                    Limits = new RelayLimits(),
                    Enabled = true,
                }, Ct);
            }
            await new MailboxStore(store.Db, store.Vault).Put(new Mailbox
            {
                Domain = domain,
                Tenant = tenant,
                Protocol = MailboxProtocol.Imap,
                Host = "imap.example",
                Port = 993,
                Tls = MailboxTls.Implicit,
                Auth = MailboxAuth.Password,
                Username = "shop",
                Password = "mailbox password",
                OAuth = oauth,
                Folder = "INBOX",
                After = AfterTaking.Move,
                MoveTo = "Processed",
            }, Ct);
        }
        return store;
    }

    /// <summary>Every secret by its place.</summary>
    private static async Task<SortedDictionary<string, string>> Opened(StoreUnderTest store, Vault vault)
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (table, id, column) in Columns)
            foreach (var (row, value) in await store.Db.Query($"select {id}, {column} from {table} where {column} is not null", row => (row.GetGuid(0), row.Bytes(1)), Ct))
                found.Add($"{table}.{column} {row}", Encoding.Latin1.GetString(vault.Open(value, table, row, column)));
        return found;
    }
}
