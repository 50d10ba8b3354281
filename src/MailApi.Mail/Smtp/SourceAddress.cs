using System.Net;
using System.Net.Sockets;

namespace MailApi.Mail.Smtp;

/// <summary>An address of this machine that connections are made from, and the name that is said from it.</summary>
/// <param name="Local">What sockets are bound to; only addresses of its family can be reached from it.</param>
/// <param name="HeloName">Said in EHLO; must match the reverse DNS of the address that receivers see.</param>
public sealed record SourceAddress(IPAddress Local, string HeloName)
{
    /// <summary>Linux, ip(7): the port is chosen when it is known where the connection goes, so that the 28,000 there are serve each destination anew.</summary>
    private const int IpLevel = 0, BindAddressNoPort = 24;

    /// <summary>This machine has the address now.</summary>
    public bool IsHere()
    {
        using var socket = new Socket(Local.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(Local, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <exception cref="SocketException">The address is not this machine's.</exception>
    internal void Bind(Socket socket)
    {
        if (OperatingSystem.IsLinux()) TryChooseLate(socket);
        socket.Bind(new IPEndPoint(Local, 0));
    }

    private static void TryChooseLate(Socket socket)
    {
        try
        {
            Span<byte> on = stackalloc byte[sizeof(int)];
            BitConverter.TryWriteBytes(on, 1);
            socket.SetRawSocketOption(IpLevel, BindAddressNoPort, on);
        }
        catch (SocketException)
        {
            // A kernel without it has fewer ports.
        }
    }
}
