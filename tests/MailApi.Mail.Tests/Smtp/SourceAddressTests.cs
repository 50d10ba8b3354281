using System.Net;
using MailApi.Mail.Smtp;
using Xunit;

namespace MailApi.Mail.Tests.Smtp;

public sealed class SourceAddressTests
{
    [Fact]
    public async Task A_connection_is_made_from_its_source_under_its_name_and_not_shared_with_another()
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();

        foreach (var source in new[] { Source("127.0.0.51", "one.mail.test"), null, Source("127.0.0.52", "two.mail.test"), Source("127.0.0.51", "one.mail.test") })
            Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server) with { Source = source }));

        Assert.Equal(["EHLO one.mail.test", $"EHLO {Sending.Options.HeloName}", "EHLO two.mail.test"], server.Transcript.Where(line => line.StartsWith("EHLO", StringComparison.Ordinal)));
        Assert.Equal((3, 3), (server.Connections, transmitter.IdleConnections));
    }

    [Fact]
    public async Task Addresses_of_another_family_are_passed_over()
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();
        var route = Sending.To(server);
        route = route with { Hosts = [route.Hosts[0] with { Addresses = [IPAddress.IPv6Loopback, IPAddress.Loopback] }] };

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(route with { Source = Source("127.0.0.51", "one.mail.test") }));
        Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(Sending.To(server) with { Source = Source("::1", "six.mail.test") }));
        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task From_an_address_that_is_not_this_machines_nothing_can_be_reached()
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();
        var foreign = Source("192.0.2.77", "far.mail.test");

        Assert.Equal((true, false), (Source("127.0.0.51", "one.mail.test").IsHere(), foreign.IsHere()));
        Assert.Equal(Stage.Connect, Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(Sending.To(server) with { Source = foreign })).Stage);
        Assert.Equal(0, server.Connections);
    }

    private static SourceAddress Source(string address, string name) => new(IPAddress.Parse(address), name);
}
