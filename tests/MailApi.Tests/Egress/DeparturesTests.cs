using System.Net;
using MailApi.Api;
using MailApi.Delivery;
using MailApi.Delivery.Egress;
using MailApi.Mail.Routing;
using MailApi.Mail.Shaping;
using MailApi.Mail.Smtp;
using Microsoft.Extensions.Time.Testing;
using Route = MailApi.Mail.Routing.Route;

namespace MailApi.Tests.Egress;

public sealed class DeparturesTests
{
    private const string Domain = "mail.shop.example";
    private static readonly TenantId Tenant = PrefixedId.New<TenantId>();
    private static readonly DateTimeOffset Noon = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider clock = new(Noon);

    [Theory]
    [InlineData(Domain, true, Category.Support, "domain")]
    [InlineData(Domain, false, Category.Marketing, "domain")]
    [InlineData("other.example", true, Category.Support, "both")]
    [InlineData("other.example", true, Category.Marketing, "tenant")]
    [InlineData("other.example", false, Category.Support, "category")]
    [InlineData("other.example", false, Category.Marketing, "default")]
    public void Mail_leaves_from_the_pool_that_is_meant_for_it_most_closely(string domain, bool isTheTenants, Category category, string pool)
    {
        var pools = new EgressPools(new Dictionary<string, PoolSettings>
        {
            ["default"] = Pool("192.0.2.1"),
            ["category"] = Pool("192.0.2.2", it => it.Categories = [Category.Support]),
            ["tenant"] = Pool("192.0.2.3", it => it.Tenants = [Tenant.ToString()]),
            ["both"] = Pool("192.0.2.4", it => (it.Tenants, it.Categories) = ([Tenant.ToString()], [Category.Support])),
            ["domain"] = Pool("192.0.2.5", it => it.Domains = ["Mail.Shop.Example"]),
            ["spare"] = Pool("192.0.2.6"),
        });

        Assert.Equal(pool, pools.For(isTheTenants ? Tenant : PrefixedId.New<TenantId>(), domain, category)!.Name);
    }

    [Fact]
    public void Without_pools_mail_leaves_from_wherever_the_system_chooses() => Assert.Null(new EgressPools(new Dictionary<string, PoolSettings>()).For(Tenant, Domain, Category.Support));

    [Fact]
    public void Addresses_take_turns_and_those_of_families_that_the_receiver_has_alone()
    {
        var egress = Egress(Pool("192.0.2.1 192.0.2.2 2001:db8::1"));

        Assert.Equal(["192.0.2.1", "192.0.2.2", "192.0.2.1"], egress.Sources(3, To("mx.test", "127.0.0.1")));
        Assert.Equal(["2001:db8::1", "2001:db8::1"], egress.Sources(2, To("six.test", "::1")));
        Assert.Equal(["192.0.2.2", "192.0.2.1", "2001:db8::1"], egress.Sources(3, To("both.test", "127.0.0.1", "::1")));
    }

    [Fact]
    public void Who_reaches_the_most_preferred_host_goes_before_who_reaches_others_alone()
    {
        var egress = Egress(Pool("192.0.2.1 2001:db8::1"));
        var route = To("mx.test", "127.0.0.1");
        route = route with { Hosts = [.. route.Hosts, .. To("backup.test", "127.0.0.1", "::1").Hosts] };

        Assert.Equal(["192.0.2.1", "192.0.2.1"], egress.Sources(2, route));
    }

    [Fact]
    public void A_family_that_the_pool_has_not_is_no_way_and_the_overflow_may_have_it()
    {
        Assert.IsType<Departure.Nowhere>(Egress(Pool("192.0.2.1")).Next(To("six.test", "::1")));
        Assert.Equal(["2001:db8::1"], Egress(Pool("192.0.2.1", it => it.Overflow = "spare"), Pool("2001:db8::1")).Sources(1, To("six.test", "::1")));
    }

