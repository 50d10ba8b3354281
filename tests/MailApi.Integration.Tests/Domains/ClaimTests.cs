using MailApi.Api;
using MailApi.Domains;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;

namespace MailApi.Integration.Tests.Domains;

/// <summary>A name may be claimed by many tenants and is proved by one.</summary>
public sealed class ClaimTests(SharedServers servers)
{
    private static readonly CancellationToken Ct = CancellationToken.None;

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Of_two_tenants_that_claim_a_name_the_first_to_prove_it_has_it(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        var (one, two, three) = (await domains.AddTenant(), await domains.AddTenant(), await domains.AddTenant());
        var claim = await domains.Register(two, "shop.example");
        var winner = await domains.Verified(one, "shop.example");

        await domains.Publish(claim.Id);
        var loser = await domains.Check(claim.Id);

        Assert.Equal(DomainState.Pending, loser.State);
        Assert.Contains("is the domain of another tenant", Ownership(loser).Note, StringComparison.Ordinal);
        Assert.Empty(await domains.Events(two));
        Assert.IsType<Registration.Taken>(await domains.Registry.Register(DomainsUnderTest.New(three, "shop.example"), Ct));

        // The records are another's now, but no stranger takes a name over while its tenant may only have slipped.
        Assert.Equal(DomainState.Failing, (await domains.Check(winner.Id)).State);
        Assert.Equal(DomainState.Pending, (await domains.Check(claim.Id)).State);
        await domains.Registry.Remove(winner, Ct);
        var proven = await domains.Check(claim.Id);
        Assert.Equal(DomainState.Verified, proven.State);
        Assert.Null(Ownership(proven).Note);
    }

    [Theory]
    [InlineData(StoreProvider.Sqlite, "shop.example", "mail.shop.example"), InlineData(StoreProvider.Sqlite, "mail.shop.example", "shop.example")]
    [InlineData(StoreProvider.PostgreSql, "shop.example", "mail.shop.example"), InlineData(StoreProvider.PostgreSql, "mail.shop.example", "shop.example")]
    public async Task A_name_above_or_below_a_proven_one_is_its_tenants_alone(StoreProvider provider, string proven, string other)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        var (one, two) = (await domains.AddTenant(), await domains.AddTenant());
        var claim = await domains.Register(two, other);
        await domains.Verified(one, proven);

        await domains.Publish(claim.Id);
        Assert.Equal(DomainState.Pending, (await domains.Check(claim.Id)).State);

        await domains.Verified(one, other);
        await domains.Verified(two, "workshop.example");
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Of_those_who_prove_names_in_one_another_at_once_one_is_verified(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        TenantId[] tenants = [await domains.AddTenant(), await domains.AddTenant(), await domains.AddTenant()];
        for (var round = 0; round < 5; round++)
        {
            Domain[] claims =
            [
                await domains.Register(tenants[0], $"shop{round}.example"), await domains.Register(tenants[1], $"mail.shop{round}.example"),
                await domains.Register(tenants[2], $"eu.mail.shop{round}.example"),
            ];
            foreach (var claim in claims) await domains.Publish(claim.Id);

            await Task.WhenAll(claims.Concat(claims).Select(claim => domains.Check(claim.Id)));

            var states = await Task.WhenAll(claims.Select(async claim => (await domains.Find(claim.Id)).State));
            Assert.Equal([DomainState.Pending, DomainState.Pending, DomainState.Verified], states.Order());
        }
        var events = await Task.WhenAll(tenants.Select(domains.Events));
        Assert.Equal(5, events.Sum(those => those.Count(it => it.Type == "domain.verified")));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Names_that_look_like_another_tenants_are_told_apart_from_those_that_do_not(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        await domains.Register(await domains.AddTenant(), "mail.paypal.example");

        Assert.False(await LooksLikeAnother("paypal.example"));
        Assert.True(await LooksLikeAnother("paypa1.example"));

        async Task<bool> LooksLikeAnother(string name) =>
            Assert.IsType<Registration.Done>(await domains.Registry.Register(DomainsUnderTest.New(await domains.AddTenant(), name), Ct)).LooksLikeAnother;
    }

    private static Observation Ownership(Domain domain) => domain.Observed!.Records.Single(record => record.Name == "_mailapi.shop.example");
}
