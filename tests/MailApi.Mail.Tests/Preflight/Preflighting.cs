using System.Net;
using MailApi.Mail.Authentication;
using MailApi.Mail.Preflight;
using MailApi.Mail.Routing;
using MailApi.Testing;
using Microsoft.Extensions.Time.Testing;

namespace MailApi.Mail.Tests.Preflight;

/// <summary>A shop whose DNS is in order, and its messages.</summary>
public sealed class Preflighting : IAsyncDisposable
{
    public const string Egress = "45.83.12.7";

    public static DateTimeOffset Now { get; } = new(2026, 11, 24, 9, 30, 5, TimeSpan.Zero);

    /// <summary>The sending address has a name that has the address.</summary>
    public DnsZone Dns { get; } = DnsZone.Start()
        .Add("7.12.83.45.in-addr.arpa", DnsRecord.Reverse("mail.shop.example"))
        .A("mail.shop.example", Egress);

    public static PreflightFacts Facts { get; } = new()
    {
        IsMarketing = false,
        OrganizationalDomain = "shop.example",
        EgressAddress = IPAddress.Parse(Egress),
        HeloName = "mail.shop.example",
        SpfResult = AuthenticationResult.Pass,
        SpfAligned = true,
        Dkim = [new DkimFact("mail.shop.example", "s1", AuthenticationResult.Pass, Aligned: true)],
        DmarcResult = AuthenticationResult.Pass,
        DmarcPolicy = DmarcPolicy.None,
    };

    public DnsResolver Resolver(int milliseconds = 8_000) =>
        new(new DnsOptions { Servers = [Dns.EndPoint], Timeout = TimeSpan.FromMilliseconds(milliseconds), Retries = 0, UseIPv6 = false }, TimeProvider.System);

    public Inspection Inspection(BlocklistOptions? blocklists = null, SpamdOptions? spamd = null)
    {
        var time = new FakeTimeProvider(Now);
        return new Inspection(Resolver(), new Blocklists(Resolver(), blocklists ?? new BlocklistOptions(), time), new Spamd(spamd ?? new SpamdOptions(), TimeProvider.System), time);
    }

    public Task<IReadOnlyList<Check>> Run(byte[] message, PreflightFacts facts) => Inspection().Run(message, facts, Xunit.TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => Dns.DisposeAsync();
}
