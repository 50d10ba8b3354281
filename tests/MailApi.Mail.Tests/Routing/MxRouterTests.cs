using MailApi.Mail.Routing;
using MailApi.Testing;
using Xunit;

namespace MailApi.Mail.Tests.Routing;

public sealed class MxRouterTests
{
    private static Task<RouteResult> Find(DnsZone dns, string domain, RoutingOptions? options = null, int seed = 1) =>
        Router(dns, options, seed).Find(domain, TestContext.Current.CancellationToken);

    private static MxRouter Router(DnsZone dns, RoutingOptions? options = null, int seed = 1) => new(
        new DnsResolver(new DnsOptions { Servers = [dns.EndPoint], Timeout = TimeSpan.FromSeconds(8), Retries = 0 }, TimeProvider.System),
        options ?? new RoutingOptions(),
        new Random(seed));

    private static async Task<Route> Found(Task<RouteResult> result) => Assert.IsType<RouteResult.Found>(await result).Route;

    private static async Task<string> Refused(Task<RouteResult> result) => Assert.IsType<RouteResult.Refused>(await result).Reply.ToString();

    private static async Task<string> Temporary(Task<RouteResult> result) => Assert.IsType<RouteResult.Temporary>(await result).Reply.ToString();

    [Fact]
    public async Task Hosts_come_by_preference()
    {
        await using var dns = DnsZone.Start()
            .Mx("a.test", 30, "c.a.test").Mx("a.test", 10, "a.a.test").Mx("a.test", 20, "b.a.test")
            .Addresses("a.a.test", "9.9.9.1").Addresses("b.a.test", "9.9.9.2").Addresses("c.a.test", "9.9.9.3");

        var route = await Found(Find(dns, "a.test"));

        Assert.Equal(["a.a.test", "b.a.test", "c.a.test"], route.Hosts.Select(host => host.Name));
        Assert.Equal(["9.9.9.1"], route.Hosts[0].Addresses.Select(address => address.ToString()));
        Assert.All(route.Hosts, host => Assert.Equal(25, host.Port));
        Assert.Equal(TlsPolicy.Opportunistic, route.Tls);
        Assert.Equal("a.a.test,b.a.test,c.a.test", route.Site);
    }

    [Fact]
    public async Task Equals_come_in_random_order_and_the_worse_after_them()
    {
        await using var dns = DnsZone.Start().Mx("a.test", 20, "z.a.test").Addresses("z.a.test", "9.9.9.9");
        foreach (var name in "abcd") dns.Mx("a.test", 10, $"{name}.a.test").Addresses($"{name}.a.test", "9.9.9.1");

        var first = new HashSet<string>();
        for (var seed = 0; seed < 40; seed++)
        {
            var route = await Found(Find(dns, "a.test", seed: seed));
            first.Add(route.Hosts[0].Name);
            Assert.Equal("z.a.test", route.Hosts[4].Name);
            Assert.Equal("a.a.test,b.a.test,c.a.test,d.a.test,z.a.test", route.Site);
        }

        Assert.Equal(4, first.Count);
    }

    [Fact]
    public async Task Without_MX_records_the_domain_is_its_own_mail_host()
    {
        await using var dns = DnsZone.Start().Addresses("a.test", "9.9.9.1");

        var route = await Found(Find(dns, "a.test", new RoutingOptions { MxPort = 2525 }));

        Assert.Equal(("a.test", 2525, "a.test"), (route.Hosts.Single().Name, route.Hosts[0].Port, route.Site));
    }

