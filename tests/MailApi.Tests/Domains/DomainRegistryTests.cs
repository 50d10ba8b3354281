using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Dkim;
using MailApi.Storage;
using MailApi.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace MailApi.Tests.Domains;

public sealed class DomainRegistryTests : IAsyncLifetime
{
    private readonly CancellationToken ct = TestContext.Current.CancellationToken;
    private SqliteStore store = null!;
    private DomainRegistry registry = null!;
    private DomainRows rows = null!;
    private SendingDomains sending = null!;
    private TenantId mine;
    private TenantId theirs;

    public async ValueTask InitializeAsync()
    {
        store = await SqliteStore.Create(ct);
        sending = new SendingDomains(store.Db, store.Vault, TimeProvider.System);
        registry = new DomainRegistry(store.Db, store.Vault, sending, NullLogger<DomainRegistry>.Instance);
        rows = new DomainRows(store.Db);
        (mine, theirs) = (await store.AddTenant(ct), await store.AddTenant(ct));
    }

    public ValueTask DisposeAsync()
    {
        store.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_registered_domain_is_pending_with_one_key_and_unknown_to_other_tenants()
    {
        var id = await Done("mail.shop.example", mine);

        var domain = await rows.Find(id, mine, ct);

        Assert.Equal(("mail.shop.example", DomainState.Pending, Verification.Dns), (domain!.Name, domain.State, domain.Verification));
        Assert.Equal(["ma1"], domain.Keys.Select(key => key.Selector));
        Assert.Null(await rows.Find(id, theirs, ct));
        Assert.NotNull(await rows.Find(id, null, ct));
        Assert.Empty(await store.Events(mine, ct));
    }

    [Fact]
    public async Task A_private_key_is_not_at_rest_in_the_clear()
    {
        await Done("mail.shop.example", mine);

        var stored = await store.Db.Query("select private_key from dkim_keys", row => row.Bytes(0), ct);

        Assert.Throws<System.Security.Cryptography.CryptographicException>(() => MailApi.Mail.Dkim.SigningKey.Import(stored[0]));
    }

    [Theory]
    [InlineData("shop.example", "dns", "shop.example", nameof(Registration.Done))]
    [InlineData("shop.example", "manual", "shop.example", nameof(Registration.Taken))]
    [InlineData("shop.example", "manual", "mail.shop.example", nameof(Registration.Taken))]
    [InlineData("mail.shop.example", "manual", "shop.example", nameof(Registration.Taken))]
    [InlineData("shop.example", "dns", "mail.shop.example", nameof(Registration.Done))]
    [InlineData("shop.example", "manual", "workshop.example", nameof(Registration.Done))]
    public async Task A_name_may_be_claimed_by_many_and_a_proven_one_has_its_zone_for_itself(string first, string verification, string second, string answer)
    {
        await Done(first, theirs, EnumText.Parse<Verification>(verification));

        Assert.Equal(answer, (await registry.Register(New(second, mine, Verification.Dns), ct)).GetType().Name);
    }

    [Fact]
    public async Task A_tenant_is_told_of_its_own_earlier_registration()
    {
        var id = await Done("shop.example", mine, Verification.Manual);

        Assert.Equal(new Registration.AlreadyYours(id), await registry.Register(New("shop.example", mine, Verification.Dns), ct));
        await Done("mail.shop.example", mine);
    }

    [Fact]
    public async Task An_unknown_tenant_registers_nothing() =>
        Assert.IsType<Registration.NoSuchTenant>(await registry.Register(New("shop.example", PrefixedId.New<TenantId>(), Verification.Dns), ct));

    [Fact]
    public async Task A_domain_that_the_operator_vouches_for_is_verified_at_once_and_says_so_once()
    {
        var id = await Done("shop.example", mine);
        var domain = (await rows.Find(id, mine, ct))!;

        await registry.Change(domain, new DomainChange(null, null, null, Verification.Manual, new DomainExtras(), null), ct);
        await registry.Change(domain, new DomainChange(null, null, null, Verification.Manual, new DomainExtras(), null), ct);

        Assert.Equal(DomainState.Verified, (await rows.Find(id, mine, ct))!.State);
        Assert.Equal(("domain.verified", """{"domain":"shop.example"}"""), Assert.Single(await store.Events(mine, ct)));

        await registry.Change(domain, new DomainChange(null, null, null, Verification.Dns, new DomainExtras(), null), ct);
        Assert.Equal(DomainState.Pending, (await rows.Find(id, mine, ct))!.State);
    }

    [Fact]
    public async Task A_change_touches_what_it_names_and_shows_at_once()
    {
        var id = await Done("shop.example", mine);
        var before = await sending.Find(mine, "shop.example", ct);

        await registry.Change((await rows.Find(id, mine, ct))!, new DomainChange([Category.Support], null, 7, null, new DomainExtras(), null), ct);
        var after = await sending.Find(mine, "shop.example", ct);

        Assert.Equal((20, 100), (before!.RatePerSecond, before.RateBurst));
        Assert.Equal((20, 7), (after!.RatePerSecond, after.RateBurst));
        Assert.Equal([Category.Support], after.Categories);
    }

    [Fact]
    public async Task A_domain_signs_under_its_name_and_is_found_by_its_tenant_alone()
    {
        var id = await Done("shop.example", mine);

        var identity = await sending.Identity(id, ct);

        Assert.Equal(("bounces.shop.example", "track.shop.example"), (identity!.ReturnPathHost, identity.TrackingHost));
        var field = System.Text.Encoding.ASCII.GetString(Assert.Single(identity.Signers).Sign("From: a@shop.example\r\nSubject: x\r\n\r\nx\r\n"u8.ToArray()));
        Assert.Contains("d=shop.example;", field, StringComparison.Ordinal);
        Assert.Contains("s=ma1;", field, StringComparison.Ordinal);
        Assert.Null(await sending.Find(theirs, "shop.example", ct));
        Assert.Null(await sending.Identity(PrefixedId.New<DomainId>(), ct));
    }

    [Theory]
    [InlineData("queued", 1)]
    [InlineData("rung", 1)]
    [InlineData("sending", 1)]
    [InlineData("deferred", 1)]
    [InlineData("delivered", 0)]
    public async Task A_domain_stays_while_mail_waits_to_leave_from_it(string state, long waiting)
    {
        var id = await Done("shop.example", mine);
        var domain = (await rows.Find(id, mine, ct))!;
        await store.AddEnvelope(mine, id, Category.Notification, "ann@example.net", state, ct);

        Assert.Equal(waiting, await registry.Remove(domain, ct));

        Assert.Equal(waiting == 0, await rows.Find(id, mine, ct) is null);
        Assert.Equal(waiting, (await store.Db.Query("select count(*) from dkim_keys", row => row.GetInt64(0), ct))[0]);
    }

    [Fact]
    public async Task A_list_is_newest_first_and_goes_on_where_it_stopped()
    {
        var first = await Done("a.example", mine);
        var second = await Done("b.example", mine);
        await Done("c.example", theirs);

        var newest = await rows.List(mine, Guid.AllBitsSet, 1, ct);
        var rest = await rows.List(mine, newest[0].Id.Value, 10, ct);

        Assert.Equal([second], newest.Select(domain => domain.Id));
        Assert.Equal([first], rest.Select(domain => domain.Id));
        Assert.Single(rest[0].Keys);
    }

    private async Task<DomainId> Done(string name, TenantId tenant, Verification verification = Verification.Dns) =>
        Assert.IsType<Registration.Done>(await registry.Register(New(name, tenant, verification), ct)).Id;

    private static NewDomain New(string name, TenantId tenant, Verification verification) =>
        new(tenant, name, [Category.Notification], SendingRate.Default, verification) { Key = (AnyKey.Selector, SigningKey.Import(AnyKey.Pkcs8)) };
}
