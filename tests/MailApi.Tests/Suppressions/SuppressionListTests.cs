using MailApi.Api;
using MailApi.Suppressions;
using MailApi.Tests.Domains;
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
        await list.Add(tenant, "ann@example.net", (Category?)entry, (SuppressionReason)reason, "test", ct);

        var found = await list.Find(tenant, "Ann@Example.NET", (Category)mail, heeded.Select(value => (SuppressionReason)value).ToHashSet(), ct);

        Assert.Equal((SuppressionReason?)held, found);
    }

    [Fact]
    public async Task An_entry_is_its_tenants_alone()
    {
        var (entry, _) = await list.Add(tenant, "ann@example.net", null, Manual, "test", ct);
        var other = await store.AddTenant(ct);

        Assert.Null(await list.Find(other, "ann@example.net", Marketing, new HashSet<SuppressionReason>(), ct));
        Assert.False(await list.Remove(other, entry.Id, ct));
        Assert.True(await list.Remove(tenant, entry.Id, ct));
        Assert.False(await list.Remove(tenant, entry.Id, ct));
    }

    [Fact]
    public async Task A_second_entry_for_an_address_is_the_first()
    {
        var (first, firstCreated) = await list.Add(tenant, "Ann@example.net", null, Manual, "api", ct);
        var (second, secondCreated) = await list.Add(tenant, "ann@EXAMPLE.net", null, Unsubscribe, "other", ct);

        Assert.True(firstCreated);
        Assert.False(secondCreated);
        Assert.Equal(first, second);
        Assert.Equal("ann@example.net", second.Address);
    }

    [Fact]
    public async Task A_weightier_reason_replaces_a_lighter_one()
    {
        var (first, _) = await list.Add(tenant, "ann@example.net", null, Unsubscribe, "api", ct);
        var (second, created) = await list.Add(tenant, "ann@example.net", null, HardBounce, "dsn", ct);

        Assert.False(created);
        Assert.Equal((first.Id, HardBounce, "dsn"), (second.Id, second.Reason, second.Source));
    }

    [Fact]
    public async Task A_list_is_narrowed_by_each_filter_and_goes_on_where_it_stopped()
    {
        var (ann, _) = await list.Add(tenant, "ann@example.net", null, Manual, "api", ct);
        var (bob, _) = await list.Add(tenant, "bob@example.net", Marketing, Unsubscribe, "api", ct);

        Assert.Equal([bob, ann], await List(new SuppressionFilter(null, null, null)));
        Assert.Equal([ann], await List(new SuppressionFilter("Ann@example.net", null, null)));
        Assert.Equal([bob], await List(new SuppressionFilter(null, Marketing, null)));
        Assert.Equal([bob], await List(new SuppressionFilter(null, null, Unsubscribe)));
        Assert.Equal([ann], await list.List(tenant, new SuppressionFilter(null, null, null), bob.Id.Value, 10, ct));
        Assert.Equal([bob], await list.List(tenant, new SuppressionFilter(null, null, null), Guid.AllBitsSet, 1, ct));
    }

    private Task<List<Suppression>> List(SuppressionFilter filter) => list.List(tenant, filter, Guid.AllBitsSet, 10, ct);
}
