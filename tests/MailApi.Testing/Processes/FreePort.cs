using System.Net;
using System.Net.Sockets;

namespace MailApi.Testing;

/// <summary>Ports nobody listens on, below the ephemeral range so that no outgoing connection takes one before its server starts.</summary>
public static class FreePort
{
    private const int First = 15_000;
    private const int Count = 17_000;
    private static int _next = Random.Shared.Next(Count);

    /// <summary>A port that is free for TCP and UDP on every address, and that this process was not given before (for 17,000 calls).</summary>
    /// <exception cref="InvalidOperationException">No port of the range is free.</exception>
    public static int Next()
    {
        for (var tries = 0; tries < Count; tries++)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref _next) % Count);
            if (IsFree(SocketType.Stream, ProtocolType.Tcp, port) && IsFree(SocketType.Dgram, ProtocolType.Udp, port)) return port;
        }
        throw new InvalidOperationException($"No port from {First} to {First + Count - 1} is free.");
    }

    private static bool IsFree(SocketType type, ProtocolType protocol, int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, type, protocol) { ExclusiveAddressUse = true };
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
