using MailApi.Mail.Dnssec;
using MailApi.Mail.Routing;
using MailApi.Testing;

namespace MailApi.Mail.Tests.Dnssec;

public sealed class SecureLookupsTests
{
    [Fact]
    public async Task Resolvers_without_DNSSEC_are_asked_for_signatures_once_and_mail_finds_its_way()
    {
        await using var dns = DnsZone.Start();
        foreach (var domain in (string[])["a.test", "b.test", "c.test"]) dns.Mx(domain, 10, "mx.test");
        dns.A("mx.test", "9.9.9.1");
        var options = new DnsOptions { Servers = [dns.EndPoint] };
        var resolver = new DnsResolver(options, TimeProvider.System);
        var lookups = new SecureLookups(new DnssecValidator(resolver, options, TimeProvider.System), TimeProvider.System);
        var router = new MxRouter(resolver, new RoutingOptions(), new Random(1), lookups);

        foreach (var domain in (string[])["a.test", "b.test", "c.test"])
        {
            var found = Assert.IsType<RouteResult.Found>(await router.Find(domain, TestContext.Current.CancellationToken));
            Assert.Equal((false, "mx.test"), (found.Route.MxIsSecure, found.Route.Hosts.Single().Name));
        }

        Assert.Equal(1, dns.Asked("", DnsType.Dnskey));
    }
}
