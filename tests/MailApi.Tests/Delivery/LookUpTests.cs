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
        // A machine that stands still for as long as a look-up waits shows nothing: then there is another round.
        var isShown = false;
        for (var round = 0; round < 3 && !isShown; round++)
        {
            var waiting = Enumerable.Range(0, DnsResolver.LookupsMax + 20).Select(number =>
            {
                host.Dns.Fail($"silent{round}-{number}.example", DnsFailure.Timeout);
                return checks.Txt($"silent{round}-{number}.example", TestContext.Current.CancellationToken);
            }).ToList();

            await Arrives($"cold{round}.example");

            isShown = waiting.TrueForAll(lookup => !lookup.IsCompleted);
            Assert.All(await Task.WhenAll(waiting), answer => Assert.IsType<DnsAnswer<string>.Failed>(answer));
        }
        Assert.True(isShown, "The mail arrived only when look-ups were over.");

        async Task Arrives(string domain)
        {
            host.Dns.Mx(domain, 10, "mx.example.net");
            await tenant.Send(tenant.Mail($"ann@{domain}"));
            await host.Sink.WaitFor($"ann@{domain}", TimeSpan.FromSeconds(60));
        }
    }
}
