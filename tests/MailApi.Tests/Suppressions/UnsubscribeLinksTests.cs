using MailApi.Api;
using MailApi.Suppressions;
using MailApi.Tests.Domains;
using Xunit;

namespace MailApi.Tests.Suppressions;

public sealed class UnsubscribeLinksTests : IAsyncLifetime
{
    private readonly CancellationToken ct = TestContext.Current.CancellationToken;
    private readonly UnsubscribeToken tokens = new(new byte[32]);
    private SqliteStore store = null!;
    private Topics topics = null!;
    private UnsubscribeLinks links = null!;
    private TenantId tenant;
    private int rings;

    public async ValueTask InitializeAsync()
    {
        store = await SqliteStore.Create(ct);
        topics = new Topics(store.Db);
        links = new UnsubscribeLinks(store.Db, tokens, topics, new PreferenceStore(store.Db, topics, () => rings++), () => rings++);
        tenant = await store.AddTenant(ct);
    }

    public ValueTask DisposeAsync()
    {
        store.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Following_a_link_twice_suppresses_and_tells_once()
    {
        var envelope = await store.AddEnvelope(tenant, PrefixedId.New<DomainId>(), Category.Marketing, "Ann@example.net", "delivered", ct);
        var mail = (await links.Find(tokens.Create(envelope), ct))!;

        Assert.True(await links.Unsubscribe(mail, ct));
        Assert.False(await links.Unsubscribe(mail, ct));
        Assert.Equal(1, rings);

        var (type, data) = Assert.Single(await store.Events(tenant, ct));
        Assert.Equal("recipient.unsubscribed", type);
        Assert.DoesNotContain("\"seq\"", data, StringComparison.Ordinal);
        var suppressions = await new SuppressionList(store.Db).List(tenant, new SuppressionFilter(null, null, null), Guid.AllBitsSet, 10, ct);
        Assert.Equal(("ann@example.net", (Category?)Category.Marketing, SuppressionReason.Unsubscribe),
            (Assert.Single(suppressions).Address, suppressions[0].Category, suppressions[0].Reason));
    }

    [Fact]
    public async Task Looking_at_a_link_changes_nothing()
    {
        var envelope = await store.AddEnvelope(tenant, PrefixedId.New<DomainId>(), Category.Marketing, "ann@example.net", "delivered", ct);

        await links.Find(tokens.Create(envelope), ct);

        Assert.Empty(await store.Events(tenant, ct));
        Assert.Equal(0, (await store.Db.Query("select count(*) from suppressions", row => row.GetInt64(0), ct))[0]);
    }

    [Fact]
    public async Task A_link_without_its_mail_leads_nowhere() => Assert.Null(await links.Find(tokens.Create(PrefixedId.New<EnvelopeId>()), ct));

    [Fact]
    public async Task The_address_beside_the_link_leads_to_the_same_mail()
    {
        var envelope = await store.AddEnvelope(tenant, PrefixedId.New<DomainId>(), Category.Marketing, "ann@example.net", "delivered", ct);

        Assert.Equal(await links.Find(tokens.Create(envelope), ct), await links.FindByMailbox(tokens.Mailbox(envelope).ToUpperInvariant(), ct));
        Assert.Null(await links.FindByMailbox(tokens.Create(envelope), ct));
    }

    [Fact]
    public async Task Subscribing_again_undoes_an_unsubscription_and_nothing_else()
    {
        var list = new SuppressionList(store.Db);
        var mail = await Mail(Category.Marketing);
        await links.Unsubscribe(mail, ct);
        await list.Add(tenant, "ann@example.net", null, SuppressionReason.Complaint, "arf", null, ct);
        await list.Add(tenant, "ann@example.net", Category.Marketing, SuppressionReason.Manual, "api", null, ct);
        await list.Add(tenant, "ann@example.net", Category.Notification, SuppressionReason.Unsubscribe, "api", null, ct);

        await links.Resubscribe(mail, ct);

        Assert.True((await links.Choices(mail, ct)).IsSubscribed);
        Assert.Equal([(Category.Notification, SuppressionReason.Unsubscribe), (Category.Marketing, SuppressionReason.Manual), (null, SuppressionReason.Complaint)],
            (await list.List(tenant, new SuppressionFilter(null, null, null), Guid.AllBitsSet, 10, ct)).Select(entry => (entry.Category, entry.Reason)));
        Assert.True(await links.Unsubscribe(mail, ct));
    }

    [Fact]
    public async Task Who_left_everything_and_wants_one_category_again_is_still_out_of_the_others()
    {
        var list = new SuppressionList(store.Db);
        await list.Add(tenant, "ann@example.net", null, SuppressionReason.Unsubscribe, "api", null, ct);

        await links.Resubscribe(await Mail(Category.Marketing), ct);

        Assert.Equal([Category.Notification, Category.Support],
            (await list.List(tenant, new SuppressionFilter(null, null, null), Guid.AllBitsSet, 10, ct)).Select(entry => entry.Category!.Value).Order());
    }

    [Fact]
    public async Task Topics_that_are_no_longer_ticked_are_told_once_each()
    {
        await topics.Replace(tenant, [new Topic { Name = "weekly", Title = "Weekly" }, new Topic { Name = "offers", Title = "Offers", TitleZh = "优惠" }], ct);
        var mail = await Mail(Category.Marketing);

        await links.ChooseTopics(mail, new HashSet<string> { "offers", "of-another-tenant" }, ct);
        await links.ChooseTopics(mail, new HashSet<string> { "offers" }, ct);

        Assert.Equal([("weekly", false), ("offers", true)], (await links.Choices(mail, ct)).Topics.Select(choice => (choice.Topic.Name!, choice.IsWanted)));
        Assert.Contains("\"topic\":\"weekly\"", Assert.Single(await store.Events(tenant, ct)).Data, StringComparison.Ordinal);
        await links.ChooseTopics(mail, new HashSet<string> { "offers", "weekly" }, ct);
        Assert.All((await links.Choices(mail, ct)).Topics, choice => Assert.True(choice.IsWanted));
    }

    [Fact]
    public async Task Mail_that_heeds_no_topics_offers_none()
    {
        await topics.Replace(tenant, [new Topic { Name = "weekly", Title = "Weekly" }], ct);

        Assert.Empty((await links.Choices(await Mail(Category.Notification), ct)).Topics);
    }

    private async Task<LinkedMail> Mail(Category category) =>
        (await links.Find(tokens.Create(await store.AddEnvelope(tenant, PrefixedId.New<DomainId>(), category, "Ann@example.net", "delivered", ct)), ct))!;
}
