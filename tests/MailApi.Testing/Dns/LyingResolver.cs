using System.Net;
using System.Net.Sockets;

namespace MailApi.Testing;

/// <summary>What <see cref="LyingResolver"/> makes of a question.</summary>
public enum DnsLie
{
    /// <summary>The true answer.</summary>
    None,

    /// <summary>The answer without signatures and proofs.</summary>
    Strip,

    /// <summary>There are no such records, without proof.</summary>
    NoData,

    /// <summary>There is no such name, without proof.</summary>
    NxDomain,

    /// <summary>RCODE 2.</summary>
    ServFail,

    /// <summary>Another record without a signature, whatever was asked for.</summary>
    Forge,

    /// <summary>The true and signed answer about a name beside it, whose first label is all <c>z</c>.</summary>
    Replay,
}

/// <summary>Passes questions on to another server over UDP, lies as it is told, and says of everything that it has been validated (AD).</summary>
public sealed class LyingResolver : IAsyncDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly CancellationTokenSource _stop = new();
    private readonly IPEndPoint _honest;
    private readonly Func<string, DnsType, DnsLie> _lie;
    private readonly Task _serving;

    /// <param name="honest">Knows the truth.</param>
    /// <param name="lie">By name, in lower case without the last dot, and type.</param>
    public LyingResolver(IPEndPoint honest, Func<string, DnsType, DnsLie> lie)
    {
        (_honest, _lie) = (honest, lie);
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        EndPoint = (IPEndPoint)_socket.LocalEndPoint!;
        _serving = ServeAsync();
    }

    public IPEndPoint EndPoint { get; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _socket.Dispose();
        await _serving;
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        var buffer = new byte[4096];
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var from = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                var answer = await AnswerAsync(buffer[..from.ReceivedBytes]);
                // QR, RD; RA, AD.
                (answer[2], answer[3]) = ((byte)(answer[2] | 0x81), (byte)(answer[3] | 0xA0));
                await _socket.SendToAsync(answer, SocketFlags.None, from.RemoteEndPoint, _stop.Token);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // An ICMP error of a client that has gone, or the end.
            }
        }
    }

    private async Task<byte[]> AnswerAsync(byte[] question)
    {
        var query = DnsWire.Parse(question)!;
        var asked = query.Question.AsMemory();
        switch (_lie(query.Name, query.Type))
        {
            case DnsLie.NoData: return DnsWire.Answer(query, new DnsAnswer(0, []), 1232);
            case DnsLie.NxDomain: return DnsWire.Answer(query, new DnsAnswer(3, []), 1232);
            case DnsLie.ServFail: return DnsWire.Answer(query, new DnsAnswer(2, []), 1232);
            case DnsLie.Forge: return DnsWire.Answer(query, new DnsAnswer(0, [(query.Name, new DnsRecord(query.Type, [3, 97, 98, 99]))]), 1232);
            // The DO bit, in the place of the TTL of the OPT record: five octets behind its type's first.
            case DnsLie.Strip: question[DnsWire.HeaderBytes + query.Question.Length + 7] &= 0x7F; break;
            case DnsLie.Replay: question.AsSpan(DnsWire.HeaderBytes + 1, asked.Span[0]).Fill((byte)'z'); break;
        }
        using var client = new UdpClient();
        client.Connect(_honest);
        await client.SendAsync(question, _stop.Token);
        var answer = (await client.ReceiveAsync(_stop.Token)).Buffer;
        asked.CopyTo(answer.AsMemory(DnsWire.HeaderBytes));
        return answer;
    }
}
