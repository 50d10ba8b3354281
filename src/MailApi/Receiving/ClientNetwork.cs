using System.Net;
using System.Net.Sockets;

namespace MailApi.Receiving;

/// <summary>What counts as one client: an IPv4 address, or the /64 that one site has of IPv6 (RFC 6177 §2), in which it may call itself as it likes.</summary>
internal static class ClientNetwork
{
    private const int SiteBytes = 8;

    public static IPAddress Of(EndPoint? client)
    {
        var address = (client as IPEndPoint)?.Address ?? IPAddress.None;
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address;
        var octets = address.GetAddressBytes();
        octets.AsSpan(SiteBytes).Clear();
        return new IPAddress(octets);
    }
}
