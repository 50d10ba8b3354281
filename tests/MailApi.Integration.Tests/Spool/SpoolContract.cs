using System.Data.Common;
using System.Diagnostics.Metrics;
using MailApi.Api;
using MailApi.Events;
using MailApi.Mail.Bounces;
using MailApi.Mail.Smtp;
using MailApi.Spool;
using MailApi.Storage;
using MailApi.Suppressions;

namespace MailApi.Integration.Tests.Spool;

/// <summary>What the spool promises, on whichever database it stands.</summary>
public abstract class SpoolContract : IAsyncLifetime
{
    private static readonly EventReply Ok = new(250, "2.0.0", "queued", "mx.example.net");
    private static readonly EventReply Busy = new(451, "4.7.1", "later", "mx.example.net");
    private readonly TenantId tenant = PrefixedId.New<TenantId>();
    private SpoolUnderTest spool = null!;

    private protected SpoolUnderTest Spool => spool;
    private protected TenantId Tenant => tenant;

    private protected abstract Task<Db> OpenStore();

    /// <summary>Sets the store's clock so far ahead.</summary>
    private protected abstract Task SetClock(TimeSpan ahead);

    public async ValueTask InitializeAsync()
    {
        spool = new SpoolUnderTest(await OpenStore());
        await spool.Node.Announce(CancellationToken.None);
    }

