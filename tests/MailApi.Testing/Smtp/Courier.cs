using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace MailApi.Testing;

/// <summary>A mail server's client side on one connection, without TLS, that hands over one message after the other and tells the reply.</summary>
public sealed class Courier : IAsyncDisposable
{
    private readonly TcpClient _client;
    private readonly StreamReader _replies;

    private Courier(TcpClient client) => (_client, _replies) = (client, new StreamReader(client.GetStream(), Encoding.ASCII));

    /// <summary>Connects to a port of 127.0.0.1 and says EHLO.</summary>
    public static async Task<Courier> ConnectAsync(int port, CancellationToken ct)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync("127.0.0.1", port, ct);
        var courier = new Courier(client);
        await courier.ReadReplyAsync(ct);
        await courier.SayAsync("EHLO mx.example.net", ct);
        return courier;
    }

    /// <summary>Hands over a message from the null reverse-path; answers the first reply that refuses it, or the one to the final dot.</summary>
    /// <exception cref="IOException">The connection was lost: nobody knows what became of the message.</exception>
    public async Task<string> HandAsync(string recipient, byte[] message, CancellationToken ct)
    {
        foreach (var command in (string[])["RSET", "MAIL FROM:<>", $"RCPT TO:<{recipient}>", "DATA"])
            if (await SayAsync(command, ct) is var reply && reply[0] is not ('2' or '3')) return reply;
        await _client.GetStream().WriteAsync(Stuffed(message), ct);
        return await ReadReplyAsync(ct);
    }

    /// <summary>Sends a line; answers the reply, its lines joined by a blank.</summary>
    public async Task<string> SayAsync(string line, CancellationToken ct)
    {
        await _client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(line + "\r\n"), ct);
        return await ReadReplyAsync(ct);
    }

    public ValueTask DisposeAsync()
    {
        _replies.Dispose();
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private static byte[] Stuffed(byte[] message) => Encoding.Latin1.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"\r\n{Encoding.Latin1.GetString(message)}").Replace("\r\n.", "\r\n..", StringComparison.Ordinal)[2..] + ".\r\n");

    private async Task<string> ReadReplyAsync(CancellationToken ct)
    {
        var lines = new List<string>();
        do lines.Add(await _replies.ReadLineAsync(ct) ?? throw new IOException("The server closed the connection."));
        while (lines[^1].Length > 3 && lines[^1][3] == '-');
        return string.Join(' ', lines);
    }
}
