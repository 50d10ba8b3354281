using MailApi.Api;
using MailApi.Audit;
using MailApi.Hosting;
using MailApi.Integration.Tests.Domains;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Storage;

namespace MailApi.Integration.Tests.Audit;

/// <summary>S-39: the record of who did what is bent afterwards by somebody who can write to the store.</summary>
public sealed class AuditLogTests(SharedServers servers)
{
    private const int Acts = 6;

    /// <summary>Statements of an intruder who is past the triggers, and what the check must say of them.</summary>
    public static TheoryData<string, long, string> Bends => new()
    {
        { "update audit set actor = 'operator' where position = 3", 3, "altered" },
        { "update audit set act = 'Other' where position = 1", 1, "altered" },
        { "update audit set subject = null where position = 6", 6, "altered" },
        { "update audit set address = '203.0.113.9' where position = 4", 4, "altered" },
        { "update audit set at = at - 1 where position = 2", 2, "altered" },
        { "update audit set tenant_id = null where position = 5", 5, "altered" },
        { "update audit set mac = (select mac from audit where position = 2) where position = 3", 3, "altered" },
        // From one field to the next.
        { "update audit set act = act || subject, subject = null where position = 3", 3, "altered" },
        { "delete from audit where position = 1", 1, "removed" },
        { "delete from audit where position = 4", 4, "removed" },
        { "delete from audit where position = 6", 6, "removed" },
        { "delete from audit where position > 2", 3, "removed" },
        { "delete from audit", 1, "removed" },
        { "update audit set position = -1 where position = 2; update audit set position = 2 where position = 3; update audit set position = 3 where position = -1", 2, "altered" },
        { "delete from audit where position = 2; update audit set position = position - 1 where position = 3", 2, "altered" },
        { "insert into audit (position, at, actor, act, mac) select 7, at, actor, act, mac from audit where position = 6", 7, "added" },
        { "delete from audit where position = 6; update audit_head set position = 5, mac = (select mac from audit where position = 5)", 5, "head" },
        { "update audit_head set position = 7", 7, "head" },
        { "delete from audit_head", 1, "added" },
    };

    [Theory, MemberData(nameof(Bends))]
    public async Task An_altered_removed_added_or_moved_row_is_found_in_SQLite(string sql, long position, string reason) => await Bend(StoreProvider.Sqlite, sql, position, reason);

