using System.Diagnostics.CodeAnalysis;
using System.Net;
using MailApi.Delivery.Egress;
using MailApi.Delivery.Tls;
using MailApi.Mail.Routing;

namespace MailApi.Delivery;

/// <summary>Section <c>Delivery</c>.</summary>
public sealed class DeliveryOptions
{
    /// <summary>How this host names itself (RFC 5321 §4.1.1.1); it must match the reverse DNS of the address it sends from.</summary>
    public string? HeloName { get; set; }

    /// <summary>
    /// The public addresses that mail leaves from, separated by commas, the usual one first: what receivers see. Verdicts before sending are made with
    /// it. By default the address that this machine uses itself, which is not the public one behind a translating gateway.
    /// </summary>
    public string? EgressAddresses { get; set; }

    /// <summary>The port of receivers' mail exchangers; another than 25 only for tests.</summary>
    public int MxPort { get; set; } = 25;

    /// <summary>Whether an MX or relay may have a private or loopback address.</summary>
    public bool AllowPrivateNetworks { get; set; }

    /// <summary>How long a claimed envelope stays with its worker; shorter than twelve minutes only in tests.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromMinutes(12);

    /// <summary>How long a stopping process waits for deliveries that are past DATA.</summary>
    public TimeSpan StopPatience { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>The default smart host; without one mail goes to the receivers' MX.</summary>
    public RelaySettings Relay { get; set; } = new();

    /// <summary>Profiles of destination sites by name: changes to shipped ones, and new ones.</summary>
    public Dictionary<string, SiteSettings> Sites { get; set; } = [];

    /// <summary>Pools of source addresses by name; without any the system chooses the address.</summary>
    public Dictionary<string, PoolSettings> Pools { get; set; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>TLS with receivers.</summary>
    public TlsSettings Tls { get; set; } = new();

    internal IReadOnlyList<IPAddress> Egress => EgressAddresses is not null && TryParseAddresses(EgressAddresses, out var addresses) ? addresses
        : Relay.Options is null && EgressSource.OwnAddress() is { } own ? [own]
        : [];

    internal static bool TryParseAddresses(string text, [NotNullWhen(true)] out IReadOnlyList<IPAddress>? addresses)
    {
        var found = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(item => IPAddress.TryParse(item, out var address) ? address : null).ToList();
        addresses = found.All(address => address is not null) ? [.. found.OfType<IPAddress>()] : null;
        return addresses is not null;
    }
}

/// <summary>Section <c>Delivery:Relay</c>.</summary>
public sealed class RelaySettings
{
    public string? Host { get; set; }

    /// <summary>By default 465 with implicit TLS, else 587.</summary>
    public int Port { get; set; }

    /// <summary>By default STARTTLS.</summary>
    public TlsPolicy? Tls { get; set; }
    public string? Username { get; set; }
    public string? Password { get; set; }

    /// <summary>By default the strongest mechanism that both sides know, when there is a user name.</summary>
    public RelayAuth? Auth { get; set; }

    /// <summary>Null where no relay is configured.</summary>
    internal RelayOptions? Options => string.IsNullOrWhiteSpace(Host) ? null : new RelayOptions { Host = Host, Port = Port, Tls = Tls ?? TlsPolicy.StartTls, Username = Username, Password = Password, Auth = Auth };
}
