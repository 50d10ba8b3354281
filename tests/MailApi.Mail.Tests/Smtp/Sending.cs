using System.Net;
using System.Text;
using MailApi.Mail.Routing;
using MailApi.Mail.Smtp;
using Xunit;

namespace MailApi.Mail.Tests.Smtp;

/// <summary>What the tests of the client have in common.</summary>
internal static class Sending
{
    public static readonly SmtpTimeouts Patient = new();

    public static readonly SmtpClientOptions Options = new() { HeloName = "out.mail.test" };

    public static Transmitter Transmitter(SmtpClientOptions? options = null) => new(options ?? Options, TimeProvider.System);

    /// <summary>With all timeouts long but the given ones.</summary>
    public static Transmitter Impatient(Func<SmtpTimeouts, SmtpTimeouts> change) => Transmitter(Options with { Timeouts = change(Patient) });

    public static Route To(params ScriptedServer[] servers) => new()
    {
        Site = "test",
        Hosts = [.. servers.Select((server, i) => new RouteHost($"mx{i + 1}.mail.test", [IPAddress.Loopback], server.Port))],
    };

    public static Route Relay(ScriptedServer server, TlsPolicy tls, RelayCredentials? credentials = null) => new()
    {
        Site = "relay",
        Hosts = [new RouteHost("relay.mail.test", [IPAddress.Loopback], server.Port)],
        Tls = tls,
        Credentials = credentials,
    };

    public static Transmission Envelope(string content = "Subject: hello\r\n\r\nHello.\r\n") => new()
    {
        MailFrom = "b+1@bounces.shop.test",
        Recipient = "ann@example.test",
        Content = [Encoding.Latin1.GetBytes(content)],
        DotGate = _ => ValueTask.FromResult(true),
    };

    public static Task<TransmitResult> Transmit(this Transmitter transmitter, Route route, Transmission? transmission = null) =>
        transmitter.Transmit(route, transmission ?? Envelope(), TestContext.Current.CancellationToken);
}
