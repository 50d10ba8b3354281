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
    private UnsubscribeLinks links = null!;
    private TenantId tenant;

    public async ValueTask InitializeAsync()
    {
        store = await SqliteStore.Create(ct);
        links = new UnsubscribeLinks(store.Db, tokens);
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
}
