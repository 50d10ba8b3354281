using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailApi.Bench;

/// <summary>
/// One keep-alive connection to the API with one request at a time, by hand: what the generator uses is taken from the program that it measures,
/// and <see cref="HttpClient"/> takes several times as much.
/// </summary>
internal sealed class HttpLane : IDisposable
{
    private static readonly byte[] HeaderEnd = "\r\n\r\n"u8.ToArray();
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly string host;
    private readonly byte[] answer = new byte[64 * 1024];

    private HttpLane(Uri address) => host = address.Authority;

    public static async Task<HttpLane> Connect(Uri address)
    {
        var lane = new HttpLane(address);
        await lane.socket.ConnectAsync(IPAddress.Parse(address.Host), address.Port);
        return lane;
    }

    /// <summary><c>POST /send</c>.</summary>
    /// <exception cref="InvalidOperationException">The answer is not 202; it is in the message.</exception>
    public async Task Send(string key, byte[] body)
    {
        var head = string.Create(CultureInfo.InvariantCulture,
            $"POST /send HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n");
        await socket.SendAsync([Encoding.ASCII.GetBytes(head), body]);
        var (read, end) = (0, -1);
        while (end < 0 || read < end)
        {
            var received = await socket.ReceiveAsync(answer.AsMemory(read));
            if (received == 0) throw new IOException("The API closed the connection.");
            read += received;
            if (end < 0) end = End(answer.AsSpan(0, read));
        }
        if (!answer.AsSpan(0, read).StartsWith("HTTP/1.1 202"u8)) throw new InvalidOperationException(Encoding.UTF8.GetString(answer, 0, read));
    }

    public void Dispose() => socket.Dispose();

    /// <summary>Where the answer ends, or −1 while its header is not there; a refusal may be chunked and is read as far as its header only.</summary>
    private static int End(ReadOnlySpan<byte> read)
    {
        var header = read.IndexOf(HeaderEnd);
        if (header < 0) return -1;
        var length = read[..header].IndexOf("Content-Length: "u8);
        var body = header + HeaderEnd.Length;
        return length < 0 || !Utf8Parser.TryParse(read[(length + 16)..], out int bytes, out _) ? body : body + bytes;
    }
}
