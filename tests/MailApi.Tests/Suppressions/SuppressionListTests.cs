using MailApi.Api;
using MailApi.Suppressions;
using MailApi.Tests.Domains;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using static MailApi.Api.Category;
using static MailApi.Suppressions.SuppressionReason;

namespace MailApi.Tests.Suppressions;

public sealed class SuppressionListTests : IAsyncLifetime
{
    private readonly CancellationToken ct = TestContext.Current.CancellationToken;
    private SqliteStore store = null!;
    private SuppressionList list = null!;
    private TenantId tenant;

    public async ValueTask InitializeAsync()
    {
        store = await SqliteStore.Create(ct);
        list = new SuppressionList(store.Db);
        tenant = await store.AddTenant(ct);
    }

    public ValueTask DisposeAsync()
    {
        store.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Entry (category, reason), mail's category, reasons that its rules heed, what holds it.</summary>
    public static TheoryData<int?, int, int, int[], int?> Rules => new()
    {
        { null, (int)HardBounce, (int)Support, [(int)HardBounce], (int)HardBounce },
        { null, (int)Complaint, (int)Support, [(int)HardBounce], null },
        { null, (int)Complaint, (int)Notification, [(int)HardBounce, (int)Complaint], (int)Complaint },
        { null, (int)Unsubscribe, (int)Notification, [(int)HardBounce, (int)Complaint], null },
        { (int)Marketing, (int)Unsubscribe, (int)Marketing, [(int)Unsubscribe], (int)Unsubscribe },
        { (int)Marketing, (int)Unsubscribe, (int)Notification, [(int)Unsubscribe], null },
        { (int)Notification, (int)Unsubscribe, (int)Notification, [(int)HardBounce], (int)Unsubscribe },
        { null, (int)Manual, (int)Support, [], (int)Manual },
        { (int)Marketing, (int)Manual, (int)Support, [], null },
    };

    [Theory, MemberData(nameof(Rules))]
    public async Task An_entry_holds_mail_back_by_the_rules_of_its_category(int? entry, int reason, int mail, int[] heeded, int? held)
    {
        await list.Add(tenant, "ann@example.net", (Category?)entry, (SuppressionReason)reason, "test", null, ct);

        var found = await list.Find(tenant, "Ann@Example.NET", (Category)mail, null, heeded.Select(value => (SuppressionReason)value).ToHashSet(), ct);

        Assert.Equal((SuppressionReason?)held, found);
    }

    [Fact]
    public async Task An_entry_is_its_tenants_alone()
    {
        var (entry, _) = await list.Add(tenant, "ann@example.net", null, Manual, "test", null, ct);
        var other = await store.AddTenant(ct);

        Assert.Null(await list.Find(other, "ann@example.net", Marketing, null, new HashSet<SuppressionReason>(), ct));
        Assert.False(await list.Remove(other, entry.Id, ct));
        Assert.True(await list.Remove(tenant, entry.Id, ct));
        Assert.False(await list.Remove(tenant, entry.Id, ct));
    }

    [Fact]
    public async Task A_second_entry_for_the_same_reason_is_the_first()
    {
        var (first, firstCreated) = await list.Add(tenant, "Ann@example.net", null, Manual, "api", null, ct);
        var (second, secondCreated) = await list.Add(tenant, "ann@EXAMPLE.net", null, Manual, "other", null, ct);

        Assert.True(firstCreated);
        Assert.False(secondCreated);
        Assert.Equal(first, second);
        Assert.Equal("ann@example.net", second.Address);
    }

    [Fact]
    public async Task An_address_has_an_entry_for_each_reason_and_the_weightiest_is_told()
    {
        var (unsubscribe, _) = await list.Add(tenant, "ann@example.net", null, Unsubscribe, "api", null, ct);
        var (bounce, created) = await list.Add(tenant, "ann@example.net", null, HardBounce, "dsn", null, ct);

        Assert.True(created);
        Assert.Equal([bounce, unsubscribe], await List(new SuppressionFilter(null, null, null)));
        Assert.Equal(HardBounce, await Holding(HardBounce, Unsubscribe));
        await list.Remove(tenant, bounce.Id, ct);
        Assert.Equal(Unsubscribe, await Holding(HardBounce, Unsubscribe));
    }

    /// <summary>Days from now that the entry there, the new one and the outcome hold; null: for ever.</summary>
    [Theory]
    [InlineData(1, 2, 2)]
    [InlineData(2, 1, 2)]
    [InlineData(1, null, null)]
    [InlineData(null, 1, null)]
    [InlineData(null, null, null)]
    [InlineData(-1, 1, 1)]
    public async Task An_entry_that_is_there_holds_for_as_long_as_the_longer_of_both(int? there, int? added, int? held)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        await list.Add(tenant, "ann@example.net", null, Manual, "api", there is { } old ? now.AddDays(old) : null, ct);
        var (entry, _) = await list.Add(tenant, "ann@example.net", null, Manual, "api", added is { } young ? now.AddDays(young) : null, ct);

        Assert.Equal(held is { } days ? now.AddDays(days) : null, entry.ExpiresAt);
    }

