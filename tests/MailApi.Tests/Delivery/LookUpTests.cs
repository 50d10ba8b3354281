using MailApi.Mail.Routing;
using MailApi.Testing;
using MailApi.Tests.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MailApi.Tests.Delivery;

/// <summary>S-37: names that a tenant has looked up, whose servers are silent, keep nobody's mail waiting.</summary>
public sealed class LookUpTests
{
    [Fact]
    [Trait("Takes", "seconds")]
    public async Task Mail_leaves_while_checks_wait_for_silent_servers()
    {
        await using var host = new TestHost();
        await host.InitializeAsync();
        var tenant = await host.NewTenant();
        await Arrives("warm.example");
        var checks = host.Services.GetRequiredService<DnsResolver>();
        var waiting = Enumerable.Range(0, DnsResolver.LookupsMax + 20).Select(number =>
        {
            host.Dns.Fail($"silent{number}.example", DnsFailure.Timeout);
            return checks.Txt($"silent{number}.example", TestContext.Current.CancellationToken);
        }).ToList();

        await Arrives("cold.example");

        Assert.All(waiting, lookup => Assert.False(lookup.IsCompleted));
        Assert.All(await Task.WhenAll(waiting), answer => Assert.IsType<DnsAnswer<string>.Failed>(answer));

        async Task Arrives(string domain)
        {
            host.Dns.Mx(domain, 10, "mx.example.net");
            await tenant.Send(tenant.Mail($"ann@{domain}"));
            await host.Sink.WaitFor($"ann@{domain}", TimeSpan.FromSeconds(60));
        }
    }
}
