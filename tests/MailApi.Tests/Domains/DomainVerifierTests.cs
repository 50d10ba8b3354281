using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Mail.Dnssec;
using MailApi.Mail.Routing;
using MailApi.Storage;
using MailApi.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace MailApi.Tests.Domains;

/// <summary>What checks of a zone conclude, on a store and a zone of this test's own.</summary>
public sealed class DomainVerifierTests : IAsyncLifetime
{
    private const string Name = "mail.shop.example";
    private static readonly DomainOptions Options = new() { ServiceHost = "service.example", DelegationZone = "keys.service.example" };
    private readonly CancellationToken ct = TestContext.Current.CancellationToken;
    private readonly DnsZone dns = DnsZone.Start();
    private SqliteStore store = null!;
    private DomainRegistry registry = null!;
    private DomainRows rows = null!;
    private SendingDomains sending = null!;
    private DomainVerifier verifier = null!;

    /// <summary>For name servers that are silent on purpose.</summary>
    private DomainVerifier impatient = null!;
    private DkimRotation rotation = null!;
    private TenantId mine;
    private TenantId theirs;

    public async ValueTask InitializeAsync()
    {
        store = await SqliteStore.Create(ct);
        sending = new SendingDomains(store.Db, store.Vault, TimeProvider.System);
        registry = new DomainRegistry(store.Db, store.Vault, sending, NullLogger<DomainRegistry>.Instance);
        rows = new DomainRows(store.Db);
        rotation = new DkimRotation(store.Db, store.Vault, sending, TimeProvider.System);
        var patient = new DnsOptions { Servers = [dns.EndPoint], Timeout = TimeSpan.FromSeconds(5), Retries = 0, Deadline = TimeSpan.FromSeconds(8), WalkDeadline = TimeSpan.FromSeconds(15) };
        verifier = Verifier(patient);
        impatient = Verifier(patient with { Timeout = TimeSpan.FromMilliseconds(300), Deadline = TimeSpan.FromSeconds(1), WalkDeadline = TimeSpan.FromSeconds(1) });
        (mine, theirs) = (await store.AddTenant(ct), await store.AddTenant(ct));
    }