    [Fact]
    public void The_preferred_family_goes_first_and_a_retry_takes_either()
    {
        var egress = Egress(Pool("192.0.2.1 2001:db8::1", it => it.Prefer = AddressPreference.IPv6));
        var both = To("both.test", "127.0.0.1", "::1");

        Assert.Equal(["2001:db8::1", "2001:db8::1"], egress.Sources(2, both));
        Assert.Equal(["192.0.2.1"], egress.Sources(1, both, isFirstTry: false));
        Assert.Equal(["192.0.2.1"], egress.Sources(1, To("four.test", "127.0.0.1")));
    }

    [Theory]
    [InlineData("2026-11-24", 50)]
    [InlineData("2026-11-25", 50)]
    [InlineData("2026-11-23", 100)]
    [InlineData("2026-11-18", 3200)]
    [InlineData("2026-11-11", 409_600)]
    [InlineData("2026-11-10", null)]
    public void An_address_is_given_twice_as_much_each_day_until_it_is_warm(string since, int? allowance) =>
        Assert.Equal(allowance, WarmUp.Allowance(DateOnly.Parse(since, System.Globalization.CultureInfo.InvariantCulture), DateOnly.FromDateTime(Noon.UtcDateTime)));

    [Fact]
    public void What_is_spent_at_a_site_goes_to_the_overflow_and_other_sites_have_their_own_allowance()
    {
        var egress = Egress(Warming("192.0.2.1", it => it.Overflow = "spare"), Pool("192.0.2.9"));
        var site = To("mx.test", "127.0.0.1");

        Assert.All(egress.Sources(WarmUp.FirstDay, site), source => Assert.Equal("192.0.2.1", source));
        Assert.Equal(["192.0.2.9"], egress.Sources(1, site));
        Assert.Equal(["192.0.2.1"], egress.Sources(1, To("other.test", "127.0.0.1")));
    }

    [Fact]
    public void Without_an_overflow_mail_waits_for_the_next_day_on_which_there_is_more()
    {
        var egress = Egress(Warming("192.0.2.1"));
        var site = To("mx.test", "127.0.0.1");
        egress.Sources(WarmUp.FirstDay, site);

        var later = Assert.IsType<Departure.Later>(egress.Next(site));
        Assert.InRange(later.Delay, TimeSpan.FromHours(12), TimeSpan.FromHours(12) + Departures.SpreadMax);

        clock.Advance(later.Delay);
        Assert.Equal(2 * WarmUp.FirstDay, egress.Sources(2 * WarmUp.FirstDay, site).Count);
        Assert.IsType<Departure.Later>(egress.Next(site));
    }

    [Fact]
    public void Attempts_that_the_receiver_did_not_see_cost_nothing_and_those_under_way_hold_others_back_for_a_moment()
    {
        var egress = Egress(Warming("192.0.2.1"));
        var site = To("mx.test", "127.0.0.1");
        var underWay = Enumerable.Range(0, WarmUp.FirstDay).Select(_ => Assert.IsType<Departure.From>(egress.Next(site))).ToList();

        Assert.Equal(Departures.Soon, Assert.IsType<Departure.Later>(egress.Next(site)).Delay);
        foreach (var departure in underWay) egress.Departures.Settle(departure, new TransmitResult.Unreachable("no connection", null));
        Assert.Equal(WarmUp.FirstDay, egress.Sources(WarmUp.FirstDay, site).Count);
    }

    [Fact]
    public void A_node_that_starts_goes_on_where_the_address_has_been()
    {
        var egress = Egress(Warming("192.0.2.1"));
        var site = To("mx.test", "127.0.0.1");
        var unread = new Departures(egress.Pools, egress.Rests, new SentToday(clock), egress.Sites);
        Assert.Equal(Departures.Soon, Assert.IsType<Departure.Later>(unread.From(egress.Pools.Named("default"), site, isFirstTry: true)).Delay);

        egress.Sent.Start([(new SentKey(SentToday.DayNumber(egress.Sent.Today), "192.0.2.1", "mx.test"), WarmUp.FirstDay - 1)]);
        egress.Sources(1, site);
        Assert.IsType<Departure.Later>(egress.Next(site));
    }

