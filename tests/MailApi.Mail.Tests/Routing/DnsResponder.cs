using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailApi.Mail.Tests.Routing;

/// <summary>A name server on loopback, over UDP and TCP, that says what a test tells it. Unknown names do not exist.</summary>
internal sealed class DnsResponder : IAsyncDisposable
{
    private readonly UdpClient _udp;
    private readonly TcpListener _tcp;
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<(string, int), List<byte[]>> _records = [];
    private readonly HashSet<string> _names = [];
    private readonly Dictionary<string, int> _codes = [];
    private readonly Task _serving;

    public const int A = 1, CName = 5, Mx = 15, Txt = 16, Aaaa = 28;

    public DnsResponder()
    {
        // A port that is free for both.
        _tcp = new TcpListener(IPAddress.Loopback, 0);
        _tcp.Start();
        _udp = new UdpClient((IPEndPoint)_tcp.LocalEndpoint);
        _serving = Task.WhenAll(ServeUdp(), ServeTcp());
    }

    public IPEndPoint EndPoint => (IPEndPoint)_tcp.LocalEndpoint;
    public uint Ttl { get; set; } = 300;

    /// <summary>Answers over UDP are marked as truncated and empty.</summary>
    public bool Truncates { get; set; }
    public bool Silent { get; set; }

    /// <summary>"name type" of each question, with "tcp" behind it when it came that way.</summary>
    public List<string> Questions { get; } = [];

    public DnsResponder Say(string name, int type, params byte[][] data)
    {
        _names.Add(name);
        if (!_records.TryGetValue((name, type), out var records)) _records[(name, type)] = records = [];
        records.AddRange(data);
        return this;
    }

    public DnsResponder Mail(string domain, int preference, string host)
    {
        var data = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(data, (ushort)preference);
        return Say(domain, Mx, [.. data, .. Name(host)]);
    }

    public DnsResponder Address(string host, params string[] addresses)
    {
        foreach (var address in addresses.Select(IPAddress.Parse))
        {
            Say(host, address.AddressFamily == AddressFamily.InterNetwork ? A : Aaaa, address.GetAddressBytes());
        }
        return this;
    }

    public DnsResponder Text(string name, params string[] strings) =>
        Say(name, Txt, [.. strings.SelectMany(text => (byte[])[(byte)text.Length, .. Encoding.ASCII.GetBytes(text)])]);

    /// <summary>The name exists and has nothing.</summary>
    public DnsResponder Exists(string name)
    {
        _names.Add(name);
        return this;
    }

    /// <summary>All questions for the name get this response code.</summary>
    public DnsResponder Fails(string name, int code)
    {
        _codes[name] = code;
        return this;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _udp.Dispose();
        _tcp.Dispose();
        await _serving;
        _stop.Dispose();
    }

    private async Task ServeUdp()
    {
        try
        {
            while (true)
            {
                var question = await _udp.ReceiveAsync(_stop.Token);
                if (Answer(question.Buffer, overTcp: false) is { } answer) await _udp.SendAsync(answer, question.RemoteEndPoint, _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Stopped.
        }
    }

    private async Task ServeTcp()
    {
        List<Task> clients = [];
        try
        {
            while (true) clients.Add(ServeTcp(await _tcp.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException or InvalidOperationException)
        {
            // Stopped.
        }
        await Task.WhenAll(clients);
    }

    private async Task ServeTcp(TcpClient client)
    {
        using var ended = client;
        try
        {
            var stream = client.GetStream();
            var length = new byte[2];
            while (true)
            {
                await stream.ReadExactlyAsync(length, _stop.Token);
                var question = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                await stream.ReadExactlyAsync(question, _stop.Token);
                if (Answer(question, overTcp: true) is not { } answer) continue;
                BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)answer.Length);
                await stream.WriteAsync((byte[])[.. length, .. answer], _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // Stopped, or the client went away.
        }
    }

    private byte[]? Answer(byte[] question, bool overTcp)
    {
        var at = 12;
        List<string> labels = [];
        while (question[at] != 0)
        {
            labels.Add(Encoding.ASCII.GetString(question, at + 1, question[at]));
            at += question[at] + 1;
        }
        var name = string.Join('.', labels).ToLowerInvariant();
        var type = BinaryPrimitives.ReadUInt16BigEndian(question.AsSpan(at + 1));
        lock (Questions) Questions.Add($"{name} {type}{(overTcp ? " tcp" : "")}");
        if (Silent) return null;

        var truncated = Truncates && !overTcp;
        var records = truncated ? [] : _records.GetValueOrDefault((name, type)) ?? [];
        var code = _codes.GetValueOrDefault(name, _names.Contains(name) ? 0 : 3);
        List<byte> answer =
        [
            question[0], question[1], (byte)(0x81 | (truncated ? 2 : 0)), (byte)(0x80 | code),
            0, 1, 0, (byte)records.Count, 0, (byte)(records.Count == 0 ? 1 : 0), 0, 0,
            .. question[12..(at + 5)],
        ];
        foreach (var data in records) Record(answer, type, data);
        // RFC 2308: what makes a negative answer last.
        if (records.Count == 0) Record(answer, 6, [.. Name("ns.test"), .. Name("root.test"), .. new byte[16], .. Number(Ttl)]);
        return [.. answer];
    }

    private void Record(List<byte> answer, int type, byte[] data) =>
        answer.AddRange([0xC0, 12, 0, (byte)type, 0, 1, .. Number(Ttl), (byte)(data.Length >> 8), (byte)data.Length, .. data]);

    private static byte[] Number(uint number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return bytes;
    }

    private static byte[] Name(string name) =>
        [.. name.Split('.', StringSplitOptions.RemoveEmptyEntries).SelectMany(label => (byte[])[(byte)label.Length, .. Encoding.Latin1.GetBytes(label)]), 0];
}
