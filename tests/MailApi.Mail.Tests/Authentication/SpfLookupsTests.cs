using MailApi.Mail.Authentication;
using MailApi.Mail.Routing;
using MailApi.Testing;

namespace MailApi.Mail.Tests.Authentication;

/// <summary>What a check of a domain costs at worst.</summary>
public sealed class SpfLookupsTests : IAsyncDisposable
{
    private readonly DnsZone zone = DnsZone.Start();

    public ValueTask DisposeAsync() => zone.DisposeAsync();

    [Fact]
    public async Task Every_branch_is_counted_and_each_term_has_its_share()
    {
        zone.Txt("shop.example", "v=spf1 ip4:192.0.2.1 a include:one.example mx include:two.example ~all")
            .Txt("one.example", "v=spf1 ip4:192.0.2.2 -all")
            .Txt("two.example", "v=spf1 include:one.example exists:%{i}.two.example redirect=three.example")
            .Txt("three.example", "v=spf1 ptr -all a mx");

        var lookups = await Count("shop.example");

        // a, include + 0, mx, include + (include, exists, redirect + (ptr)).
        Assert.Equal(8, lookups.Count);
        Assert.Equal([new("a", 1), new("include:one.example", 1), new("mx", 1), new("include:two.example", 5)], lookups.Costs);
        Assert.True(lookups.IsWithinLimit);
        Assert.Empty(lookups.Problems);
    }

    [Fact]
    public async Task Too_many_are_told_with_the_costliest_terms()
    {
        zone.Txt("shop.example", "v=spf1 include:big.example a include:big.example -all").Txt("big.example", "v=spf1 a a a a mx -all");

        var lookups = await Count("Shop.Example.");

        Assert.Equal((13, false), (lookups.Count, lookups.IsWithinLimit));
        Assert.Contains("can take 13 look-ups", lookups.Problems[0], StringComparison.Ordinal);
        Assert.Contains("\"include:big.example\" (6)", lookups.Problems[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("v=spf1 include:loop.example -all", "circle: loop.example → loop.example")]
    [InlineData("v=spf1 include:back.example -all", "circle: loop.example → back.example → loop.example")]
    [InlineData("v=spf1 redirect=loop.example", "circle: loop.example → loop.example")]
    [InlineData("v=spf1 include:nosuch.example -all", "The domain nosuch.example does not exist (reached by loop.example)")]
    [InlineData("v=spf1 include:broken.example -all", "\"moo\"")]
    [InlineData("v=spf1 include:away.example -all", "cannot be looked up")]
    [InlineData("v=spf1 include:%{l}.example.org -all", "leads elsewhere for every message")]
    public async Task What_breaks_the_record_is_told(string record, string problem)
    {
        zone.Txt("loop.example", record).Txt("back.example", "v=spf1 include:loop.example ?all").Txt("broken.example", "v=spf1 moo").Fail("away.example", DnsFailure.ServFail);

        Assert.Contains((await Count("loop.example")).Problems, told => told.Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_domain_without_record_costs_nothing_and_says_so()
    {
        zone.Txt("shop.example", "other text");
        var lookups = await Count("shop.example");
        Assert.Equal(0, lookups.Count);
        Assert.Equal("shop.example publishes no SPF record.", Assert.Single(lookups.Problems));
    }

    [Fact]
    public async Task Records_that_multiply_are_not_followed_for_ever()
    {
        for (var i = 0; i < 12; i++) zone.Txt($"d{i}.example", $"v=spf1 include:d{i + 1}.example include:d{i + 1}.example include:d{i + 1}.example -all");
        zone.Txt("d12.example", "v=spf1 a -all");

        var lookups = await Count("d0.example");

        Assert.InRange(lookups.Count, Spf.LookupsMax + 1, 110);
        Assert.Contains("more than 100 look-ups", lookups.Problems[0], StringComparison.Ordinal);
    }

    private Task<SpfLookups> Count(string domain) =>
        new Spf(new DnsResolver(new DnsOptions { Servers = [zone.EndPoint] }, TimeProvider.System), TimeProvider.System).CountLookups(domain, TestContext.Current.CancellationToken);
}