    public virtual async ValueTask DisposeAsync()
    {
        await spool.DisposeAsync();
        spool.Db.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task An_accepted_message_is_claimed_by_one_of_many_doorbells()
    {
        var message = await spool.Accept(tenant);
        var claims = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => spool.Claim(message)));
        var claim = Assert.Single(claims.OfType<Claim>());
        Assert.Equal(message.Content, claim.Content);
        Assert.Equal("mail.shop.example", claim.Domain);
        Assert.Equal(EnvelopeState.Sending, (await spool.Recipient(message)).State);
    }

    [Fact]
    public async Task A_delivered_envelope_tells_its_story_in_order()
    {
        var message = await spool.Accept(tenant);
        var verdict = BounceTable.Classify(new Reply(450, "4.7.1", "Greylisted"), atRecipient: true);
        Assert.True(await spool.Records.Record((await spool.Claim(message))!, new Outcome.Deferred(Busy, null, TimeSpan.Zero, Uncertain: false, TellDelayed: true) { Verdict = verdict }));
        Assert.Equal(EnvelopeState.Deferred, (await spool.Recipient(message)).State);
        await spool.Sweeper.Sweep(CancellationToken.None);
        Assert.True(await spool.Records.Record((await spool.Claim(message, attempt: 1))!, new Outcome.Delivered(Ok)));

        var found = await spool.Find(message);
        Assert.Equal([EventType.MessageAccepted, EventType.MessageDeferred, EventType.MessageDelayed, EventType.MessageDelivered], found.Events!.Select(it => it.Type));
        Assert.Equal([1, 2, 3, 4], found.Events!.Select(it => it.Data.Seq!.Value));
        Assert.Equal([null, BounceClass.Greylisted, BounceClass.Greylisted, null], found.Events!.Select(it => it.Data.Class));
        Assert.Equal(verdict.Explanation, found.Events![2].Data.Explanation);
        Assert.Equal("1001", found.Events![3].Data.Metadata!["order"]);
        Assert.Equal((EnvelopeState.Delivered, 2, Ok), (found.Recipients[0].State, found.Recipients[0].Attempts, found.Recipients[0].Reply));
    }

    [Fact]
    public async Task An_outcome_of_an_old_attempt_touches_nothing()
    {
        var message = await spool.Accept(tenant);
        var old = (await spool.Claim(message))!;
        await spool.PassTime();
        await spool.Sweeper.Sweep(CancellationToken.None);
        var current = (await spool.Claim(message, attempt: 1))!;
        Assert.True(current.DuplicatePossible);

        Assert.False(await spool.Records.Record(old, new Outcome.Bounced(Busy, BounceTable.Classify(new Reply(550, "5.1.1", "No such user"), atRecipient: true))));
        Assert.True(await spool.Records.Record(current, new Outcome.Delivered(Ok)));
        Assert.False(await spool.Records.Record(current, new Outcome.Expired(null)));
        Assert.Equal([EventType.MessageAccepted, EventType.MessageDelivered], await spool.Events(message));
    }

    [Fact]
    public async Task Fifty_callers_with_one_key_get_one_message_and_one_answer()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => spool.Acceptor.Accept(SpoolUnderTest.NewAcceptance(tenant, key: "order-1"))));
        Assert.Single(results.OfType<AcceptResult.Committed>());
        Assert.Single(results.OfType<AcceptResult.Replayed>().Select(it => it.Response).Distinct());
        Assert.Equal(49, results.OfType<AcceptResult.Replayed>().Count());
        Assert.Equal(1, await spool.Count(EnvelopeState.Rung, tenant));
    }

    [Fact]
    public async Task A_key_with_another_body_is_refused_and_another_tenants_key_is_its_own()
    {
        await spool.Accept(tenant, key: "k", bodyHash: 1);
        Assert.IsType<AcceptResult.KeyReused>(await spool.Acceptor.Accept(SpoolUnderTest.NewAcceptance(tenant, key: "k", bodyHash: 2)));
        await spool.Accept(PrefixedId.New<TenantId>(), key: "k", bodyHash: 2);
    }

    [Fact]
    public async Task What_is_committed_again_because_its_first_commit_seemed_to_fail_is_accepted_once()
    {
        var message = await spool.Accept(tenant);
        Assert.IsType<AcceptResult.Committed>(await spool.Acceptor.Accept(message));
        Assert.Equal([EventType.MessageAccepted], await spool.Events(message));

        var other = SpoolUnderTest.NewAcceptance(tenant) with { Envelopes = message.Envelopes };
        await Assert.ThrowsAnyAsync<DbException>(() => spool.Acceptor.Accept(other));
        Assert.Null(await spool.Messages.Find(tenant, other.Id, CancellationToken.None));
    }

    [Theory]
    [InlineData(OnUncertain.Retry, EnvelopeState.Queued)]
    [InlineData(OnUncertain.Hold, EnvelopeState.Unknown)]
    public async Task A_lease_that_runs_out_comes_back_flagged_or_is_held(OnUncertain onUncertain, EnvelopeState state)
    {
        var message = await spool.Accept(tenant, onUncertain: onUncertain);
        await spool.Claim(message);
        await spool.PassTime();
        await spool.Sweeper.Sweep(CancellationToken.None);

        var recipient = await spool.Recipient(message);
        Assert.Equal((state, true), (recipient.State, recipient.DuplicatePossible));
        Assert.Equal(onUncertain == OnUncertain.Hold, (await spool.Events(message)).Contains(EventType.MessageUnknown));
    }

    [Fact]
    public async Task A_clock_that_is_set_forward_takes_no_lease_of_a_node_that_lives()
    {
        var message = await spool.Accept(tenant, onUncertain: OnUncertain.Hold);
        var claim = (await spool.Claim(message))!;
        await SetClock(TimeSpan.FromHours(1));
        await spool.Sweeper.Sweep(CancellationToken.None);
        await spool.Sweeper.Sweep(CancellationToken.None);

        Assert.False(spool.Node.IsSteady);
        Assert.True(await spool.Claims.MayFinish(claim, TimeSpan.FromMinutes(20), CancellationToken.None));
        Assert.True(await spool.Records.Record(claim, new Outcome.Delivered(Ok)));
        var recipient = await spool.Recipient(message);
        Assert.Equal((EnvelopeState.Delivered, false), (recipient.State, recipient.DuplicatePossible));
    }

    [Fact]
    public async Task A_clock_that_is_set_forward_between_the_question_and_the_taking_takes_no_lease()
    {
        var claim = (await spool.Claim(await spool.Accept(tenant)))!;
        await spool.Node.Announce(CancellationToken.None);
        await SetClock(TimeSpan.FromHours(1));
        Assert.False(await spool.Db.Write(
            transaction => spool.Sweeper.TakeBack(transaction, claim.Envelope.Value, claim.Attempt, CancellationToken.None), CancellationToken.None));
        Assert.True(await spool.Records.Record(claim, new Outcome.Delivered(Ok)));
    }

    [Fact]
    public async Task A_clock_that_is_set_back_changes_nothing_for_a_lease()
    {
        var message = await spool.Accept(tenant);
        var claim = (await spool.Claim(message))!;
        await SetClock(TimeSpan.FromHours(-1));
        await spool.Node.Announce(CancellationToken.None);
        await spool.Sweeper.Sweep(CancellationToken.None);

        Assert.True(spool.Node.IsSteady);
        Assert.True(await spool.Records.Record(claim, new Outcome.Delivered(Ok)));
    }

    [Fact]
    public async Task A_claim_that_is_given_back_is_rung_again_and_in_no_doubt()
    {
        var message = await spool.Accept(tenant);
        var entry = new DoorbellEntry(message.Envelopes[0].Id.Value, 0, tenant.Value);
        Assert.True(spool.Claims.Begin(entry));
        Assert.False(spool.Claims.Begin(entry));
        // What was not granted is rung again all the same: nobody could tell.
        Assert.Equal(1, await spool.Claims.GiveBack(entry, CancellationToken.None));
        var claim = (await spool.Claims.Claim(entry, CancellationToken.None))!;
        Assert.Equal(1, await spool.Claims.GiveBack(entry, CancellationToken.None));
        spool.Claims.End(entry);

        Assert.False(await spool.Records.Record(claim, new Outcome.Delivered(Ok)));
        var again = (await spool.Claim(message, attempt: 1))!;
        Assert.False(again.DuplicatePossible);
        Assert.True(await spool.Records.Record(again, new Outcome.Delivered(Ok)));
        Assert.True(spool.Claims.Begin(entry));
    }

    [Fact]
    public async Task An_envelope_that_kills_its_workers_is_given_up()
    {
        var given = 0;
        using var metrics = new MeterListener { InstrumentPublished = (instrument, it) => { if (instrument.Name == "mailapi.leases.lost") it.EnableMeasurementEvents(instrument); } };
        metrics.SetMeasurementEventCallback<long>((_, count, tags, _) => { if (tags[0].Value is "failed") Interlocked.Add(ref given, (int)count); });
        metrics.Start();
        var message = await spool.Accept(tenant);
        for (var crash = 0; crash < Sweeper.CrashesMax; crash++)
        {
            if (crash == 2)
            {
                // Since the second death it waits.
                Assert.Null(await spool.Claim(message, attempt: crash));
                await spool.PassTime();
                await spool.Sweeper.Sweep(CancellationToken.None);
            }
            Assert.NotNull(await spool.Claim(message, attempt: crash));
            await spool.PassTime();
            await spool.Sweeper.Sweep(CancellationToken.None);
        }
        Assert.Equal(EnvelopeState.Failed, (await spool.Recipient(message)).State);
        Assert.Equal([EventType.MessageAccepted, EventType.MessageFailed], await spool.Events(message));
        Assert.InRange(given, 1, int.MaxValue);
    }

    [Fact]
    public async Task Being_throttled_does_not_age_mail()
    {
        var message = await spool.Accept(tenant);
        await spool.Records.Record((await spool.Claim(message))!, new Outcome.Throttled(TimeSpan.FromHours(1)));
        var recipient = await spool.Recipient(message);
        Assert.Equal((EnvelopeState.Queued, 0), (recipient.State, recipient.Attempts));
        Assert.Equal(0, await spool.Sweeper.Sweep(CancellationToken.None));
        Assert.Equal([EventType.MessageAccepted], await spool.Events(message));
    }

    [Fact]
    public async Task That_mail_waits_for_a_limit_too_long_is_told_once()
    {
        var message = await spool.Accept(tenant);
        await spool.Records.Record((await spool.Claim(message))!, new Outcome.Throttled(TimeSpan.Zero) { TellDelayed = true });
        await spool.Sweeper.Sweep(CancellationToken.None);
        Assert.True((await spool.Claim(message, attempt: 1))!.Delayed);
        var told = (await spool.Find(message)).Events![^1];
        Assert.Equal((EventType.MessageDelayed, 0, 2, true), (told.Type, told.Data.Attempt, told.Data.Seq, told.Data.NextAttemptAt is not null));
    }

    [Fact]
    public async Task Scheduled_mail_waits_and_its_lifetime_begins_then()
    {
        var at = TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(2);
        var message = await spool.Accept(tenant, sendAt: at, lifetime: TimeSpan.FromHours(1));
        await spool.Sweeper.Sweep(CancellationToken.None);
        Assert.Null(await spool.Claim(message));
        var recipient = await spool.Recipient(message);
        Assert.Equal((EnvelopeState.Queued, at.ToUnixTimeMilliseconds()), (recipient.State, recipient.NextAttemptAt!.Value.ToUnixTimeMilliseconds()));
        Assert.Equal((at + TimeSpan.FromHours(1)).ToUnixTimeMilliseconds(), (await spool.Find(message)).ExpiresAt.ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task A_retry_is_never_due_after_the_end_of_the_lifetime()
    {
        var message = await spool.Accept(tenant, lifetime: TimeSpan.FromMinutes(10));
        await spool.Records.Record((await spool.Claim(message))!, new Outcome.Deferred(Busy, null, TimeSpan.FromHours(4), false, false));
        var found = await spool.Find(message);
        Assert.Equal(found.ExpiresAt, found.Recipients[0].NextAttemptAt);
    }

    [Fact]
    public async Task A_claim_past_the_lifetime_says_so()
    {
        var message = await spool.Accept(tenant, lifetime: TimeSpan.FromMilliseconds(1));
        await MailApi.Testing.Eventually.HoldsAsync(
            async () => (await spool.Db.Query("select count(*) from messages where expires_at < now_ms()", row => row.GetInt32(0), CancellationToken.None))[0] == 1,
            TimeSpan.FromSeconds(60), "the lifetime ends", CancellationToken.None);
        Assert.True((await spool.Claim(message))!.Expired);
    }

    [Fact]
    public async Task Cancel_calls_back_what_has_not_left()
    {
        var message = await spool.Accept(tenant, recipients: 2);
        await spool.Claim(message, envelope: 0);
        var canceled = await spool.Messages.Cancel(tenant, message.Id, CancellationToken.None);
        Assert.Equal([EnvelopeState.Sending, EnvelopeState.Canceled], canceled!.Recipients.Select(it => it.State));
        Assert.Null(await spool.Claim(message, envelope: 1));
        Assert.Null(await spool.Messages.Cancel(PrefixedId.New<TenantId>(), message.Id, CancellationToken.None));
    }

    [Fact]
    public async Task The_window_bounds_what_is_in_the_bus_and_what_one_tenant_has_there()
    {
        await spool.Accept(tenant, recipients: 1000);
        Assert.Equal(Window.TenantSlotsMax, await spool.Count(EnvelopeState.Rung, tenant));

        var quiet = PrefixedId.New<TenantId>();
        await spool.Accept(quiet);
        Assert.Equal(1, await spool.Count(EnvelopeState.Rung, quiet));

        await spool.Sweeper.Sweep(CancellationToken.None);
        await spool.Accept(tenant, recipients: 1000);
        await spool.Sweeper.Sweep(CancellationToken.None);
        Assert.Equal(Window.SlotsMax, await spool.Count(EnvelopeState.Rung, tenant) + await spool.Count(EnvelopeState.Rung, quiet));

        // Full, as the next sweep counts it, but not for those who have little there.
        await spool.Sweeper.Sweep(CancellationToken.None);
        var late = PrefixedId.New<TenantId>();
        await spool.Accept(late, recipients: 2 * Window.FewSlots);
        await spool.Accept(tenant);
        Assert.Equal((Window.FewSlots, Window.SlotsMax), (await spool.Count(EnvelopeState.Rung, late), await spool.Count(EnvelopeState.Rung, tenant) + await spool.Count(EnvelopeState.Rung, quiet)));
    }

    [Fact]
    public async Task Slots_are_dealt_to_every_tenant_with_due_work()
    {
        var quiet = PrefixedId.New<TenantId>();
        await spool.Accept(tenant, recipients: 1000);
        await spool.Accept(tenant, recipients: 1000);
        await spool.Accept(quiet, recipients: 3);
        await spool.Db.Execute("update envelopes set state = 'queued', due_at = 0", CancellationToken.None);

        await spool.Sweeper.Sweep(CancellationToken.None);
        Assert.Equal(3, await spool.Count(EnvelopeState.Rung, quiet));
        Assert.Equal(Window.TenantSlotsMax, await spool.Count(EnvelopeState.Rung, tenant));
    }

    [Fact]
    public async Task Of_scarce_slots_a_tenant_gets_its_share_by_weight()
    {
        var (light, heavy) = (await NewTenant(weight: 1), await NewTenant(weight: 3));
        foreach (var it in (TenantId[])[tenant, light, heavy]) await spool.Accept(it, recipients: 1000);
        await spool.Db.Execute("update envelopes set state = 'queued', due_at = 0 where tenant_id <> @tenant", CancellationToken.None, ("tenant", tenant.Value));
        await Take(Window.SlotsMax - 200);

        await spool.Sweeper.Sweep(CancellationToken.None);

        Assert.Equal((50, 150), (await spool.Count(EnvelopeState.Rung, light), await spool.Count(EnvelopeState.Rung, heavy)));
    }

    [Fact]
    public async Task When_there_are_fewer_slots_than_tenants_they_take_turns()
    {
        var tenants = Enumerable.Range(0, 6).Select(_ => PrefixedId.New<TenantId>()).OrderBy(it => it.Value.ToString(), StringComparer.Ordinal).ToList();
        foreach (var it in tenants) await spool.Accept(it, recipients: 9);
        await spool.Db.Execute("update envelopes set state = 'queued', due_at = 0", CancellationToken.None);
        await spool.Accept(tenant, recipients: 1000);
        await spool.Accept(tenant, recipients: 1000);
        var turns = new List<int>();
        for (var sweep = 1; sweep <= 3; sweep++)
        {
            await Take(Window.SlotsMax - 4 * sweep);
            await spool.Sweeper.Sweep(CancellationToken.None);
            foreach (var it in tenants) turns.Add(await spool.Count(EnvelopeState.Rung, it));
        }

        Assert.Equal([1, 1, 1, 1, 0, 0, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2], turns);
    }

    [Fact]
    public async Task A_large_message_is_read_when_its_turn_comes_and_not_with_the_claim()
    {
        var content = new byte[Claims.ContentMax + 1];
        Random.Shared.NextBytes(content);
        var message = SpoolUnderTest.NewAcceptance(tenant) with { Content = content };
        await spool.Acceptor.Accept(message);

        var claim = (await spool.Claim(message))!;

        Assert.Null(claim.Content);
        Assert.Equal(content, await spool.Claims.LargeContent(claim, CancellationToken.None));
    }

    [Fact]
    public async Task A_claim_knows_what_the_suppression_list_says()
    {
        var message = await spool.Accept(tenant);
        foreach (var category in (Category?[])[null, Category.Notification, Category.Marketing])
            await spool.Db.Write(async transaction =>
            {
                await transaction.Run([SuppressionList.Add(tenant, "ann0@example.net", category, SuppressionReason.Unsubscribe, "a test")], null, CancellationToken.None);
                return 0;
            }, CancellationToken.None);

        var claim = (await spool.Claim(message))!;

        Assert.Equal([null, Category.Notification], claim.Suppressions.Select(entry => entry.Category).Order());
        Assert.All(claim.Suppressions, entry => Assert.Equal("unsubscribe", entry.Reason));
    }

    private async Task<TenantId> NewTenant(int weight)
    {
        var id = PrefixedId.New<TenantId>();
        await spool.Db.Execute(
            "insert into tenants (id, name, ingress_per_second, ingress_burst, weight, created_at) values (@id, 'Shop', 1, 1, @weight, 0)",
            CancellationToken.None, ("id", id.Value), ("weight", weight));
        return id;
    }

    /// <summary>Makes so many slots of the window the first tenant's.</summary>
    private Task<int> Take(int slots) => spool.Db.Execute(
        """
        update envelopes set due_at = now_ms() + 1000000, state = case when id in (select id from envelopes where tenant_id = @tenant order by id limit @slots) then 'rung' else 'canceled' end
        where tenant_id = @tenant
        """, CancellationToken.None, ("tenant", tenant.Value), ("slots", slots));

    [Fact]
    public async Task Suspended_mail_stays_until_it_is_resumed()
    {
        await spool.Suspensions.Add(SuspensionKind.Category, "marketing", CancellationToken.None);
        await spool.Suspensions.Add(SuspensionKind.Site, "example.net", CancellationToken.None);
        var marketing = await spool.Accept(tenant, category: Category.Marketing);
        await spool.Accept(tenant);
        await spool.PassTime();
        await spool.Db.Execute("update envelopes set state = 'queued'", CancellationToken.None);
        Assert.Equal(0, await spool.Sweeper.Sweep(CancellationToken.None));

        await spool.Suspensions.Remove(SuspensionKind.Category, "marketing", CancellationToken.None);
        await spool.Suspensions.Remove(SuspensionKind.Site, "example.net", CancellationToken.None);
        Assert.Equal(2, await spool.Sweeper.Sweep(CancellationToken.None));
        Assert.NotNull(await spool.Claim(marketing));
    }

    [Theory]
    [InlineData(SuspensionKind.Domain, "mail.shop.example"), InlineData(SuspensionKind.Site, "example.net"), InlineData(SuspensionKind.Site, "mx.example.net")]
    public async Task Due_mail_that_is_suspended_is_looked_at_once_and_due_again_when_it_is_resumed(SuspensionKind kind, string value)
    {
        await spool.Db.Execute("insert into site_domains (recipient_domain, site, seen_at) values ('example.net', 'mx.example.net', now_ms())", CancellationToken.None);
        var held = await Wait(tenant, Category.Notification, "mail.shop.example", "example.net");
        var scheduled = await spool.Accept(tenant, sendAt: TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(10));
        await spool.Db.Execute("update envelopes set domain_id = @domain where message_id = @id", CancellationToken.None, ("domain", held.DomainId.Value), ("id", scheduled.Id.Value));
        await Copy(held, 4 * Suspensions.LookedAtMax - 1);
        await spool.Suspensions.Add(kind, value, CancellationToken.None);
        await spool.Db.Execute("update envelopes set due_at = 1 where message_id = @id", CancellationToken.None, ("id", held.Id.Value));
        var free = await spool.Accept(tenant);
        await spool.Db.Execute("update envelopes set state = 'queued', due_at = 2, recipient_domain = 'example.org' where message_id = @id", CancellationToken.None, ("id", free.Id.Value));

        // The second comes as far as what is behind it and free.
        Assert.Equal(0, await spool.Sweeper.Sweep(CancellationToken.None));
        Assert.True(spool.Window.ExpectsDue);
        Assert.Equal(1, await spool.Sweeper.Sweep(CancellationToken.None));
        Assert.NotNull(await spool.Claim(free));
        for (var more = 0; more < 2; more++) Assert.Equal(0, await spool.Sweeper.Sweep(CancellationToken.None));
        Assert.Equal(0, await Due());

        await spool.Suspensions.Remove(kind, value, CancellationToken.None);
        Assert.Equal(4 * Suspensions.LookedAtMax, await Due());
        Assert.NotEqual(0, await spool.Sweeper.Sweep(CancellationToken.None));
        Assert.Equal(EnvelopeState.Queued, (await spool.Recipient(scheduled)).State);

        async Task<int> Due() => (await spool.Db.Query("select count(*) from envelopes where state in ('queued', 'deferred') and due_at <= now_ms()", row => row.GetInt32(0), CancellationToken.None))[0];
    }

    /// <summary>So many envelopes more like the one of a message.</summary>
    private Task<int> Copy(Acceptance message, int count) => spool.Db.Write(async transaction =>
    {
        const string Columns = "message_id, tenant_id, domain_id, category, test, recipient, recipient_domain, smtp_utf8, state, due_at, tries, seq, created_at, expires_at, updated_at";
        await transaction.Run([.. Enumerable.Range(0, count).Select(_ => new Statement(
            $"insert into envelopes (id, {Columns}) select @copy, {Columns} from envelopes where id = @id", ("copy", Guid.CreateVersion7()), ("id", message.Envelopes[0].Id.Value)))], onRow: null, CancellationToken.None);
        return count;
    }, CancellationToken.None);

    [Theory]
    [InlineData(SuspensionKind.Category), InlineData(SuspensionKind.Tenant), InlineData(SuspensionKind.Domain), InlineData(SuspensionKind.Site)]
    public async Task A_flush_makes_what_it_names_due_and_nothing_else(SuspensionKind kind)
    {
        var (early, late) = (PrefixedId.New<TenantId>(), PrefixedId.New<TenantId>());
        await Wait(early, Category.Notification, "mail.shop.example", "example.org");
        var named = await Wait(tenant, Category.Marketing, "mail.shop.example", "example.net");
        await Wait(late, Category.Notification, "mail.shop.example", "example.org");
        await Wait(PrefixedId.New<TenantId>(), Category.Notification, "mail.other.example", "example.org");

        var value = kind switch { SuspensionKind.Category => "marketing", SuspensionKind.Tenant => tenant.ToString(), SuspensionKind.Domain => "mail.shop.example", _ => "example.net" };
        // A name is one tenant's once it is proven; others may have asked for it as well.
        var due = kind == SuspensionKind.Domain ? 3 : 1;
        Assert.Equal(due, await spool.Flushes.Flush(kind, value, CancellationToken.None));
        Assert.Equal(0, await spool.Flushes.Flush(kind, value, CancellationToken.None));
        Assert.Equal(due, await spool.Sweeper.Sweep(CancellationToken.None));
        Assert.NotNull(await spool.Claim(named));
    }

    /// <summary>A message that was tried and waits for its next attempt, of a sending domain of the tenant's that is not proven yet.</summary>
    private async Task<Acceptance> Wait(TenantId sender, Category category, string domain, string recipientDomain)
    {
        var message = await spool.Accept(sender, category: category);
        await spool.Db.Execute("insert into tenants (id, name, ingress_per_second, ingress_burst, created_at) values (@id, 'Shop', 1, 1, 0)", CancellationToken.None, ("id", sender.Value));
        await spool.Db.Execute(
            """
            insert into domains (id, tenant_id, name, state, verification, categories, rate_per_second, rate_burst, ownership_token, created_at)
            values (@id, @tenant, @name, 'pending', 'dns', '[]', 1, 1, '', 0)
            """, CancellationToken.None, ("id", message.DomainId.Value), ("tenant", sender.Value), ("name", domain));
        await spool.Db.Execute(
            "update envelopes set state = 'deferred', tries = 1, due_at = now_ms() + 3600000, recipient_domain = @domain where message_id = @id",
            CancellationToken.None, ("id", message.Id.Value), ("domain", recipientDomain));
        return message;
    }

    [Fact]
    public async Task The_final_dot_needs_a_lease_that_covers_the_wait()
    {
        var message = await spool.Accept(tenant);
        var claim = (await spool.Claim(message))!;
        Assert.True(await spool.Claims.MayFinish(claim, TimeSpan.FromMinutes(10), CancellationToken.None));
        Assert.True(await spool.Claims.MayFinish(claim, TimeSpan.FromMinutes(20), CancellationToken.None));

        await spool.PassTime();
        await spool.Sweeper.Sweep(CancellationToken.None);
        Assert.False(await spool.Claims.MayFinish(claim, TimeSpan.FromMinutes(20), CancellationToken.None));
    }

    [Fact]
    public async Task A_lease_that_ran_out_and_was_renewed_for_the_final_dot_is_not_taken_any_more()
    {
        var claim = (await spool.Claim(await spool.Accept(tenant)))!;
        await spool.PassTime();
        Assert.True(await spool.Claims.MayFinish(claim, TimeSpan.FromMinutes(20), CancellationToken.None));
        // A sweep that had seen it run out comes to it only now.
        Assert.False(await spool.Db.Write(
            transaction => spool.Sweeper.TakeBack(transaction, claim.Envelope.Value, claim.Attempt, CancellationToken.None), CancellationToken.None));
        Assert.True(await spool.Records.Record(claim, new Outcome.Delivered(Ok)));
    }

    [Fact]
    public async Task A_node_that_stood_still_and_is_heard_again_sends_no_final_dot_of_mail_that_is_anothers_by_now()
    {
        var (taken, kept) = (await spool.Accept(tenant), await spool.Accept(tenant));
        var (claim, stillMine) = ((await spool.Claim(taken))!, (await spool.Claim(kept))!);
        spool.Clock.Passed = Node.SilenceMax + TimeSpan.FromSeconds(10);
        Assert.False(await spool.Claims.MayFinish(claim, TimeSpan.FromMinutes(10), CancellationToken.None));
        await spool.Db.Execute("update envelopes set state = 'queued' where id = @id", CancellationToken.None, ("id", claim.Envelope.Value));

        await spool.Node.Announce(CancellationToken.None);
        Assert.False(await spool.Claims.MayFinish(claim, TimeSpan.FromMinutes(10), CancellationToken.None));
        Assert.True(await spool.Claims.MayFinish(stillMine, TimeSpan.FromMinutes(10), CancellationToken.None));
    }

    [Fact]
    public async Task What_was_claimed_while_a_beat_hung_is_not_sent_without_asking()
    {
        var message = await spool.Accept(tenant);
        await spool.Node.Announce(CancellationToken.None);
        var (isHeld, mayGo) = (new TaskCompletionSource(), new TaskCompletionSource());
        var holding = spool.Db.Write(async transaction =>
        {
            await transaction.Execute("update nodes set seen_at = seen_at where id = @id", CancellationToken.None, ("id", spool.Node.Id));
            isHeld.SetResult();
            await mayGo.Task;
            return true;
        }, CancellationToken.None);
        await isHeld.Task;
        var beat = spool.Node.Announce(CancellationToken.None);
        var claimedAt = spool.Clock.GetTimestamp();
        spool.Clock.Passed = Node.SilenceMax + TimeSpan.FromSeconds(1);
        mayGo.SetResult();
        await Task.WhenAll(holding, beat);
        await spool.Node.Announce(CancellationToken.None);

        var claim = (await spool.Claim(message))! with { ClaimedAt = claimedAt };
        await spool.Db.Execute("update envelopes set state = 'queued' where id = @id", CancellationToken.None, ("id", claim.Envelope.Value));
        Assert.False(await spool.Claims.MayFinish(claim, TimeSpan.FromMinutes(10), CancellationToken.None));
    }

    [Fact]
    public async Task Messages_are_found_by_what_they_are()
    {
        var message = await spool.Accept(tenant);
        await spool.Accept(tenant, category: Category.Support);
        var filter = new MessageFilter { State = EnvelopeState.Queued, Category = Category.Notification, Domain = "mail.shop.example", Recipient = "ann0@example.net", Tag = "shipping" };
        Assert.Equal([message.Id], (await spool.Messages.List(tenant, filter, null, 10, CancellationToken.None)).Select(it => it.Id));
        Assert.Empty(await spool.Messages.List(PrefixedId.New<TenantId>(), filter, null, 10, CancellationToken.None));
        Assert.Empty(await spool.Messages.List(tenant, filter with { Tag = "other" }, null, 10, CancellationToken.None));
    }

    [Fact]
    public async Task What_was_delivered_bounces_once_and_suppresses_the_address()
    {
        var message = await Delivered();
        var bounce = BounceOf(message);
        var effects = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => spool.Returns.Record(bounce, CancellationToken.None)));

        Assert.Equal(1, effects.Count(it => it == ReturnEffect.Recorded));
        Assert.Equal(19, effects.Count(it => it == ReturnEffect.Nothing));
        var found = await spool.Find(message);
        Assert.Equal((EnvelopeState.Bounced, BounceClass.NoMailbox, bounce.Reply), (found.Recipients[0].State, found.Recipients[0].Class, found.Recipients[0].Reply));
        Assert.Equal([EventType.MessageAccepted, EventType.MessageDelivered, EventType.MessageBounced], found.Events!.Select(it => it.Type));
        var data = found.Events![2].Data;
        Assert.Equal((3, "mail.shop.example", BounceClass.NoMailbox, bounce.Verdict.Explanation), (data.Seq, data.Domain, data.Class, data.Explanation));
        var suppressed = Assert.Single(await new SuppressionList(spool.Db).List(tenant, new SuppressionFilter(null, null, null), Guid.AllBitsSet, 10, CancellationToken.None));
        Assert.Equal(("ann0@example.net", SuppressionReason.HardBounce), (suppressed.Address, suppressed.Reason));
    }

    [Fact]
    public async Task A_bounce_tells_what_became_of_mail_that_was_held_in_doubt()
    {
        var message = await spool.Accept(tenant, onUncertain: OnUncertain.Hold);
        Assert.True(await spool.Records.Record((await spool.Claim(message))!, new Outcome.Unknown("No answer after the final dot.")));
        Assert.Equal(ReturnEffect.Recorded, await spool.Returns.Record(BounceOf(message), CancellationToken.None));

        Assert.Equal(EnvelopeState.Bounced, (await spool.Recipient(message)).State);
        Assert.Equal([EventType.MessageAccepted, EventType.MessageUnknown, EventType.MessageBounced], await spool.Events(message));
    }

    [Fact]
    public async Task A_complaint_is_noted_once_and_leaves_the_state()
    {
        var message = await Delivered();
        var complaint = new Return.Complaint(message.Envelopes[0].Id, "abuse");
        Assert.Equal(ReturnEffect.Recorded, await spool.Returns.Record(complaint, CancellationToken.None));
        Assert.Equal(ReturnEffect.Nothing, await spool.Returns.Record(complaint, CancellationToken.None));

        Assert.Equal([EventType.MessageAccepted, EventType.MessageDelivered, EventType.MessageComplained], await spool.Events(message));
        Assert.Equal(EnvelopeState.Delivered, (await spool.Recipient(message)).State);
        var suppressed = Assert.Single(await new SuppressionList(spool.Db).List(tenant, new SuppressionFilter(null, null, null), Guid.AllBitsSet, 10, CancellationToken.None));
        Assert.Equal((null, SuppressionReason.Complaint), (suppressed.Category, suppressed.Reason));
    }

    [Fact]
    public async Task A_bounce_that_is_faster_than_the_record_of_the_delivery_is_asked_to_come_again()
    {
        var message = await spool.Accept(tenant);
        Assert.Equal(ReturnEffect.Nothing, await spool.Returns.Record(BounceOf(message), CancellationToken.None));
        var claim = (await spool.Claim(message))!;
        Assert.Equal(ReturnEffect.TooEarly, await spool.Returns.Record(BounceOf(message), CancellationToken.None));
        await spool.Records.Record(claim, new Outcome.Delivered(Ok));
        Assert.Equal(ReturnEffect.Recorded, await spool.Returns.Record(BounceOf(message), CancellationToken.None));
    }

    [Fact]
    public async Task A_bounce_of_anothers_envelope_changes_nothing()
    {
        var (message, other) = (await Delivered(recipients: 2), await Delivered());
        Scope[] foreign = [new(Tenant: PrefixedId.New<TenantId>()), new(Domain: PrefixedId.New<DomainId>()), new(Message: other.Id), new(FeedbackOf: other.Id), new(FeedbackOf: PrefixedId.New<MessageId>()),
            new(Domains: []), new(Domains: ["shop.example", "mail.shop.example.test"]), new(TestOnly: true)];
        foreach (var scope in foreign)
        {
            Assert.Equal(ReturnEffect.Unknown, await spool.Returns.Record(BounceOf(message) with { Of = scope }, CancellationToken.None));
            Assert.Null(await spool.Returns.RecipientOf(message.Envelopes[0].Id, scope, CancellationToken.None));
        }
        Assert.Equal(ReturnEffect.Unknown, await spool.Returns.Record(new Return.Complaint(PrefixedId.New<EnvelopeId>(), "abuse"), CancellationToken.None));
        Assert.Equal(EnvelopeState.Delivered, (await spool.Recipient(message)).State);

        Assert.Null(await spool.Returns.OnlyEnvelopeOf(message.Id, default, CancellationToken.None));
        var single = await Delivered();
        Assert.Equal(single.Envelopes[0].Id, await spool.Returns.OnlyEnvelopeOf(single.Id, new Scope(tenant, single.DomainId), CancellationToken.None));
        foreach (var scope in (Scope[])[new(PrefixedId.New<TenantId>()), new(Domains: ["other.example"]), new(TestOnly: true)])
            Assert.Null(await spool.Returns.OnlyEnvelopeOf(single.Id, scope, CancellationToken.None));
        // Programs that submit mail have Message-IDs of their own, some of which look like ours.
        Assert.Equal(ReturnEffect.Recorded, await spool.Returns.Record(BounceOf(other) with { Of = new Scope(Message: PrefixedId.New<MessageId>()) }, CancellationToken.None));
        Assert.Equal(ReturnEffect.Recorded, await spool.Returns.Record(BounceOf(single) with { Of = new Scope(tenant, single.DomainId, single.Id, FeedbackOf: single.Id, Domains: ["other.example", "mail.shop.example"]) }, CancellationToken.None));
    }

    private async Task<Acceptance> Delivered(int recipients = 1)
    {
        var message = await spool.Accept(tenant, recipients);
        Assert.True(await spool.Records.Record((await spool.Claim(message))!, new Outcome.Delivered(Ok)));
        return message;
    }

    private static Return.Bounce BounceOf(Acceptance message) => new(
        message.Envelopes[0].Id, new EventReply(550, "5.1.1", "No such user", "mx.example.net"), BounceTable.Classify(new Reply(550, "5.1.1", "No such user"), atRecipient: true));
}