    [Theory, MemberData(nameof(Bends))]
    public async Task An_altered_removed_added_or_moved_row_is_found_in_PostgreSQL(string sql, long position, string reason) => await Bend(StoreProvider.PostgreSql, sql, position, reason);

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task An_older_state_put_back_whole_is_found_by_a_mark_that_was_kept_elsewhere(StoreProvider provider)
    {
        using var store = await Store(provider);
        var log = Log(store);
        await Fill(store, log);
        await Run(store, "create table kept as select * from audit_head");
        await Act(store, log, "CreateKey");
        var mark = (await log.Verify(null, CancellationToken.None)).Mark!;
        await Disarm(store);
        await Run(store, $"delete from audit where position > {Acts}; update audit_head set position = (select position from kept), mac = (select mac from kept), seal = (select seal from kept)");
        Assert.True((await log.Verify(null, CancellationToken.None)).Intact);
        Assert.True(AuditChain.TryReadMark(mark, out var position, out var mac));
        var verdict = await log.Verify((position, mac), CancellationToken.None);
        Assert.Equal(new AuditBreak(Acts + 1, "removed"), verdict.Broken);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task The_store_itself_refuses_to_change_a_row(StoreProvider provider)
    {
        using var store = await Store(provider);
        var log = Log(store);
        await Fill(store, log);
        foreach (var sql in new[] { "update audit set actor = 'x'", "delete from audit where position = 6" })
            Assert.Contains("only appended to", (await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => Run(store, sql))).Message, StringComparison.Ordinal);
        if (provider == StoreProvider.PostgreSql) await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => Run(store, "truncate audit"));
        Assert.Equal(new AuditVerdict { Intact = true, Rows = Acts, Mark = (await log.Verify(null, CancellationToken.None)).Mark }, await log.Verify(null, CancellationToken.None));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Acts_at_the_same_time_make_one_chain_without_a_gap(StoreProvider provider)
    {
        using var store = await Store(provider);
        var log = Log(store);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            for (var count = 0; count < 10; count++) await Act(store, log, "CreateKey");
        }));
        var verdict = await log.Verify(null, CancellationToken.None);
        Assert.Equal((true, 80), (verdict.Intact, verdict.Rows));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task An_act_is_noted_with_its_change_or_not_at_all(StoreProvider provider)
    {
        using var store = await Store(provider);
        var log = Log(store);
        await Assert.ThrowsAsync<InvalidOperationException>(() => Under(log, "CreateKey", () => store.Db.Write<int>(async transaction =>
        {
            await transaction.Execute("insert into settings (name, value) values ('a', @value)", CancellationToken.None, ("value", new byte[1]));
            throw new InvalidOperationException();
        }, CancellationToken.None)));
        await Under(log, "CreateKey", () => store.Db.Execute("update settings set value = @value where name = 'nobody'", CancellationToken.None, ("value", new byte[1])));
        Assert.Equal(0, (await log.Verify(null, CancellationToken.None)).Rows);
        await Under(log, "CreateKey", async () =>
        {
            await store.Db.Execute("insert into settings (name, value) values ('a', @value)", CancellationToken.None, ("value", new byte[1]));
            await store.Db.Execute("insert into settings (name, value) values ('b', @value)", CancellationToken.None, ("value", new byte[1]));
        });
        await store.Db.Execute("delete from settings where name = 'b'", CancellationToken.None);
        Assert.Equal(1, (await log.Verify(null, CancellationToken.None)).Rows);
    }

    [Fact]
    public async Task The_second_wall_hides_the_acts_on_other_tenants_from_a_statement_that_forgets_to_ask()
    {
        using var store = await Store(StoreProvider.PostgreSql);
        var log = Log(store);
        await Fill(store, log);
        var tenant = (await log.List(null, long.MaxValue, 1, CancellationToken.None))[0].Tenant!.Value;
        Assert.Equal([tenant.Value], await store.Db.QueryAs(tenant, "select tenant_id from audit", row => row.GetGuid(0), CancellationToken.None));
    }

    private async Task Bend(StoreProvider provider, string sql, long position, string reason)
    {
        using var store = await Store(provider);
        var log = Log(store);
        await Fill(store, log);
        Assert.True((await log.Verify(null, CancellationToken.None)).Intact);
        await Disarm(store);
        await Run(store, sql);
        var verdict = await log.Verify(null, CancellationToken.None);
        Assert.Equal((false, new AuditBreak(position, reason)), (verdict.Intact, verdict.Broken));
    }

    private async Task<StoreUnderTest> Store(StoreProvider provider)
    {
        var store = await StoreUnderTest.Create(provider, servers);
        store.Migrate();
        store.Vault.SetRoot(new byte[Vault.KeyBytes]);
        return store;
    }

    private static AuditLog Log(StoreUnderTest store) => new(store.Db, new AuditChain(store.Vault));

    private static async Task Fill(StoreUnderTest store, AuditLog log)
    {
        for (var count = 0; count < Acts; count++) await Act(store, log, "CreateKey");
    }

    private static Task Act(StoreUnderTest store, AuditLog log, string name) => Under(log, name, () => store.AddTenant());

    private static async Task Under(AuditLog log, string name, Func<Task> work)
    {
        var act = new Act(log.Append) { Name = name, Actor = PrefixedId.New<KeyId>().ToString(), Address = "192.0.2.1", Tenant = PrefixedId.New<TenantId>(), Subject = PrefixedId.New<KeyId>().ToString() };
        act.Begin();
        try
        {
            await work();
        }
        finally
        {
            act.End();
        }
    }

    /// <summary>As who owns the tables may.</summary>
    private static Task Disarm(StoreUnderTest store) => Run(store, store.Options.Provider == StoreProvider.PostgreSql
        ? "alter table audit disable trigger user"
        : "drop trigger audit_stays; drop trigger audit_is_kept");

    private static async Task Run(StoreUnderTest store, string sql)
    {
        foreach (var statement in sql.Split(';')) await store.Db.Execute(statement, CancellationToken.None);
    }
}