    [Fact]
    public async Task A_null_MX_takes_no_mail()
    {
        await using var dns = DnsZone.Start().Mx("a.test", 0, "").Addresses("a.test", "9.9.9.1");

        Assert.StartsWith("556 5.1.10 ", await Refused(Find(dns, "a.test")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_null_MX_beside_others_says_nothing()
    {
        await using var dns = DnsZone.Start().Mx("a.test", 0, "").Mx("a.test", 10, "b.test").Addresses("b.test", "9.9.9.1");

        Assert.Equal("b.test", (await Found(Find(dns, "a.test"))).Hosts.Single().Name);
    }

    [Fact]
    public async Task A_domain_that_does_not_exist_is_refused()
    {
        await using var dns = DnsZone.Start();

        Assert.StartsWith("550 5.1.2 ", await Refused(Find(dns, "a.test")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(DnsFailure.ServFail)]
    [InlineData(DnsFailure.Refused)]
    public async Task A_failure_of_the_DNS_is_temporary(DnsFailure code)
    {
        await using var dns = DnsZone.Start().Fail("a.test", code).Mx("b.test", 1, "mx.b.test").Fail("mx.b.test", code);

        Assert.StartsWith("451 4.4.3 ", await Temporary(Find(dns, "a.test")), StringComparison.Ordinal);
        Assert.StartsWith("451 4.4.3 ", await Temporary(Find(dns, "b.test")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_without_an_address_is_passed_over()
    {
        await using var dns = DnsZone.Start()
            .Mx("a.test", 1, "gone.test").Mx("a.test", 2, "empty.test").Mx("a.test", 3, "fails.test").Mx("a.test", 4, "mx.test")
            .Add("empty.test").Fail("fails.test", DnsFailure.ServFail).Addresses("mx.test", "9.9.9.1");

        Assert.Equal("mx.test", (await Found(Find(dns, "a.test"))).Hosts.Single().Name);
    }

    [Fact]
    public async Task A_domain_without_any_address_is_refused()
    {
        await using var dns = DnsZone.Start().Mx("a.test", 1, "gone.test").Add("b.test");

        Assert.StartsWith("550 5.4.4 ", await Refused(Find(dns, "a.test")), StringComparison.Ordinal);
        Assert.StartsWith("550 5.4.4 ", await Refused(Find(dns, "b.test")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("10.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("64:ff9b::7f00:1")]
    public async Task Private_targets_are_refused_unless_allowed(string address)
    {
        await using var dns = DnsZone.Start().Mx("a.test", 1, "mx.a.test").Addresses("mx.a.test", address).Addresses("b.test", address);

        Assert.Equal("550 5.4.4 the domain's mail hosts have no public address", await Refused(Find(dns, "a.test")));
        Assert.Equal("550 5.4.4 the domain's mail hosts have no public address", await Refused(Find(dns, "b.test")));
        Assert.Equal(address, (await Found(Find(dns, "a.test", new RoutingOptions { AllowPrivateNetworks = true }))).Hosts.Single().Addresses.Single().ToString());
    }

    [Fact]
    public async Task Of_mixed_targets_only_the_public_ones_are_used()
    {
        await using var dns = DnsZone.Start()
            .Mx("a.test", 1, "inside.test").Mx("a.test", 2, "both.test")
            .Addresses("inside.test", "192.168.0.1").Addresses("both.test", "127.0.0.1", "10.0.0.1", "9.9.9.1");

        var host = (await Found(Find(dns, "a.test"))).Hosts.Single();

        Assert.Equal(("both.test", "9.9.9.1"), (host.Name, host.Addresses.Single().ToString()));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("evil@127/0.test")]
    [InlineData("a b.test")]
    public async Task A_mail_host_that_is_no_host_name_leads_nowhere(string host)
    {
        await using var dns = DnsZone.Start().Mx("a.test", 1, host).Addresses(host == "127.0.0.1" ? "x.test" : host, "9.9.9.1");

        Assert.StartsWith("550 5.4.4 ", await Refused(Find(dns, "a.test")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hosts_and_addresses_of_one_attempt_are_limited()
    {
        await using var dns = DnsZone.Start().Fail("*", DnsFailure.Truncated);
        for (var i = 1; i <= 60; i++)
        {
            dns.Mx("a.test", (ushort)i, $"mx{i}.a.test");
            if (i > 4) dns.Addresses($"mx{i}.a.test", "9.9.9.1", "9.9.9.2", "9.9.9.3");
        }

        var route = await Found(Find(dns, "a.test"));

        Assert.Equal(["mx5.a.test", "mx6.a.test", "mx7.a.test", "mx8.a.test", "mx9.a.test"], route.Hosts.Select(host => host.Name));
        Assert.All(route.Hosts, host => Assert.Equal(MxRouter.AddressesPerHostMax, host.Addresses.Count));
        Assert.InRange(route.Site.Length, 1, Route.SiteCharsMax);
    }

    [Fact]
    public async Task A_host_with_many_addresses_of_one_family_is_tried_at_the_other_too()
    {
        await using var dns = DnsZone.Start().Mx("a.test", 1, "mx.a.test").Addresses("mx.a.test", "9.9.9.1", "9.9.9.2", "9.9.9.3", "2620:fe::1", "2620:fe::2", "2620:fe::3");

        var route = await Found(Find(dns, "a.test"));

        Assert.Equal(["9.9.9.1", "9.9.9.2", "2620:fe::1", "2620:fe::2"], route.Hosts[0].Addresses.Select(address => address.ToString()));
    }

    [Fact]
    public async Task Only_so_many_mail_hosts_are_looked_up()
    {
        await using var dns = DnsZone.Start().Fail("*", DnsFailure.Truncated);
        for (var i = 1; i <= 60; i++) dns.Mx("a.test", (ushort)i, $"mx{i}.a.test");

        await Refused(Find(dns, "a.test"));

        Assert.Equal(MxRouter.LookupsMax, dns.Questions.Where(question => question.Name.StartsWith("mx", StringComparison.Ordinal)).Select(question => question.Name).Distinct().Count());
    }

    [Fact]
    public async Task Domains_with_the_same_hosts_share_a_site()
    {
        await using var dns = DnsZone.Start().Addresses("x.mx.test", "9.9.9.1").Addresses("y.mx.test", "9.9.9.2")
            .Mx("a.test", 1, "x.mx.test").Mx("a.test", 2, "Y.mx.test")
            .Mx("b.test", 5, "y.mx.test").Mx("b.test", 5, "x.mx.test")
            .Mx("c.test", 5, "x.mx.test");

        var site = (await Found(Find(dns, "a.test"))).Site;

        Assert.Equal(site, (await Found(Find(dns, "b.test"))).Site);
        Assert.NotEqual(site, (await Found(Find(dns, "c.test"))).Site);
    }

    [Theory]
    [InlineData(TlsPolicy.Implicit, 0, 465)]
    [InlineData(TlsPolicy.StartTls, 0, 587)]
    [InlineData(TlsPolicy.None, 2525, 2525)]
    public async Task A_relay_is_a_route_of_its_own(TlsPolicy tls, int port, int expected)
    {
        await using var dns = DnsZone.Start().Addresses("relay.test", "9.9.9.1");
        var relay = new RelayOptions { Host = "Relay.test", Port = port, Tls = tls, Username = "user", Password = "secret", Auth = RelayAuth.Plain };

        var route = await Found(Router(dns).Find(relay, TestContext.Current.CancellationToken));

        Assert.Equal(($"relay:relay.test:{expected}", tls), (route.Site, route.Tls));
        Assert.Equal(("relay.test", expected), (route.Hosts.Single().Name, route.Hosts[0].Port));
        Assert.Equal(new RelayCredentials("user", "secret", RelayAuth.Plain), route.Credentials);
    }

    [Fact]
    public async Task What_is_wrong_with_a_relay_never_refuses_mail()
    {
        await using var dns = DnsZone.Start().Fail("broken.test", DnsFailure.ServFail);
        var router = Router(dns);
        Task<string> Reply(string host) => Temporary(router.Find(new RelayOptions { Host = host, Auth = RelayAuth.None, Username = "u" }, TestContext.Current.CancellationToken));

        Assert.StartsWith("451 4.4.3 ", await Reply("broken.test"), StringComparison.Ordinal);
        Assert.StartsWith("451 4.4.3 ", await Reply("missing.test"), StringComparison.Ordinal);
        Assert.StartsWith("451 4.4.4 ", await Reply("127.0.0.1"), StringComparison.Ordinal);
    }
}
