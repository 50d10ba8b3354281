using System.Globalization;
using MailApi.Api;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Storage;

namespace MailApi.Integration.Tests.Security;

/// <summary>S-12: with the first wall taken down: statements that name no tenant, within a transaction that is bound to one.</summary>
public sealed class SecondWallTests(SharedServers servers)
{
    private static readonly CancellationToken Ct = CancellationToken.None;

    /// <summary>Rows of an installation, not of a tenant's: nothing in them is a tenant's secret, or they are written and read by the service alone.</summary>
    private const string OfTenants = """
        select c.table_name from information_schema.columns c join information_schema.tables t on t.table_name = c.table_name and t.table_schema = c.table_schema
        where c.table_schema = 'public' and c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE' order by 1
        """;

    [Fact]
    public async Task Every_table_with_a_tenant_has_the_wall_and_its_owner_does_not_climb_it()
    {
        await using var service = await ServiceUnderTest.Start(StoreProvider.PostgreSql, servers);
        var walled = await service.Db.Query(
            "select relname from pg_class c where relrowsecurity and relforcerowsecurity and exists (select 1 from pg_policy p where p.polrelid = c.oid)", row => row.GetString(0), Ct);
        var tables = await service.Db.Query(OfTenants, row => row.GetString(0), Ct);
        Assert.True(tables.Count > 15, $"{tables.Count} tables");
        Assert.Equal(tables, tables.Intersect(walled));
        Assert.Equal([false], await service.Db.Query("select rolsuper or rolbypassrls from pg_roles where rolname = current_user", row => row.GetBoolean(0), Ct));
    }

    [Fact]
    public async Task Without_a_where_nothing_of_another_tenant_is_read_changed_deleted_or_made()
    {
        await using var service = await ServiceUnderTest.Start(StoreProvider.PostgreSql, servers);
        var (mine, other) = (await service.Tenant(), await service.Tenant());
        var filled = 0;
        foreach (var table in await service.Db.Query(OfTenants, row => row.GetString(0), Ct))
        {
            var before = await Count(service.Db, table, other.Id);
            if (before > 0) filled++;
            Assert.All(await service.Db.QueryAs(mine.Id, $"select distinct tenant_id from {table}", row => row.GuidOrNull(0), Ct), tenant => Assert.Equal(mine.Id.Value, tenant));
            Assert.Equal(await Count(service.Db, table, mine.Id), (await service.Db.QueryAs(mine.Id, $"select count(*) from {table}", row => row.GetInt64(0), Ct))[0]);
            if (table == "audit") continue;
            // Bound to the one, whose rows can be locked and changed; the other's are not there.
            await service.Db.WriteAs(mine.Id, async transaction =>
            {
                Assert.Equal(await CountBound(transaction, table), await transaction.Execute($"update {table} set tenant_id = tenant_id", Ct));
                return 0;
            }, Ct);
            if (before > 0)
                await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => service.Db.ExecuteAs(mine.Id, $"update {table} set tenant_id = @other", Ct, ("other", other.Id.Value)));
        }
        Assert.True(filled >= 14, $"{filled} tables had rows of both");

        // Children first, until nothing of the one is left.
        foreach (var table in new[] { "webhook_deliveries", "suppressions", "api_keys", "idempotency", "mailboxes", "relays" }) await service.Db.ExecuteAs(mine.Id, $"delete from {table}", Ct);
        foreach (var table in new[] { "suppressions", "api_keys", "mailboxes", "relays" })
        {
            Assert.Equal(0, await Count(service.Db, table, mine.Id));
            Assert.NotEqual(0, await Count(service.Db, table, other.Id));
        }
    }

    private static async Task<long> Count(Db db, string table, TenantId tenant) =>
        (await db.Query(string.Create(CultureInfo.InvariantCulture, $"select count(*) from {table} where tenant_id = @tenant"), row => row.GetInt64(0), Ct, ("tenant", tenant.Value)))[0];

    private static async Task<int> CountBound(System.Data.Common.DbTransaction transaction, string table) => (int)(await transaction.Query($"select count(*) from {table}", row => row.GetInt64(0), Ct))[0];
}