    [Fact]
    public async Task A_lapsed_entry_holds_nothing_is_not_shown_and_goes_in_the_end()
    {
        await list.Add(tenant, "ann@example.net", null, Manual, "api", TimeProvider.System.GetUtcNow().AddMilliseconds(-1), ct);
        var (kept, _) = await list.Add(tenant, "bob@example.net", null, Manual, "api", TimeProvider.System.GetUtcNow().AddDays(1), ct);

        Assert.Null(await Holding());
        Assert.Equal([kept], await List(new SuppressionFilter(null, null, null)));
        using var lapsed = new LapsedEntries(store.Db, TimeProvider.System, NullLogger<LapsedEntries>.Instance);
        await lapsed.Remove(ct);
        Assert.Equal(["bob@example.net"], await store.Db.Query("select address from suppressions", row => row.GetString(0), ct));
    }

    [Fact]
    public async Task An_override_lets_mail_through_and_stays_to_be_seen()
    {
        var (entry, _) = await list.Add(tenant, "ann@example.net", null, Complaint, "arf", null, ct);

        var overridden = await list.Override(tenant, entry.Id, "key_1", "She wrote to us and asked for it.", ct);

        Assert.Equal(("key_1", "She wrote to us and asked for it."), (overridden!.Override!.By, overridden.Override.Reason));
        Assert.Null(await Holding(Complaint));
        Assert.Equal([overridden], await List(new SuppressionFilter(null, null, null)));
        Assert.Equal(entry, await list.EndOverride(tenant, entry.Id, ct));
        Assert.Equal(Complaint, await Holding(Complaint));
    }

    [Theory]
    [InlineData((int)HardBounce)]
    [InlineData((int)Complaint)]
    [InlineData((int)Unsubscribe)]
    public async Task What_happens_again_ends_an_override(int reason)
    {
        var (entry, _) = await list.Add(tenant, "ann@example.net", null, (SuppressionReason)reason, "first", null, ct);
        await list.Override(tenant, entry.Id, "key_1", "It works again.", ct);

        var (again, created) = await list.Add(tenant, "ann@example.net", null, (SuppressionReason)reason, "second", null, ct);

        Assert.False(created);
        Assert.Equal((entry.Id, "second", null), (again.Id, again.Source, again.Override));
        Assert.Equal((SuppressionReason)reason, await Holding((SuppressionReason)reason));
    }

    [Fact]
    public async Task Nobody_overrides_the_entry_of_another_tenant()
    {
        var (entry, _) = await list.Add(tenant, "ann@example.net", null, Manual, "api", null, ct);
        var other = await store.AddTenant(ct);

        Assert.Null(await list.Override(other, entry.Id, "key_1", "Mine.", ct));
        Assert.Null(await list.EndOverride(other, entry.Id, ct));
        Assert.Equal(Manual, await Holding());
    }

    [Fact]
    public async Task A_topic_that_is_not_wanted_holds_back_the_categories_that_heed_topics()
    {
        var preferences = new PreferenceStore(store.Db, new Topics(store.Db), () => { });
        await preferences.Choose(tenant, "Ann@example.net", new Choices(new Dictionary<Category, bool>(), new Dictionary<string, bool> { ["weekly"] = false }), "api", ct);

        Assert.Equal(TopicPreference, await list.Find(tenant, "ann@example.net", Marketing, "weekly", new HashSet<SuppressionReason> { TopicPreference }, ct));
        Assert.Null(await list.Find(tenant, "ann@example.net", Marketing, "offers", new HashSet<SuppressionReason> { TopicPreference }, ct));
        Assert.Null(await list.Find(tenant, "ann@example.net", Marketing, null, new HashSet<SuppressionReason> { TopicPreference }, ct));
        Assert.Null(await list.Find(tenant, "ann@example.net", Notification, "weekly", new HashSet<SuppressionReason>(), ct));
    }

    [Fact]
    public async Task A_list_is_narrowed_by_each_filter_and_goes_on_where_it_stopped()
    {
        var (ann, _) = await list.Add(tenant, "ann@example.net", null, Manual, "api", null, ct);
        var (bob, _) = await list.Add(tenant, "bob@example.net", Marketing, Unsubscribe, "api", null, ct);

        Assert.Equal([bob, ann], await List(new SuppressionFilter(null, null, null)));
        Assert.Equal([ann], await List(new SuppressionFilter("Ann@example.net", null, null)));
        Assert.Equal([bob], await List(new SuppressionFilter(null, Marketing, null)));
        Assert.Equal([bob], await List(new SuppressionFilter(null, null, Unsubscribe)));
        Assert.Equal([ann], await list.List(tenant, new SuppressionFilter(null, null, null), bob.Id.Value, 10, ct));
        Assert.Equal([bob], await list.List(tenant, new SuppressionFilter(null, null, null), Guid.AllBitsSet, 1, ct));
    }

    private Task<List<Suppression>> List(SuppressionFilter filter) => list.List(tenant, filter, Guid.AllBitsSet, 10, ct);

    private Task<SuppressionReason?> Holding(params SuppressionReason[] heeded) => list.Find(tenant, "ann@example.net", Marketing, null, heeded.ToHashSet(), ct);
}