    public async ValueTask DisposeAsync()
    {
        await dns.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public async Task One_slip_of_a_name_server_neither_fails_a_domain_nor_stops_its_mail_and_two_do()
    {
        var id = await Verified();
        dns.Remove($"ma1._domainkey.{Name}", DnsType.Txt);

        Assert.Equal((DomainState.Verified, 1), await Check(id));
        Assert.True(await NextCheckIsWithin(id, TimeSpan.FromMinutes(3)));
        Assert.Single((await sending.Identity(id, ct))!.Signers);

        Assert.Equal((DomainState.Failing, 0), await Check(id));
        Assert.Empty((await sending.Identity(id, ct))!.Signers);
        var (type, data) = (await store.Events(mine, ct))[^1];
        Assert.Equal("domain.failing", type);
        Assert.Contains($"ma1._domainkey.{Name}", data, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Takes", "seconds")]
    [InlineData(DnsFailure.Timeout)]
    [InlineData(DnsFailure.ServFail)]
    [InlineData(DnsFailure.Garbage)]
    public async Task A_DNS_that_does_not_answer_changes_nothing(DnsFailure failure)
    {
        var id = await Verified();
        dns.Remove($"ma1._domainkey.{Name}", DnsType.Txt);
        await Check(id);
        dns.Fail("*", failure);

        for (var turn = 0; turn < 2; turn++) Assert.Equal((DomainState.Verified, 1), await Check(id, asked: turn == 1, by: impatient));

        dns.Recover("*");
        dns.Txt($"ma1._domainkey.{Name}", (await Records(id)).Single(record => record.Purpose == RecordPurpose.Dkim).Value);
        Assert.Equal((DomainState.Verified, 1), await Check(id));
        Assert.Equal(["domain.verified"], (await store.Events(mine, ct)).Select(it => it.Type));
    }

    [Fact]
    public async Task One_zone_that_does_not_answer_leaves_what_the_others_say()
    {
        var id = await Done(Name, mine);
        Publish(await Records(id));
        dns.Fail($"track.{Name}", DnsFailure.Timeout);

        // A machine may be too slow for the others once.
        await Eventually.HoldsAsync(async () => (await Check(id, by: impatient)).State == DomainState.Verified, TimeSpan.FromSeconds(60), "the domain is verified", ct);
        Assert.Equal(RecordState.Unchecked, (await Records(id)).Single(record => record.Purpose == RecordPurpose.Tracking).State);
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task What_was_seen_of_a_revoked_key_is_not_believed_of_the_next_one_of_its_name()
    {
        var id = await Verified();
        using var key = SigningKey.Generate();
        Assert.IsType<KeyStep.Done>(await rotation.Import(await Find(id), "own", key, ct));
        Assert.IsType<KeyStep.Done>(await rotation.Revoke(await Find(id), "own", ct));
        await Check(id);
        await store.Db.Execute("update dkim_keys set revoked_at = revoked_at - @rest where selector = 'own'", ct, ("rest", (long)DkimRotation.SelectorRest.TotalMilliseconds));
        Assert.IsType<KeyStep.Done>(await rotation.Import(await Find(id), "own", key, ct));
        dns.Fail("*", DnsFailure.Timeout);

        await Check(id, by: impatient);

        Assert.Equal([KeyState.Active, KeyState.Pending], (await Find(id)).Keys.Select(it => it.State));
    }

    [Theory]
    [InlineData(Name)]
    [InlineData("shop.example")]
    [InlineData("eu.mail.shop.example")]
    public async Task Of_two_tenants_that_publish_their_records_the_first_one_seen_has_the_name(string other)
    {
        var (id, second) = (await Done(Name, mine), await Done(other, theirs));
        Publish([.. await Records(id), .. await Records(second)]);
        // A selector has one key: where both claim the same name, the record of the second replaces the first's.
        dns.Remove($"ma1._domainkey.{other}", DnsType.Txt);
        Publish((await Records(second)).Where(record => record.Purpose == RecordPurpose.Dkim));
        Assert.Equal(DomainState.Verified, (await Check(second)).State);
        dns.Remove($"ma1._domainkey.{Name}", DnsType.Txt);
        Publish((await Records(id)).Where(record => record.Purpose == RecordPurpose.Dkim));

        Assert.Equal(DomainState.Pending, (await Check(id, asked: true)).State);

        Assert.All((await Records(id)).Where(record => record.Required), record => Assert.Equal(RecordState.Ok, record.State));
        Assert.Empty(await store.Events(mine, ct));
    }

    [Fact]
    public async Task A_token_of_another_tenant_proves_nothing()
    {
        var (id, second) = (await Done(Name, mine), await Done(Name, theirs));
        var (own, foreign) = (await Records(id), await Records(second));
        Publish(own.Where(record => record.Purpose != RecordPurpose.Ownership).Concat(foreign.Where(record => record.Purpose == RecordPurpose.Ownership)));

        Assert.Equal(DomainState.Pending, (await Check(id, asked: true)).State);
        Assert.Equal(RecordState.Mismatch, (await Records(id))[0].State);
    }

    [Fact]
    public async Task A_wildcard_alias_to_somebody_elses_zone_proves_nothing()
    {
        var id = await Done(Name, mine);
        dns.Cname($"*.{Name}", "tenant.hosting.example").Cname($"*._domainkey.{Name}", "tenant.hosting.example");
        Publish((await Records(id)).Where(record => record.Type != "CNAME" && record.Purpose != RecordPurpose.Spf).Select(record => record with { Name = "tenant.hosting.example" }));

        Assert.Equal(DomainState.Pending, (await Check(id, asked: true)).State);

        var records = await Records(id);
        Assert.Equal([RecordState.Mismatch, RecordState.Ok, RecordState.Ok], records.Take(3).Select(record => record.State));
        Assert.Contains("CNAME", records[0].Note!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_sign_again_when_the_operator_vouches_for_a_domain_that_had_lost_them()
    {
        var id = await Verified();
        dns.Remove($"ma1._domainkey.{Name}", DnsType.Txt);
        Assert.Equal(DomainState.Failing, (await Check(id, asked: true)).State);

        Assert.True(await registry.Change(await Find(id), new DomainChange(null, null, null, Verification.Manual, new DomainExtras(), null), ct));

        Assert.Single((await sending.Identity(id, ct))!.Signers);
        Assert.Equal(DomainState.Verified, (await Find(id)).State);
    }

    [Fact]
    public async Task Keys_behind_an_alias_rotate_without_a_change_in_the_domains_own_zone()
    {
        var id = await Done(Name, mine);
        Publish((await Records(id)).Where(record => record.Purpose != RecordPurpose.Dkim));
        foreach (var selector in (string[])["ma1", "ma2"]) dns.Cname($"{selector}._domainkey.{Name}", $"{selector}.{id.Value:N}.keys.service.example");
        await PublishDelegated(id);
        Assert.Equal(DomainState.Verified, (await Check(id)).State);

        Assert.IsType<KeyStep.Done>(await rotation.Rotate(await Find(id), KeyAlgorithm.Rsa, ct));
        await PublishDelegated(id);
        await Check(id);

        Assert.Equal([("ma1", KeyState.Retiring), ("ma2", KeyState.Active)], (await Find(id)).Keys.Select(key => (key.Selector, key.State)));
    }

    [Fact]
    public async Task A_check_that_was_overtaken_is_forgotten()
    {
        var id = await Done(Name, mine);
        var before = await Find(id);
        Publish(await Records(id));
        Assert.Equal(DomainState.Verified, (await Check(id, asked: true)).State);
        dns.Remove($"ma1._domainkey.{Name}", DnsType.Txt);

        await verifier.Check(before, asked: false, RecordCheck.Patience, ct);

        Assert.All((await Records(id)).Where(record => record.Required), record => Assert.Equal(RecordState.Ok, record.State));
    }

    [Fact]
    public async Task A_row_without_a_skeleton_gets_it_with_its_next_check()
    {
        var id = await Done("mail.paypal.example", theirs);
        await store.Db.Execute("update domains set skeleton = null", ct);
        await Check(id);

        Assert.True(((Registration.Done)await registry.Register(New("mail.paypa1.example", mine), ct)).LooksLikeAnother);
        Assert.True(((Registration.Done)await registry.Register(New("paypa1.example", mine), ct)).LooksLikeAnother);
        Assert.False(((Registration.Done)await registry.Register(New("paypal.example", mine), ct)).LooksLikeAnother);
        Assert.False(((Registration.Done)await registry.Register(New("mail.payload.example", mine), ct)).LooksLikeAnother);
        Assert.False(((Registration.Done)await registry.Register(New("mail.paypa1.example.net", theirs), ct)).LooksLikeAnother);
    }

    private DomainVerifier Verifier(DnsOptions options)
    {
        var resolver = new DnsResolver(options, TimeProvider.System);
        var records = new RecordCheck(new AuthoritativeResolver(resolver, options, TimeProvider.System), resolver, new Spf(resolver, TimeProvider.System), new OrganizationalDomain(resolver),
            new DnssecValidator(resolver, options, TimeProvider.System), Options, TimeProvider.System);
        return new DomainVerifier(store.Db, records, sending, TimeProvider.System, NullLogger<DomainVerifier>.Instance);
    }

    private async Task<DomainId> Verified()
    {
        var id = await Done(Name, mine);
        Publish(await Records(id));
        Assert.Equal(DomainState.Verified, (await Check(id)).State);
        return id;
    }

    /// <summary>The state that follows, and how many keys sign.</summary>
    private async Task<(DomainState State, int Signing)> Check(DomainId id, bool asked = false, DomainVerifier? by = null)
    {
        await (by ?? verifier).Check(await Find(id), asked, RecordCheck.Patience, ct);
        var domain = await Find(id);
        return (domain.State, domain.Keys.Count(key => key is { State: KeyState.Active, LostAt: null }));
    }

    private async Task<Domain> Find(DomainId id) => (await rows.Find(id, tenant: null, ct))!;

    private async Task<IReadOnlyList<DomainRecord>> Records(DomainId id) => DomainRecords.For(await Find(id), Options);

    private void Publish(IEnumerable<DomainRecord> records)
    {
        foreach (var line in records.Select(record => record.Zone).Distinct()) dns.Publish(line);
    }

    /// <summary>What the operator publishes of the domain's keys.</summary>
    private async Task PublishDelegated(DomainId id)
    {
        var domain = await Find(id);
        foreach (var key in domain.Keys) dns.Set(DomainRecords.DelegatedName(domain, key, Options.DelegationZone!), DnsRecord.Txt(SigningKey.Record(key.Public)));
    }

    private async Task<bool> NextCheckIsWithin(DomainId id, TimeSpan wait) =>
        (await store.Db.Query("select next_check_at - now_ms() from domains where id = @id", row => row.GetInt64(0), ct, ("id", id.Value)))[0] <= (long)wait.TotalMilliseconds;

    private async Task<DomainId> Done(string name, TenantId tenant) => ((Registration.Done)await registry.Register(New(name, tenant), ct)).Id;

    private static NewDomain New(string name, TenantId tenant) => new(tenant, name, [Category.Notification], SendingRate.Default, Verification.Dns) { Key = (AnyKey.Selector, SigningKey.Import(AnyKey.Pkcs8)) };
}