    [Fact]
    public void Nodes_share_what_is_left_by_what_they_know_of_each_other()
    {
        var egress = Egress(Warming("192.0.2.1"));
        egress.Sites.NodeCount = 2;
        var site = To("mx.test", "127.0.0.1");

        egress.Sources(WarmUp.FirstDay / 2, site);
        Assert.Equal(Departures.Soon, Assert.IsType<Departure.Later>(egress.Next(site)).Delay);

        // The other has sent ten: fifteen are left, and this node takes eight of them.
        var row = Assert.Single(egress.Sent.Unwritten(10));
        egress.Sent.Written(row.Key, row.Messages, row.Messages + 10);
        egress.Sources(8, site);
        Assert.Equal(Departures.Soon, Assert.IsType<Departure.Later>(egress.Next(site)).Delay);

        row = Assert.Single(egress.Sent.Unwritten(10));
        egress.Sent.Written(row.Key, row.Messages, WarmUp.FirstDay);
        Assert.True(Assert.IsType<Departure.Later>(egress.Next(site)).Delay > TimeSpan.FromHours(11));
    }

    [Fact]
    public void A_blocklisted_address_rests_while_others_of_its_pool_or_its_overflow_can_serve()
    {
        var egress = Egress(Pool("192.0.2.1 192.0.2.2", it => it.Overflow = "spare"), Pool("192.0.2.9"));
        var site = To("mx.test", "127.0.0.1");

        egress.Rest("192.0.2.1");
        Assert.Equal(["192.0.2.2", "192.0.2.2"], egress.Sources(2, site));
        Assert.Equal(EgressState.Resting, egress.State("192.0.2.1"));

        egress.Rest("192.0.2.2");
        Assert.Equal(["192.0.2.9"], egress.Sources(1, site));

        egress.Rest("192.0.2.9");
        Assert.Equal(["192.0.2.1", "192.0.2.2"], egress.Sources(2, site).Order());
        Assert.Equal(EgressState.Active, egress.State("192.0.2.1"));
    }

    private static PoolSettings Pool(string addresses, Action<PoolSettings>? change = null)
    {
        var pool = new PoolSettings { Addresses = [.. addresses.Split(' ').Select(address => new AddressSettings { Address = address, HeloName = "out.test" })] };
        change?.Invoke(pool);
        return pool;
    }

    private static PoolSettings Warming(string address, Action<PoolSettings>? change = null)
    {
        var pool = Pool(address, change);
        pool.Addresses[0].Since = DateOnly.FromDateTime(Noon.UtcDateTime);
        return pool;
    }

    private static Route To(string site, params string[] addresses) => new() { Site = site, Hosts = [new RouteHost("mx." + site, [.. addresses.Select(IPAddress.Parse)], 25)] };

    private Outlet Egress(PoolSettings first, PoolSettings? spare = null)
    {
        var settings = new Dictionary<string, PoolSettings> { ["default"] = first };
        if (spare is not null) settings["spare"] = spare;
        var pools = new EgressPools(settings);
        var sent = new SentToday(clock);
        sent.Start([]);
        var rests = new EgressRests(pools, sent);
        var sites = new Sites(SiteSettings.Profiles(new Dictionary<string, SiteSettings>()), clock);
        return new Outlet(pools, sent, rests, sites, new Departures(pools, rests, sent, sites));
    }

    private sealed record Outlet(EgressPools Pools, SentToday Sent, EgressRests Rests, Sites Sites, Departures Departures)
    {
        public Departure Next(Route route, bool isFirstTry = true) => Departures.From(Pools.Named("default"), route, isFirstTry);

        /// <summary>Where so many messages leave from, one after the other, that the receiver takes.</summary>
        public List<string> Sources(int messages, Route route, bool isFirstTry = true)
        {
            var sources = new List<string>();
            for (var message = 0; message < messages; message++)
            {
                var departure = Assert.IsType<Departure.From>(Next(route, isFirstTry));
                Departures.Settle(departure, new TransmitResult.Accepted(new Reply(250, null, "taken"), "mx.test", null));
                sources.Add(departure.Route.Source!.Local.ToString());
            }
            return sources;
        }

        public void Rest(string address) => Rests.Set(Address(address), "It is listed.");

        public EgressState State(string address) => Rests.State(Address(address));

        private EgressAddress Address(string text) => Pools.Addresses.Single(address => address.Public.ToString() == text);
    }
}
