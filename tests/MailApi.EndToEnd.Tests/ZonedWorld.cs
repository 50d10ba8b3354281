using MailApi.Testing;

namespace MailApi.EndToEnd.Tests;

/// <summary>A world whose names a real name server serves: the receivers', the service's, and one zone for each scenario that publishes records.</summary>
public sealed record ZonedWorld(World World, NsdServer Dns) : IAsyncDisposable
{
    /// <summary>The address that receivers see mail come from; the service's SPF record lists it, and its reverse DNS is in order.</summary>
    public const string EgressAddress = "192.0.2.25";

    /// <summary>What the records of every sending domain point to.</summary>
    public const string ServiceHost = "service.test";
    public const string HeloName = "out.service.test";

    private static readonly string[] Tenants = ["pasted.test", "merged.test", "lost.test", "rotating.test", "verdict.test"];

    private const string Root = $"""
        example.net. MX 10 mx.example.net.
        mx.example.net. A 127.0.0.1
        25.2.0.192.in-addr.arpa. PTR {HeloName}.
        """;

    private const string Service = $"""
        @ A {EgressAddress}
        out A {EgressAddress}
        spf TXT "v=spf1 ip4:{EgressAddress} -all"
        """;

    public static async Task<ZonedWorld> Start(Func<Dictionary<string, string>, Task<World>> start)
    {
        var dns = await NsdServer.StartAsync(CancellationToken.None, [(".", Root), (ServiceHost, Service), .. Tenants.Select(origin => (origin, ""))]);
        return new ZonedWorld(await start(new Dictionary<string, string>
        {
            ["Dns__Servers"] = dns.Address,
            ["Dns__AuthorityPort"] = $"{dns.Port}",
            ["Domains__ServiceHost"] = ServiceHost,
            ["Delivery__HeloName"] = HeloName,
            ["Delivery__EgressAddresses"] = EgressAddress,
            // Who takes mail asks for reports by mail.
            ["Receive__Smtp"] = "127.0.0.1:0",
        }), dns);
    }

    /// <summary>A tenant that registers <c>mail.</c> in its zone, which holds these lines so far.</summary>
    public async Task<Publisher> NewPublisher(string origin, string zoneText = "")
    {
        await Dns.ReloadAsync(origin, zoneText, CancellationToken.None);
        var shop = await World.NewTenant("mail." + origin);
        await shop.Listen();
        return await Publisher.Register(shop, origin, Dns);
    }

    public async ValueTask DisposeAsync()
    {
        await World.DisposeAsync();
        await Dns.DisposeAsync();
    }
}
