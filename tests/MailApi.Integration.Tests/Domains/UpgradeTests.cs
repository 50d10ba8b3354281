using System.Security.Cryptography;
using DbUp;
using DbUp.Builder;
using DbUp.Engine.Output;
using MailApi.Api;
using MailApi.Domains;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailApi.Integration.Tests.Domains;

/// <summary>A database from before names could be claimed by several tenants, brought up to date.</summary>
public sealed class UpgradeTests(SharedServers servers)
{
    private static readonly CancellationToken Ct = CancellationToken.None;

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Domains_keys_and_messages_are_still_there_and_the_keys_still_sign(StoreProvider provider)
    {
        using var store = await StoreUnderTest.Create(provider, servers);
        MigrateAsItWas(store.Options, store.Directory);
        var tenant = await store.AddTenant();
        using var key = await DkimKeys.Generate(KeyAlgorithm.Rsa, TestContext.Current.CancellationToken);
        var domain = await AddAsItWas(store, tenant, "shop.example", "verified", key);
        await AddMessage(store.Db, tenant, domain);

        store.Migrate();

        var found = (await new DomainRows(store.Db).Find(domain, tenant, Ct))!;
        Assert.Equal(("shop.example", DomainState.Verified, Verification.Dns, "token", 7), (found.Name, found.State, found.Verification, found.OwnershipToken, found.Rate.Burst));
        Assert.Equal(("ma1", KeyState.Active, found.CreatedAt), Assert.Single(found.Keys) is var kept ? (kept.Selector, kept.State, kept.ActivatedAt!.Value) : default);
        Assert.Equal(key.ExportPublic(), found.Keys[0].Public);
        var identity = (await new SendingDomains(store.Db, store.Vault, TimeProvider.System).Identity(domain, Ct))!;
        var message = "From: a@shop.example\r\n\r\nx\r\n"u8.ToArray();
        byte[] signed = [.. identity.Signers.Single().Sign(message), .. message];
        Assert.Equal(AuthenticationResult.Pass, Assert.Single(await Verifier.Verify(signed, (_, _, _) => Task.FromResult<string?>(SigningKey.Record(key.ExportPublic())), Ct)).Result);
        Assert.Equal([(domain.Value, "Order 1001")], await store.Db.Query("select domain_id, subject from messages", row => (row.GetGuid(0), row.GetString(1)), Ct));
        Assert.Equal([domain.Value], await store.Db.Query("select domain_id from envelopes", row => row.GetGuid(0), Ct));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Afterwards_a_name_may_be_claimed_twice_proved_once_and_takes_its_keys_along(StoreProvider provider)
    {
        using var store = await StoreUnderTest.Create(provider, servers);
        MigrateAsItWas(store.Options, store.Directory);
        var (one, two) = (await store.AddTenant(), await store.AddTenant());
        using var key = await DkimKeys.Generate(KeyAlgorithm.Rsa, TestContext.Current.CancellationToken);
        var domain = await AddAsItWas(store, one, "shop.example", "pending", key);

        store.Migrate();
        store.Migrate();

        var registry = new DomainRegistry(store.Db, store.Vault, new SendingDomains(store.Db, store.Vault, TimeProvider.System), NullLogger<DomainRegistry>.Instance);
        var claim = Assert.IsType<Registration.Done>(await registry.Register(DomainsUnderTest.New(two, "shop.example"), Ct)).Id;
        const string Prove = "update domains set state = 'verified' where id = @id";
        await store.Db.Execute(Prove, Ct, ("id", claim.Value));
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => store.Db.Execute(Prove, Ct, ("id", domain.Value)));

        await store.Db.Execute("delete from domains where id = @id", Ct, ("id", domain.Value));
        Assert.Equal([claim.Value], await store.Db.Query("select domain_id from dkim_keys", row => row.GetGuid(0), Ct));
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => store.Db.Execute("update dkim_keys set domain_id = @none", Ct, ("none", Guid.NewGuid())));
    }

    [Fact]
    public async Task Row_level_security_still_parts_the_tenants_domains()
    {
        using var store = await StoreUnderTest.Create(StoreProvider.PostgreSql, servers);
        MigrateAsItWas(store.Options, store.Directory);
        var (one, two) = (await store.AddTenant(), await store.AddTenant());
        using var key = await DkimKeys.Generate(KeyAlgorithm.Rsa, TestContext.Current.CancellationToken);
        var mine = await AddAsItWas(store, one, "shop.example", "verified", key);
        await AddAsItWas(store, two, "other.example", "verified", key);
        store.Migrate();

        foreach (var table in new[] { "domains", "dkim_keys" })
        {
            var forgetful = $"select tenant_id from {table}";
            Assert.Equal([one.Value], await store.Db.QueryAs(one, forgetful, row => row.GetGuid(0), Ct));
            Assert.Equal(2, (await store.Db.Query(forgetful, row => row.GetGuid(0), Ct)).Count);
        }
        Assert.Equal([mine.Value], await store.Db.QueryAs(one, "update domains set observed = '{}' returning id", row => row.GetGuid(0), Ct));
    }

    /// <summary>The scripts up to 002.</summary>
    private static void MigrateAsItWas(StoreOptions options, string directory)
    {
        var isSqlite = options.Provider == StoreProvider.Sqlite;
        UpgradeEngineBuilder builder = isSqlite
            ? DeployChanges.To.SqliteDatabase(new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, "mailapi.db") }.ToString())
            : DeployChanges.To.PostgresqlDatabase(options.ConnectionString);
        var result = builder
            .WithScriptsEmbeddedInAssembly(typeof(Db).Assembly, name => IsOld(name) && !name.EndsWith(isSqlite ? "-postgresql.sql" : "-sqlite.sql", StringComparison.Ordinal))
            .WithVariable("identity", isSqlite ? "integer primary key autoincrement" : "bigint generated always as identity primary key")
            .WithVariable("transaction", isSqlite ? "0" : "pg_current_xact_id()::text::bigint")
            .LogTo(new NoOpUpgradeLog())
            .Build()
            .PerformUpgrade();
        Assert.True(result.Successful, result.Error?.ToString());
        Assert.InRange(result.Scripts.Count(), isSqlite ? 1 : 3, 3);
    }

    private static bool IsOld(string script) => script.EndsWith(".sql", StringComparison.Ordinal) && string.CompareOrdinal(script, "MailApi.Storage.Migrations.003") < 0;

    private static async Task<DomainId> AddAsItWas(StoreUnderTest store, TenantId tenant, string name, string state, SigningKey key)
    {
        var (domain, row) = (PrefixedId.New<DomainId>(), Guid.CreateVersion7());
        await store.Db.Execute("""
            insert into domains (id, tenant_id, name, state, verification, categories, rate_per_second, rate_burst, ownership_token, created_at)
            values (@id, @tenant, @name, @state, 'dns', '["notification"]', 5, 7, 'token', 1000)
            """, Ct, ("id", domain.Value), ("tenant", tenant.Value), ("name", name), ("state", state));
        var secret = key.ExportPrivate();
        await store.Db.Execute("""
            insert into dkim_keys (id, tenant_id, domain_id, selector, algorithm, state, public_key, private_key, created_at)
            values (@id, @tenant, @domain, 'ma1', 'rsa', 'active', @public, @private, 1000)
            """, Ct, ("id", row), ("tenant", tenant.Value), ("domain", domain.Value), ("public", key.ExportPublic()), ("private", store.Vault.Seal(secret, "dkim_keys", row, "private_key")));
        CryptographicOperations.ZeroMemory(secret);
        return domain;
    }

    private static async Task AddMessage(Db db, TenantId tenant, DomainId domain)
    {
        var message = Guid.CreateVersion7();
        await db.Execute("""
            insert into messages (id, tenant_id, domain_id, domain, category, test, sender, subject, tags, metadata, on_uncertain, size, content, created_at, expires_at)
            values (@id, @tenant, @domain, 'shop.example', 'notification', false, 'a@shop.example', 'Order 1001', '[]', '{}', 'retry', 1, @content, 0, 0)
            """, Ct, ("id", message), ("tenant", tenant.Value), ("domain", domain.Value), ("content", "x"u8.ToArray()));
        await db.Execute("""
            insert into envelopes (id, message_id, tenant_id, domain_id, category, test, recipient, recipient_domain, smtp_utf8, state, due_at, seq, created_at, expires_at, updated_at)
            values (@id, @message, @tenant, @domain, 'notification', false, 'ann@example.net', 'example.net', false, 'queued', 0, 1, 0, 0, 0)
            """, Ct, ("id", Guid.CreateVersion7()), ("message", message), ("tenant", tenant.Value), ("domain", domain.Value));
    }
}
