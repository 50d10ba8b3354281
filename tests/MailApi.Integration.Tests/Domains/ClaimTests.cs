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
        var (one, two) = (await domains.AddTenant(), await domains.AddTenant());
        for (var round = 0; round < 5; round++)
        {
            Domain[] claims = [await domains.Register(one, $"shop{round}.example"), await domains.Register(two, $"mail.shop{round}.example")];
            foreach (var claim in claims) await domains.Publish(claim.Id);

            var checkedNow = await Task.WhenAll(claims.Select(claim => domains.Check(claim.Id)));

            Assert.Equal([DomainState.Pending, DomainState.Verified], checkedNow.Select(domain => domain.State).Order());
        }
    }

    private static Observation Ownership(Domain domain) => domain.Observed!.Records.Single(record => record.Name == "_mailapi.shop.example");
}
