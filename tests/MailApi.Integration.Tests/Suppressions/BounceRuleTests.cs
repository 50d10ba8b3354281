using MailApi.Api;
using MailApi.Events;
using MailApi.Hosting;
using MailApi.Integration.Tests.Domains;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Integration.Tests.Spool;
using MailApi.Mail.Bounces;
using MailApi.Spool;
using MailApi.Storage;
using MailApi.Suppressions;

namespace MailApi.Integration.Tests.Suppressions;

/// <summary>What bounces do to the suppression list, on both databases.</summary>
public sealed class BounceRuleTests(SharedServers servers)
{
    private const string Recipient = "Ann@example.net";
    private const string Delivered = "delivered";
    private const string Overridden = "overridden";
    private static readonly CancellationToken Ct = CancellationToken.None;
    private static readonly BounceVerdict Dead = new(BounceClass.NoMailbox, IsHard: true, "Gone.", "Stop.") { SuppressesAddress = true };
    private static readonly BounceVerdict Full = new(BounceClass.MailboxFull, IsHard: false, "Full.", "Wait.");

    /// <summary>What happened, how many hours ago each ("48", "delivered 24"), and whether the address then rests.</summary>
    private static readonly (string[] History, bool Rests)[] Histories =
    [
        (["48", "24", "0"], true),
        (["24", "12", "0"], true),
        (["72", "71", "70", "0"], true),
        (["0", "0", "0"], false),
        (["20", "10", "0"], false),
        (["24", "0"], false),
        (["721", "24", "0"], false),
        (["719", "24", "0"], true),
        (["48", "24", "delivered 12", "0"], false),
        (["96", "delivered 72", "48", "24", "0"], true),
        (["72", "48", "24", "overridden 12", "0"], false),
        (["240", "216", "192", "overridden 120", "48", "24", "0"], true),
    ];

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_mailbox_rests_after_refusals_in_a_row_that_span_a_day(StoreProvider provider)
    {
        using var store = await Create(provider);
        foreach (var (history, rests) in Histories)
        {
            var tenant = await store.AddTenant();
            foreach (var (what, hours, before) in Parse(history))
            {
                await PassTime(store.Db, before - hours);
                if (what == Delivered) await Deliver(store.Db, tenant);
                else if (what == Overridden) await Override(store.Db, tenant);
                else await Bounce(store.Db, tenant, Full);
            }

            var held = await new SuppressionList(store.Db).Find(tenant, "ann@example.net", Category.Notification, null, new HashSet<SuppressionReason> { SuppressionReason.SoftBounce }, Ct);
            Assert.Equal((string.Join(", ", history), rests), (string.Join(", ", history), held == SuppressionReason.SoftBounce));
        }
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_rest_ends_by_itself_and_counts_from_the_last_refusal(StoreProvider provider)
    {
        using var store = await Create(provider);
        var (tenant, list) = (await store.AddTenant(), new SuppressionList(store.Db));
        foreach (var hours in (double[])[0, 24, 24]) await Later(hours);
        var first = Assert.Single(await All());
        Assert.Equal((SuppressionReason.SoftBounce, null, Bounces.Rest), (first.Reason, first.Category, first.ExpiresAt - first.Since));

        await Later(24);
        var second = Assert.Single(await All());
        Assert.Equal(first.Id, second.Id);
        Assert.True(second.ExpiresAt > first.ExpiresAt);

        await PassTime(store.Db, Bounces.Rest.TotalHours);
        Assert.Empty(await All());

        async Task Later(double hours)
        {
            await PassTime(store.Db, hours);
            await Bounce(store.Db, tenant, Full);
        }

        Task<List<Suppression>> All() => list.List(tenant, new SuppressionFilter(null, null, null), Guid.AllBitsSet, 10, Ct);
    }

    public static TheoryData<StoreProvider, BounceClass, bool, bool, string> Verdicts
    {
        get
        {
            var data = new TheoryData<StoreProvider, BounceClass, bool, bool, string>();
            foreach (var provider in Enum.GetValues<StoreProvider>())
                foreach (var it in Enum.GetValues<BounceClass>())
                {
                    data.Add(provider, it, true, true, "hardBounce");
                    data.Add(provider, it, false, false, it is BounceClass.MailboxFull or BounceClass.NoMailbox ? "softBounce" : "");
                    data.Add(provider, it, true, false, it is BounceClass.MailboxFull or BounceClass.NoMailbox ? "softBounce" : "");
                }
            return data;
        }
    }

    [Theory, MemberData(nameof(Verdicts))]
    public async Task Only_what_a_refusal_says_of_the_mailbox_counts(StoreProvider provider, BounceClass kind, bool isHard, bool suppresses, string reason)
    {
        using var store = await Create(provider);
        var tenant = await store.AddTenant();
        foreach (var hours in (double[])[0, 24, 24])
        {
            await PassTime(store.Db, hours);
            await Bounce(store.Db, tenant, new BounceVerdict(kind, isHard, "Refused.", "Read it.") { SuppressesAddress = suppresses });
        }

        var entries = await new SuppressionList(store.Db).List(tenant, new SuppressionFilter("ann@example.net", null, null), Guid.AllBitsSet, 10, Ct);
        Assert.Equal(reason, string.Join(' ', entries.Select(entry => entry.Reason.ToText())));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task The_entry_is_made_in_the_transaction_that_records_the_bounce(StoreProvider provider)
    {
        using var store = await Create(provider);
        await using var spool = new SpoolUnderTest(store.Db);
        await spool.Node.Announce(Ct);
        await using var records = new Records(store.Db, spool.Window, Bounces.Suppress, () => { });
        var tenant = await store.AddTenant();
        var messages = new List<Acceptance> { await spool.Accept(tenant), await spool.Accept(tenant) };
        var claims = await Task.WhenAll(messages.Select(message => spool.Claim(message)));
        var refusal = new EventReply(550, "5.1.1", "no such user", "mx.example.net");

        // In one batch: a statement of one must not disturb those of the other.
        var recorded = await Task.WhenAll(records.Record(claims[0]!, new Outcome.Bounced(refusal, Full)), records.Record(claims[1]!, new Outcome.Bounced(refusal, Dead)));
        Assert.All(recorded, Assert.True);

        var third = (await spool.Claim(await spool.Accept(tenant)))!;
        Assert.Equal("hardBounce", Assert.Single(third.Suppressions).Reason);
        Assert.Equal(1, (await store.Db.Query("select count(*) from soft_bounces", row => row.GetInt64(0), Ct))[0]);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_claim_knows_the_topics_that_its_recipient_does_not_want(StoreProvider provider)
    {
        using var store = await Create(provider);
        await using var spool = new SpoolUnderTest(store.Db);
        await spool.Node.Announce(Ct);
        var tenant = await store.AddTenant();
        var preferences = new PreferenceStore(store.Db, new Topics(store.Db), () => { });
        await preferences.Choose(tenant, "ANN0@example.net", new Choices(new Dictionary<Category, bool>(), new Dictionary<string, bool> { ["weekly"] = false }), "api", Ct);

        foreach (var topic in (string?[])[null, "offers", "weekly"])
        {
            var message = SpoolUnderTest.NewAcceptance(tenant, category: Category.Marketing) with { Topic = topic };
            await spool.Acceptor.Accept(message);
            var claim = (await spool.Claim(message))!;

            Assert.Equal(topic, claim.Topic);
            Assert.Equal(topic, (await spool.Find(message)).Topic);
            Assert.Equal(topic == "weekly" ? ["topicPreference"] : [], claim.Suppressions.Select(entry => entry.Reason));
        }
    }

    private static IEnumerable<(string What, double Hours, double Before)> Parse(string[] history)
    {
        double? before = null;
        foreach (var words in history.Select(it => it.Split(' ')))
        {
            var hours = double.Parse(words[^1], System.Globalization.CultureInfo.InvariantCulture);
            yield return (words[0], hours, before ?? hours);
            before = hours;
        }
    }

    private async Task<StoreUnderTest> Create(StoreProvider provider)
    {
        var store = await StoreUnderTest.Create(provider, servers);
        store.Migrate();
        return store;
    }

    private static Task<int> Bounce(Db db, TenantId tenant, BounceVerdict verdict) => db.Write(async transaction =>
    {
        await transaction.Run([.. Bounces.Suppress(tenant, PrefixedId.New<EnvelopeId>(), Recipient, verdict)], onRow: null, Ct);
        return 0;
    }, Ct);

    private static Task<int> Deliver(Db db, TenantId tenant) => db.Execute("""
        insert into envelopes (id, message_id, tenant_id, domain_id, category, test, recipient, recipient_domain, smtp_utf8, state, due_at, seq, created_at, expires_at, updated_at)
        values (@id, @id, @tenant, @id, 'notification', false, @recipient, 'example.net', false, 'delivered', 0, 2, 0, 0, now_ms())
        """, Ct, ("id", Guid.CreateVersion7()), ("tenant", tenant.Value), ("recipient", Recipient));

    private static async Task Override(Db db, TenantId tenant)
    {
        var list = new SuppressionList(db);
        var entry = Assert.Single(await list.List(tenant, new SuppressionFilter(null, null, SuppressionReason.SoftBounce), Guid.AllBitsSet, 10, Ct));
        await list.Override(tenant, entry.Id, "key", "The mailbox is empty again.", Ct);
    }

    /// <summary>Everything that happened moves into the past.</summary>
    private static async Task PassTime(Db db, double hours)
    {
        foreach (var sql in new[]
        {
            "update soft_bounces set at = at - @ms", "update envelopes set updated_at = updated_at - @ms",
            "update suppressions set created_at = created_at - @ms, expires_at = expires_at - @ms, overridden_at = overridden_at - @ms",
        })
            await db.Execute(sql, Ct, ("ms", (long)TimeSpan.FromHours(hours).TotalMilliseconds));
    }
}
