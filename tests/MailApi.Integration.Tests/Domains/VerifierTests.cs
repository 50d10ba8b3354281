using MailApi.Api;
using MailApi.Domains;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Domains;

/// <summary>What a check of a domain's records changes.</summary>
public sealed class VerifierTests(SharedServers servers)
{
    private const string Name = "shop.example";
    private const string KeyName = "ma1._domainkey." + Name;

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_domain_is_verified_fails_and_comes_back_and_each_is_told_once(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        var tenant = await domains.AddTenant();
        var domain = await domains.Register(tenant, Name);
        Assert.Equal(DomainState.Pending, (await domains.Check(domain.Id)).State);

        await domains.Publish(domain.Id);
        Assert.Equal(DomainState.Verified, (await domains.Check(domain.Id)).State);
        Assert.Equal(DomainState.Verified, (await domains.Check(domain.Id)).State);

        domains.Dns.Remove(KeyName);
        var failing = await domains.Check(domain.Id);
        Assert.Equal((DomainState.Failing, true), (failing.State, failing.Keys[0].LostAt is not null));
        Assert.Empty(await domains.Signing(domain.Id));
        Assert.Equal(DomainState.Failing, (await domains.Check(domain.Id)).State);

        await domains.Publish(domain.Id);
        var back = await domains.Check(domain.Id, asked: false);
        Assert.Equal((DomainState.Verified, 0, false), (back.State, back.Failures, back.Keys[0].LostAt is not null));
        Assert.Equal(["ma1"], await domains.Signing(domain.Id));
        var events = await domains.Events(tenant);
        Assert.Equal(["domain.verified", "domain.failing", "domain.verified"], events.Select(it => it.Type));
        Assert.Contains($"TXT {KeyName}: There is no TXT record", events[1].Reason, StringComparison.Ordinal);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Name_servers_that_do_not_answer_change_nothing(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        var tenant = await domains.AddTenant();
        var verified = await domains.Verified(tenant, Name);
        var pending = await domains.Register(tenant, "other.example");
        domains.Dns.Fail("*", DnsFailure.ServFail);

        foreach (var asked in new[] { true, false, false, false })
        {
            var domain = await domains.Check(verified.Id, asked);
            Assert.Equal((DomainState.Verified, 0), (domain.State, domain.Failures));
            Assert.All(domain.Observed!.Records, record => Assert.Equal((RecordState.Ok, true), (record.State, record.IsUncertain)));
            Assert.Equal(DomainState.Pending, (await domains.Check(pending.Id, asked)).State);
        }

        Assert.Equal(["ma1"], await domains.Signing(verified.Id));
        Assert.Equal("domain.verified", Assert.Single(await domains.Events(tenant)).Type);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task One_slip_in_the_background_stops_no_mail_and_the_second_does(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        var tenant = await domains.AddTenant();
        var domain = await domains.Verified(tenant, Name);
        domains.Dns.Remove(KeyName);

        var first = await domains.Check(domain.Id, asked: false);
        Assert.Equal((DomainState.Verified, 1), (first.State, first.Failures));
        Assert.Equal(["ma1"], await domains.Signing(domain.Id));
        Assert.InRange(await NextCheck(domains, domain.Id), TimeSpan.Zero, 2 * DomainVerifier.PendingEvery);

        Assert.Equal(DomainState.Failing, (await domains.Check(domain.Id, asked: false)).State);
        Assert.Empty(await domains.Signing(domain.Id));
        Assert.Equal(["domain.verified", "domain.failing"], (await domains.Events(tenant)).Select(it => it.Type));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_slip_that_is_mended_is_forgotten(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        var domain = await domains.Verified(await domains.AddTenant(), Name);
        for (var slip = 0; slip < 3; slip++)
        {
            domains.Dns.Remove("_mailapi." + Name);
            Assert.Equal(1, (await domains.Check(domain.Id, asked: false)).Failures);
            await domains.Publish(domain.Id);
            Assert.Equal((DomainState.Verified, 0), (await domains.Check(domain.Id, asked: false)) is var mended ? (mended.State, mended.Failures) : default);
        }
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task The_second_signature_stops_alone(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        var domain = await domains.Verified(await domains.AddTenant(), Name);
        await domains.Rotation.Rotate(domain, KeyAlgorithm.Ed25519, CancellationToken.None);
        await domains.Publish(domain.Id);
        await domains.Check(domain.Id);
        Assert.Equal(["ma1", "mae1"], await domains.Signing(domain.Id));

        domains.Dns.Remove("mae1._domainkey." + Name);
        Assert.Equal(DomainState.Verified, (await domains.Check(domain.Id, asked: false)).State);
        Assert.Equal(["ma1"], await domains.Signing(domain.Id));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task The_operators_word_lets_a_failing_domain_sign_again(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        var domain = await domains.Verified(await domains.AddTenant(), Name);
        domains.Dns.Remove(KeyName);
        domain = await domains.Check(domain.Id);
        Assert.Equal(DomainState.Failing, domain.State);

        await domains.Registry.Change(domain, new DomainChange(null, null, null, Verification.Manual, new DomainExtras(), null), CancellationToken.None);

        Assert.Equal(DomainState.Verified, (await domains.Find(domain.Id)).State);
        Assert.Equal(["ma1"], await domains.Signing(domain.Id));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task What_was_not_there_at_the_last_check_is_seen_at_this_one_whatever_the_zone_allows_to_remember(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        domains.Dns.TimeToLive = TimeSpan.FromHours(1);
        var domain = await domains.Register(await domains.AddTenant(), Name);
        var verifier = domains.Verifier();
        Assert.Null((await domains.Check(domain.Id, verifier: verifier)).Observed!.Dmarc);

        await domains.Publish(domain.Id);
        var seen = (await domains.Check(domain.Id, verifier: verifier)).Observed!;

        Assert.Equal([("bounces." + Name, 1), (Name, 1)], seen.Spf.Select(spf => (spf.Domain, spf.Lookups)));
        Assert.Equal((Name, "none"), (seen.Dmarc!.Domain, seen.Dmarc.Policy));
    }

    private static async Task<TimeSpan> NextCheck(DomainsUnderTest domains, DomainId id) => TimeSpan.FromMilliseconds((await domains.Db.Query(
        "select next_check_at - now_ms() from domains where id = @id", row => row.GetInt64(0), CancellationToken.None, ("id", id.Value)))[0]);
}
