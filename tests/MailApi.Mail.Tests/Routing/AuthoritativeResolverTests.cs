using System.Net;
using MailApi.Mail.Routing;
using MailApi.Testing;
using Xunit;

namespace MailApi.Mail.Tests.Routing;

public sealed class AuthoritativeResolverTests : IAsyncDisposable
{
    private readonly DnsZone resolver = DnsZone.Start();
    private readonly DnsZone authority = DnsZone.Start();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public AuthoritativeResolverTests()
    {
        resolver.Add("shop.test", DnsRecord.Ns("ns.host.test")).A("ns.host.test", "127.0.0.1");
        resolver.TimeToLive = TimeSpan.FromHours(1);
    }

    /// <param name="allowPrivate">See <see cref="DnsOptions.AllowPrivateNetworks"/>.</param>
    /// <param name="isSilent">A server is silent on purpose.</param>
    private AuthoritativeResolver Asking(bool allowPrivate = true, bool isSilent = false)
    {
        var options = new DnsOptions
        {
            Servers = [resolver.EndPoint],
            Timeout = isSilent ? TimeSpan.FromMilliseconds(500) : TimeSpan.FromSeconds(10),
            Retries = 0,
            Deadline = TimeSpan.FromSeconds(10),
            AuthorityPort = authority.EndPoint.Port,
            AllowPrivateNetworks = allowPrivate,
        };
        return new AuthoritativeResolver(new DnsResolver(options, TimeProvider.System), options, TimeProvider.System);
    }

    private static (string?, string?) Said(ZoneAnswer<string> answer) =>
        (answer.Answer is DnsAnswer<string>.Found found ? string.Join(' ', found.Values) : answer.Answer.GetType().Name, answer.Server);

    [Fact]
    public async Task What_the_zone_says_now_counts_and_not_what_is_cached()
    {
        resolver.Txt("_dmarc.mail.shop.test", "old");
        var dns = Asking();
        Assert.Equal(("NoSuchDomain", "ns.host.test"), Said(await dns.Txt("_dmarc.mail.shop.test", Ct)));

        authority.Txt("_dmarc.mail.shop.test", "new");
        Assert.Equal(new ZoneAnswer<string>(null!, "ns.host.test", null), (await dns.Txt("_DMARC.mail.shop.test.", Ct)) with { Answer = null! });
        Assert.Equal(("new", "ns.host.test"), Said(await dns.Txt("_dmarc.mail.shop.test", Ct)));

        authority.Set("_dmarc.mail.shop.test", DnsRecord.Txt("newer"));
        Assert.Equal(("newer", "ns.host.test"), Said(await dns.Txt("_dmarc.mail.shop.test", Ct)));
        Assert.Equal(0, resolver.Asked("_dmarc.mail.shop.test", DnsType.Txt));
    }

    [Fact]
    public async Task An_alias_is_followed_to_the_zone_of_its_target()
    {
        resolver.Add("keys.test", DnsRecord.Ns("ns.host.test"));
        authority.Cname("s1._domainkey.shop.test", "s1.keys.test").Txt("s1.keys.test", "v=DKIM1; p=x");
        var dns = Asking();

        Assert.Equal(("v=DKIM1; p=x", "ns.host.test"), Said(await dns.Txt("s1._domainkey.shop.test", Ct)));
        Assert.Equal(("s1.keys.test", "ns.host.test"), Said(await dns.Cname("s1._domainkey.shop.test", Ct)));
        Assert.Equal(1, resolver.Asked("keys.test", DnsType.Ns));
    }

    [Theory]
    [InlineData("127.0.0.2", "127.0.0.1", "ns2.host.test")]
    [InlineData("127.0.0.1", "127.0.0.2", "ns.host.test")]
    public async Task A_server_that_has_not_got_the_zones_last_change_is_not_believed_when_it_says_that_nothing_is_there(string first, string second, string speaker)
    {
        await using var stale = DnsZone.Start(new IPEndPoint(IPAddress.Parse("127.0.0.2"), authority.EndPoint.Port));
        resolver.Add("shop.test", DnsRecord.Ns("ns2.host.test")).A("ns2.host.test", second).Set("ns.host.test", DnsRecord.A(first));
        authority.Txt("here.shop.test", "new");
        var dns = Asking();

        Assert.Equal(("new", speaker), Said(await dns.Txt("here.shop.test", Ct)));
        Assert.Equal("NoSuchDomain", Said(await dns.Txt("gone.shop.test", Ct)).Item1);
    }

    [Fact]
    public async Task Aliases_without_end_fail()
    {
        authority.Cname("a.shop.test", "b.shop.test").Cname("b.shop.test", "a.shop.test");

        Assert.Equal(new DnsAnswer<string>.Failed("the aliases have no end"), (await Asking().Txt("a.shop.test", Ct)).Answer);
    }

    [Fact]
    public async Task Strangers_cannot_have_private_addresses_asked()
    {
        resolver.Txt("shop.test", "cached");
        authority.Txt("shop.test", "now");

        var answer = await Asking(allowPrivate: false).Txt("shop.test", Ct);

        Assert.Equal(("cached", (string?)null), Said(answer));
        Assert.Equal("The name servers of the zone shop.test have no public address.", answer.Fallback);
        Assert.Empty(authority.Questions);
    }

    [Theory]
    [InlineData(DnsFailure.Timeout, "No name server of the zone shop.test answered for it (no answer).")]
    [InlineData(DnsFailure.Lame, "No name server of the zone shop.test answered for it (a lame delegation).")]
    [InlineData(DnsFailure.ServFail, "No name server of the zone shop.test answered for it (SERVFAIL).")]
    [InlineData(DnsFailure.Refused, "No name server of the zone shop.test answered for it (REFUSED).")]
    [InlineData(DnsFailure.Garbage, "No name server of the zone shop.test answered for it (an unreadable answer).")]
    public async Task Where_no_server_of_the_zone_answers_the_resolvers_do(DnsFailure fault, string fallback)
    {
        resolver.Txt("shop.test", "cached");
        authority.Txt("shop.test", "now").Fail("*", fault);

        var answer = await Asking(isSilent: fault == DnsFailure.Timeout).Txt("shop.test", Ct);

        Assert.Equal(("cached", (string?)null, fallback), (Said(answer).Item1, answer.Server, answer.Fallback));
    }

    [Fact]
    public async Task The_resolvers_in_their_place_are_asked_past_our_own_cache()
    {
        resolver.Txt("shop.test", "one");
        authority.Fail("*", DnsFailure.Refused);
        var dns = Asking();
        await dns.Txt("shop.test", Ct);
        resolver.Set("shop.test", DnsRecord.Txt("two"));

        Assert.Equal("two", Said(await dns.Txt("shop.test", Ct)).Item1);
    }

    [Fact]
    public async Task A_name_without_a_zone_is_left_to_the_resolvers()
    {
        var answer = await Asking().Txt("other.test", Ct);

        Assert.Equal(("NoSuchDomain", (string?)null), Said(answer));
        Assert.Equal("The zone of other.test could not be found.", answer.Fallback);
    }

    public async ValueTask DisposeAsync()
    {
        await resolver.DisposeAsync();
        await authority.DisposeAsync();
    }
}
