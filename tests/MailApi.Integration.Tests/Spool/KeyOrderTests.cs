using System.Data.Common;
using MailApi.Api;
using MailApi.Hosting;
using MailApi.Integration.Tests.Domains;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Spool;
using MailApi.Storage;

namespace MailApi.Integration.Tests.Spool;

/// <summary>Idempotency keys that are claimed in several lanes at the same time.</summary>
public sealed class KeyOrderTests(SharedServers servers)
{
    private static readonly CancellationToken Ct = CancellationToken.None;

    [Fact]
    public async Task Tenants_that_chose_the_same_key_have_theirs_claimed_in_one_order_whoever_came_first()
    {
        using var store = await StoreUnderTest.Create(StoreProvider.PostgreSql, servers);
        store.Migrate();
        await using var spool = new SpoolUnderTest(store.Db);
        TenantId[] tenants = [.. Enumerable.Range(0, 2).Select(_ => PrefixedId.New<TenantId>()).OrderBy(tenant => tenant.Value)];
        await using var first = await Claimed.By(store.Db, tenants[0], "first");
        await using var second = await Claimed.By(store.Db, tenants[0], "second");
        await using var same = await Claimed.By(store.Db, tenants[0], "same");

        // Both lanes wait for a key that another transaction has; what comes then is one lane's next batch.
        var inFirstLane = Accept(spool, tenants[0], "first");
        await store.Wait(sessions: 1);
        var inSecondLane = Accept(spool, tenants[0], "second");
        await store.Wait(sessions: 2);
        Task[] together = [Accept(spool, tenants[1], "same"), Accept(spool, tenants[0], "same")];
        await first.DisposeAsync();
        await inFirstLane;
        await store.Wait(sessions: 2);

        // It waits for the lower tenant's key, and has not taken the other one before.
        await store.Db.Write(async transaction =>
        {
            await transaction.Execute("set local lock_timeout = '2s'", Ct);
            return await Claimed.Claim(transaction, tenants[1], "same");
        }, Ct);
        await second.DisposeAsync();
        await same.DisposeAsync();
        await Task.WhenAll([inSecondLane, .. together]);
    }

    private static Task<AcceptResult> Accept(SpoolUnderTest spool, TenantId tenant, string key) => spool.Acceptor.Accept(SpoolUnderTest.NewAcceptance(tenant, key: key));

    /// <summary>A key that is claimed in a transaction which is still open.</summary>
    private sealed class Claimed : IAsyncDisposable
    {
        private readonly TaskCompletionSource released = new();
        private Task committed = Task.CompletedTask;

        public static async Task<Claimed> By(Db db, TenantId tenant, string key)
        {
            var claimed = new Claimed();
            var there = new TaskCompletionSource();
            claimed.committed = db.Write(async transaction =>
            {
                await Claim(transaction, tenant, key);
                there.SetResult();
                await claimed.released.Task;
                return 0;
            }, Ct);
            await there.Task;
            return claimed;
        }

        public static Task<int> Claim(DbTransaction transaction, TenantId tenant, string key) => transaction.Execute(
            "insert into idempotency (tenant_id, key, body_hash, message_id, response, created_at) values (@tenant, @key, @hash, @message, '{}', now_ms())", Ct,
            ("tenant", tenant.Value), ("key", key), ("hash", new byte[] { 1 }), ("message", Guid.CreateVersion7()));

        public async ValueTask DisposeAsync()
        {
            released.TrySetResult();
            await committed;
        }
    }
}
