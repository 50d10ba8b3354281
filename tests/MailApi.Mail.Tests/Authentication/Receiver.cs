using System.Net;
using System.Text;
using MailApi.Mail.Authentication;
using MailApi.Mail.Routing;
using MailApi.Mail.Tests.Dkim;
using MailApi.Testing;

namespace MailApi.Mail.Tests.Authentication;

/// <summary>
/// A receiver whose DNS is a zone on loopback. What SPF finds is told: here it passes for the addresses in <c>Servers</c>, whatever the domain.
/// </summary>
internal sealed class Receiver(DnsZone zone)
{
    public const string Server = "192.0.2.1";
    public const string Stranger = "203.0.113.9";

    public List<string> Servers { get; } = [Server, "192.0.2.2", "192.0.2.3"];

    /// <summary>What SPF answers for every other address.</summary>
    public AuthenticationResult Otherwise { get; set; } = AuthenticationResult.Fail;

    /// <param name="zone">The only server that is asked.</param>
    /// <param name="isSilent">It is so on purpose: half a second is waited for it.</param>
    public static DnsResolver Dns(DnsZone zone, bool isSilent = false)
    {
        var patience = isSilent ? TimeSpan.FromMilliseconds(500) : TimeSpan.FromSeconds(10);
        return new(new DnsOptions { Servers = [zone.EndPoint], Timeout = patience, Retries = 0, Deadline = patience, UseIPv6 = false }, TimeProvider.System);
    }

    public Task<AuthenticationReport> Receives(string message, string mailFrom, string from = Server) =>
        new Authenticator(Dns(zone), Spf, FixedTime.Now).Check(
            IPAddress.Parse(from), "mx.sender.example", mailFrom, Encoding.UTF8.GetBytes(message), TestContext.Current.CancellationToken);

    private Task<SpfVerdict> Spf(SpfIdentity identity, CancellationToken ct)
    {
        var domain = identity.MailFrom.Length == 0 ? identity.Helo : identity.MailFrom[(identity.MailFrom.IndexOf('@', StringComparison.Ordinal) + 1)..];
        var result = Servers.Contains(identity.ClientIp.ToString()) ? AuthenticationResult.Pass : Otherwise;
        return Task.FromResult(new SpfVerdict(result, domain, 0, $"The SPF record of {domain} lists {string.Join(", ", Servers)}; {identity.ClientIp} is {(result == AuthenticationResult.Pass ? "" : "not ")}among them."));
    }
}
