using System.Net;
using System.Net.Sockets;

namespace MailApi.Mail.Routing;

/// <summary>Where mail leaves from, as receivers see it.</summary>
/// <param name="Addresses">Public addresses, the usual one first; empty where none is known.</param>
/// <param name="HeloName">What is said in EHLO.</param>
public sealed record EgressSource(IReadOnlyList<IPAddress> Addresses, string HeloName)
{
    /// <summary>A connected datagram socket sends nothing; it only makes the kernel choose a source address (documentation network, RFC 5737).</summary>
    private static readonly IPEndPoint Anywhere = new(IPAddress.Parse("192.0.2.1"), 9);

    /// <summary>The address that a message most likely leaves from; null where none is known.</summary>
    public IPAddress? Usual => Addresses.Count > 0 ? Addresses[0] : null;

    /// <summary>The address that this machine would use towards the internet: behind a translating gateway it is not what receivers see. Null without a route.</summary>
    public static IPAddress? OwnAddress()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Connect(Anywhere);
            return ((IPEndPoint)socket.LocalEndPoint!).Address;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
