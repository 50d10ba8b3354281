using MailApi.Api;
using MailApi.Events;
using MailApi.Hosting;
using MailApi.Integration.Tests.Domains;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Spool;
using MailApi.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailApi.Integration.Tests.Spool;

/// <summary>What a process concludes at its start, from the store and from what is remembered outside of it.</summary>
public sealed class RestorationTests(SharedServers servers)
{
    private static readonly CancellationToken Ct = CancellationToken.None;

    private static readonly DateTimeOffset LongAgo = DateTimeOffset.UnixEpoch;

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_store_that_was_in_use_as_late_as_is_remembered_goes_on(StoreProvider provider)
    {
        using var store = await Create(provider);
        await using var spool = new SpoolUnderTest(store.Db);
        var waiting = await spool.Accept(await store.AddTenant());
        await Check(spool, remembered: null);
        await Check(spool, await Restoration(spool).Advance(Ct));
        await Check(spool, LongAgo);
        Assert.Null(await spool.HeldMail.View(Ct));
        Assert.NotNull(await spool.Claim(waiting));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task One_that_is_remembered_to_be_newer_is_held_once(StoreProvider provider)
    {
        using var store = await Create(provider);
        await using var spool = new SpoolUnderTest(store.Db);
        var tenant = await store.AddTenant();
        await Check(spool, remembered: null);
        var rung = await spool.Accept(tenant);
        var sending = await spool.Accept(tenant);
        var claim = (await spool.Claim(sending))!;
        var deferred = await spool.Accept(tenant);
        Assert.True(await spool.Records.Record((await spool.Claim(deferred))!, new Outcome.Deferred(null, "busy", TimeSpan.FromHours(1), Uncertain: false, TellDelayed: false)));
        var scheduled = await spool.Accept(tenant, sendAt: TimeProvider.System.GetUtcNow().AddHours(1));
        var done = await spool.Accept(tenant);
        Assert.True(await spool.Records.Record((await spool.Claim(done))!, new Outcome.Delivered(new EventReply(250, null, "ok", null))));
        var forbidden = await spool.Accept(tenant, onUncertain: OnUncertain.Hold);

        var remembered = (await Restoration(spool).Advance(Ct)).AddSeconds(10);
        await Check(spool, remembered);
        Assert.Equal(3, (await spool.HeldMail.View(Ct))!.Count);
        foreach (var (message, state) in new[] { (rung, EnvelopeState.Queued), (sending, EnvelopeState.Queued), (deferred, EnvelopeState.Deferred) })
        {
            var recipient = await spool.Recipient(message);
            Assert.Equal((state, null, true), (recipient.State, recipient.NextAttemptAt, recipient.DuplicatePossible));
        }
        Assert.Equal((EnvelopeState.Queued, false), ((await spool.Recipient(scheduled)).State, (await spool.Recipient(scheduled)).DuplicatePossible));
        Assert.NotNull((await spool.Recipient(scheduled)).NextAttemptAt);
        Assert.Equal(EnvelopeState.Delivered, (await spool.Recipient(done)).State);
        Assert.Equal(EnvelopeState.Unknown, (await spool.Recipient(forbidden)).State);
        Assert.Equal([EventType.MessageAccepted, EventType.MessageUnknown], await spool.Events(forbidden));
        // A doorbell that is still on its way, and a worker of the time that was lost, change nothing.
        Assert.Null(await spool.Claim(rung));
        Assert.False(await spool.Records.Record(claim, new Outcome.Delivered(new EventReply(250, null, "ok", null))));
        Assert.Equal(0, await spool.Sweeper.Sweep(Ct));

        // Another process that starts at the same time, and the next start.
        await spool.HeldMail.Release(new HeldMailAge(), Ct);
        await Check(spool, remembered);
        await Check(spool, await Restoration(spool).Advance(Ct));
        Assert.Null(await spool.HeldMail.View(Ct));
        Assert.Equal(3, await spool.Sweeper.Sweep(Ct));
        Assert.NotNull(await spool.Claim(rung));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_mark_is_believed_whatever_is_remembered_and_is_gone_afterwards(StoreProvider provider)
    {
        using var store = await Create(provider);
        await using var spool = new SpoolUnderTest(store.Db);
        await Check(spool, remembered: null);
        await spool.Accept(await store.AddTenant(), recipients: 5);
        await store.Db.Execute(MailApi.Spool.Restoration.Mark, Ct, ("value", "a backup"u8.ToArray()));
        await Check(spool, LongAgo);
        Assert.Equal(5, (await spool.HeldMail.View(Ct))!.Count);
        Assert.Equal(5, await spool.HeldMail.Discard(new HeldMailAge(AcceptedBefore: TimeProvider.System.GetUtcNow().AddMinutes(1)), Ct));
        await spool.Accept(await store.AddTenant());
        await Check(spool, remembered: null);
        Assert.Null(await spool.HeldMail.View(Ct));
    }

    [Fact]
    public async Task A_dump_in_another_database_is_held_unless_it_is_remembered_to_be_complete()
    {
        using var store = await Create(StoreProvider.PostgreSql);
        await using var spool = new SpoolUnderTest(store.Db);
        await Check(spool, remembered: null);
        await spool.Accept(await store.AddTenant());
        const string Moved = "update settings set value = @value where name = 'store-home'";

        await store.Db.Execute(Moved, Ct, ("value", "7.1"u8.ToArray()));
        await Check(spool, await Restoration(spool).Advance(Ct));
        Assert.Null(await spool.HeldMail.View(Ct));

        await store.Db.Execute(Moved, Ct, ("value", "7.1"u8.ToArray()));
        await Check(spool, remembered: null);
        Assert.Equal(1, (await spool.HeldMail.View(Ct))!.Count);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Events_of_a_store_that_went_back_come_after_every_cursor_that_was_handed_out(StoreProvider provider)
    {
        using var store = await Create(provider);
        await using var spool = new SpoolUnderTest(store.Db);
        await Check(spool, remembered: null);
        var tenant = await store.AddTenant();
        await spool.Accept(tenant, recipients: 3);
        await Eventually.HoldsAsync(async () => (await Cursors(store)).Count == 3, TimeSpan.FromSeconds(60), "they are settled", Ct);
        var before = await Cursors(store);
        if (provider == StoreProvider.PostgreSql)
        {
            // As in a dump that was read into a cluster whose transactions have lower numbers: there they are taken for unsettled.
            await store.Db.Execute("update events set transaction_id = transaction_id + 1000000", Ct);
            Assert.Empty(await Cursors(store));
            before = [.. before.Select(cursor => (cursor.Transaction + 1_000_000, cursor.Position))];
        }
        for (var time = 0; time < 2; time++)
        {
            await store.Db.Execute(MailApi.Spool.Restoration.Mark, Ct, ("value", "a backup"u8.ToArray()));
            await Check(spool, remembered: null);
            await spool.Accept(tenant, recipients: 3);
            // The horizon is the cluster's: transactions of other databases count as long as they are open.
            await Eventually.HoldsAsync(async () => (await Cursors(store)).Count == before.Count + 3, TimeSpan.FromSeconds(60), "three more are settled", Ct);
            var now = await Cursors(store);
            Assert.Equal(before, now[..before.Count]);
            // Far above: whatever was handed out in the time that was lost is below, too.
            Assert.True(provider == StoreProvider.Sqlite ? now[^3].Position - before[^1].Position > 1L << 39 : now[^3].Transaction - before[^1].Transaction > 1L << 39);
            before = now;
        }
    }

    private async Task<StoreUnderTest> Create(StoreProvider provider)
    {
        var store = await StoreUnderTest.Create(provider, servers);
        store.Migrate();
        return store;
    }

    /// <summary>As a process does when it starts.</summary>
    private static Task Check(SpoolUnderTest spool, DateTimeOffset? remembered) =>
        Restoration(spool).Check(remembered, Ct);

    private static Restoration Restoration(SpoolUnderTest spool) => new(spool.Db, spool.HeldMail, (_, _, _) => Task.FromResult(""), NullLogger<Restoration>.Instance);

    /// <summary>Of all events that can be read, in the log's order.</summary>
    private static Task<List<(long Transaction, long Position)>> Cursors(StoreUnderTest store) => store.Db.Query(
        "select transaction_id, position from events where transaction_id < events_horizon() order by transaction_id, position", row => (row.GetInt64(0), row.GetInt64(1)), Ct);
}
