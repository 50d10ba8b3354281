using System.Globalization;
using MailApi.Api;
using MailApi.Events;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Spool;
using MailApi.Storage;

namespace MailApi.Integration.Tests.Spool;

/// <summary>A database of its own for each test.</summary>
public sealed class PostgreSqlSpool(SharedServers servers) : SpoolContract
{
    private Db db = null!;

    private protected override async Task<Db> OpenStore()
    {
        var server = await servers.PostgreSql;
        var options = new StoreOptions { Provider = StoreProvider.PostgreSql, ConnectionString = server.ConnectionString(await server.CreateDatabaseAsync(CancellationToken.None)) };
        Store.Migrate(options, "");
        return db = Store.Open(options, "", TimeProvider.System);
    }

    private protected override Task SetClock(TimeSpan ahead) => db.Execute(string.Create(CultureInfo.InvariantCulture,
        $"create or replace function now_ms() returns bigint language sql stable as $$ select (extract(epoch from now()) * 1000)::bigint + ({(long)ahead.TotalMilliseconds}) $$"), CancellationToken.None);

    [Fact]
    public async Task The_event_log_shows_nothing_past_a_transaction_that_is_still_open()
    {
        const string Settled = "select id from events where transaction_id < events_horizon() order by transaction_id, position";
        var tenant = PrefixedId.New<TenantId>();
        var open = new TaskCompletionSource();
        var appended = new TaskCompletionSource();
        var slow = db.Write(async transaction =>
        {
            await transaction.Run([.. EventLog.Append(tenant, EventType.WebhookTest, new EventData())], null, CancellationToken.None);
            appended.SetResult();
            await open.Task;
            return 0;
        }, CancellationToken.None);
        await appended.Task;
        await db.Write(async transaction =>
        {
            await transaction.Run([.. EventLog.Append(tenant, EventType.WebhookTest, new EventData())], null, CancellationToken.None);
            return 0;
        }, CancellationToken.None);

        Assert.Empty(await db.Query(Settled, row => row.GetGuid(0), CancellationToken.None));
        open.SetResult();
        await slow;
        // The horizon is the cluster's: transactions of other databases count as long as they are open.
        await MailApi.Testing.Eventually.HoldsAsync(
            async () => (await db.Query(Settled, row => row.GetGuid(0), CancellationToken.None)).Count == 2, TimeSpan.FromSeconds(60), "both events are settled", CancellationToken.None);
    }

    [Fact]
    public async Task A_worker_that_stands_still_while_it_records_keeps_nobody_elses_mail_waiting()
    {
        var (stuck, other) = (await Spool.Accept(Tenant), await Spool.Accept(Tenant));
        Assert.NotNull(await Spool.Claim(stuck));
        Assert.NotNull(await Spool.Claim(other));
        await Spool.PassTime();
        var (open, isRecording) = (new TaskCompletionSource(), new TaskCompletionSource());
        var recording = db.Write(async transaction =>
        {
            await transaction.Execute("update envelopes set state = 'delivered' where id = @id", CancellationToken.None, ("id", stuck.Envelopes[0].Id.Value));
            isRecording.SetResult();
            await open.Task;
            return 0;
        }, CancellationToken.None);
        await isRecording.Task;

        await Spool.Sweeper.Sweep(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.True((await Spool.Claim(other, attempt: 1))!.DuplicatePossible);
        open.SetResult();
        await recording;
        Assert.Equal(EnvelopeState.Delivered, (await Spool.Recipient(stuck)).State);
    }

    [Fact]
    public async Task Transactions_that_nobody_goes_on_with_end()
    {
        Assert.Equal("1min", (await db.Query("show idle_in_transaction_session_timeout", row => row.GetString(0), CancellationToken.None))[0]);
    }

    [Fact]
    public async Task A_statement_bound_to_a_tenant_sees_no_other_tenants_rows_even_if_it_forgets_to_ask()
    {
        var (mine, other) = (PrefixedId.New<TenantId>(), PrefixedId.New<TenantId>());
        foreach (var tenant in new[] { mine, other })
            await db.Write(async transaction =>
            {
                await transaction.Run([.. EventLog.Append(tenant, EventType.WebhookTest, new EventData())], null, CancellationToken.None);
                return 0;
            }, CancellationToken.None);

        const string Forgetful = "select tenant_id from events";
        Assert.Equal([mine.Value], await db.QueryAs(mine, Forgetful, row => row.GetGuid(0), CancellationToken.None));
        Assert.Equal(2, (await db.Query(Forgetful, row => row.GetGuid(0), CancellationToken.None)).Count);
    }
}
