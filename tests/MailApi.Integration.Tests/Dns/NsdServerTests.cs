using MailApi.Mail.Routing;
using MailApi.Testing;
using Xunit;

namespace MailApi.Integration.Tests.Dns;

public sealed class NsdServerTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static DnsOptions Options(NsdServer nsd) =>
        new() { Servers = [nsd.EndPoint], AuthorityPort = nsd.Port, AllowPrivateNetworks = true, Timeout = TimeSpan.FromSeconds(2) };

    [Fact]
    public async Task A_new_record_is_seen_at_the_zone_at_once_and_at_the_resolver_when_it_has_forgotten()
    {
        await using var nsd = await NsdServer.StartAsync(Ct, ("shop.test", "www IN A 192.0.2.1\n$TTL 3600\ns1._domainkey IN TXT \"old\""), ("keys.test", "k IN TXT \"v=DKIM1;\" \" p=x\""));
        var resolver = new DnsResolver(Options(nsd), TimeProvider.System);
        var zone = new AuthoritativeResolver(resolver, Options(nsd), TimeProvider.System);
        Assert.Equal(["old"], Values(await resolver.Txt("s1._domainkey.shop.test", Ct)));

        await nsd.ReloadAsync("shop.test", "s1._domainkey IN CNAME k.keys.test.\n@ IN MX 10 mx\nmx IN A 192.0.2.2\n", Ct);

        Assert.Equal(["v=DKIM1; p=x"], Values((await zone.Txt("s1._domainkey.shop.test", Ct)).Answer));
        Assert.Equal(["k.keys.test"], Values((await zone.Cname("s1._domainkey.shop.test", Ct)).Answer));
        Assert.Equal([new MxHost("mx.shop.test", 10)], Values((await zone.Mx("shop.test", Ct)).Answer));
        Assert.Equal(new ZoneAnswer<string>(new DnsAnswer<string>.NoSuchDomain(), "ns.shop.test", null), await zone.Txt("www.shop.test", Ct));
        Assert.Equal(["old"], Values(await resolver.Txt("s1._domainkey.shop.test", Ct)));
    }

    [Fact]
    public async Task What_is_too_long_for_UDP_comes_over_TCP()
    {
        await using var nsd = await NsdServer.StartAsync(Ct, ("shop.test", string.Concat(Enumerable.Range(0, 60).Select(i => $"@ IN TXT \"{i} {new string('x', 200)}\"\n"))));

        Assert.Equal(60, Values(await new DnsResolver(Options(nsd), TimeProvider.System).Txt("shop.test", Ct)).Count);
    }

    private static IReadOnlyList<T> Values<T>(DnsAnswer<T> answer) => Assert.IsType<DnsAnswer<T>.Found>(answer).Values;
}
