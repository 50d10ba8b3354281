using MailApi.Mail.Dnssec;
using MailApi.Mail.Routing;
using MailApi.Mail.Tls;

namespace MailApi.Integration.Tests.Dns;

/// <summary>TLSA records of mail hosts in zones that NSD serves.</summary>
public sealed class DaneTests(SignedWorld world) : IClassFixture<SignedWorld>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("secure.test", true)]
    [InlineData("nsec3.test", true)]
    [InlineData("insecure.test", false)]
    [InlineData("sub.secure.test", false)]
    public async Task A_route_tells_whether_its_hosts_come_from_a_signed_zone(string domain, bool isSecure)
    {
        var found = Assert.IsType<RouteResult.Found>(await Router().Find(domain, Ct));

        Assert.Equal((isSecure, "mx." + domain), (found.Route.MxIsSecure, found.Route.Hosts.Single().Name));
    }

    [Theory]
    [InlineData("wrongds.test")]
    [InlineData("expired.test")]
    public async Task Mail_waits_while_the_signatures_of_its_hosts_are_wrong(string domain)
    {
        var waiting = Assert.IsType<RouteResult.Temporary>(await Router().Find(domain, Ct));

        Assert.Contains("DNSSEC", waiting.Reply.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mx.secure.test", "mx.secure.test")]
    // A signed alias stands for its target (RFC 7672 §2.2.2).
    [InlineData("alias.secure.test", "mx.secure.test")]
    // One that leads into an unsigned zone stands for itself, and has no record.
    [InlineData("out.secure.test", null)]
    [InlineData("b.c.secure.test", null)]
    [InlineData("mx.insecure.test", null)]
    [InlineData("mx.sub.secure.test", null)]
    public async Task Records_are_found_at_the_name_that_is_proven(string host, string? at)
    {
        var answer = await new Dane(Lookups()).Find(host, "secure.test", Ct);

        if (at is null)
        {
            Assert.IsType<DaneAnswer.None>(answer);
            return;
        }
        var demand = Assert.IsType<DaneAnswer.Published>(answer).Demand;
        Assert.Equal((TlsProof.Tlsa, true, at), (demand.Proof, demand.IsEnforced, demand.ServerName));
        Assert.Equal("3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", demand.Tlsa.Single().ToString());
        Assert.Empty(demand.Names);
    }

    [Theory]
    [InlineData("broken.secure.test")]
    [InlineData("mx.wrongds.test")]
    public async Task A_host_with_wrong_signatures_is_not_used(string host) => Assert.IsType<DaneAnswer.Failed>(await new Dane(Lookups()).Find(host, "secure.test", Ct));

    private SecureLookups Lookups() =>
        new(new DnssecValidator(new DnsResolver(world.Options, TimeProvider.System), world.Options, TimeProvider.System), TimeProvider.System);

    private MxRouter Router() => new(new DnsResolver(world.Options, TimeProvider.System), new RoutingOptions { AllowPrivateNetworks = true }, new Random(1), Lookups());
}
