using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MailApi.Testing;

/// <summary>
/// A DNS server on loopback, over UDP and TCP, that knows the names it was told and answers NXDOMAIN for every other. A name that
/// begins with <c>*.</c> answers for names below it that do not exist themselves (RFC 4592). Names are compared without case.
/// </summary>
public sealed class DnsZone : IAsyncDisposable
{
    private const int ChainMax = 8;
    private const int QuestionsKeptMax = 10_000;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<DnsRecord>> _records = [];

    /// <summary>How many names lie below a name: it exists even without records of its own (RFC 4592 §2.2.2).</summary>
    private readonly Dictionary<string, int> _below = [];
    private readonly Dictionary<string, DnsFailure> _failures = [];
    private readonly HashSet<string> _secure = [];
    private readonly Dictionary<string, List<(byte[] Message, EndPoint From)>> _held = [];
    private readonly ConcurrentQueue<DnsQuestion> _questions = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _udp;
    private readonly Socket _tcp;
    private readonly Task _serving;

    private DnsZone(Socket udp, Socket tcp)
    {
        (_udp, _tcp) = (udp, tcp);
        EndPoint = (IPEndPoint)udp.LocalEndPoint!;
        _serving = Task.WhenAll(ServeUdpAsync(), ServeTcpAsync());
    }

    public IPEndPoint EndPoint { get; }

    /// <summary><c>127.0.0.1:port</c>, the form of <c>Dns__Servers</c>.</summary>
    public string Address => EndPoint.ToString();

    /// <summary>What was asked, oldest first; at most the last 10,000.</summary>
    public IReadOnlyList<DnsQuestion> Questions => [.. _questions];

    /// <summary>Has the last word on every answer, as it goes on the wire; null: none.</summary>
    public Func<byte[], byte[]>? Mangle { get; set; }

    /// <summary>What records and negative answers say instead of their own time to live; null: their own.</summary>
    public TimeSpan? TimeToLive { get; set; }

    public static DnsZone Start() => Start(new IPEndPoint(IPAddress.Loopback, FreePort.Next()));

    public static DnsZone Start(IPEndPoint endPoint)
    {
        var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        udp.Bind(endPoint);
        tcp.Bind(endPoint);
        tcp.Listen();
        return new DnsZone(udp, tcp);
    }

    /// <summary>Adds records to a name. An empty list makes the name exist without records.</summary>
    public DnsZone Add(string name, params IReadOnlyList<DnsRecord> records)
    {
        lock (_lock)
        {
            if (!_records.TryGetValue(Key(name), out var there))
            {
                _records[Key(name)] = there = [];
                foreach (var parent in Ancestors(Key(name)).Where(parent => parent.Length > 0)) _below[parent] = _below.GetValueOrDefault(parent) + 1;
            }
            there.AddRange(records);
        }
        return this;
    }

    /// <summary>Replaces the records of one type.</summary>
    public DnsZone Set(string name, DnsRecord record) => Remove(name, record.Type).Add(name, record);

    public DnsZone A(string name, string address) => Add(name, DnsRecord.A(address));

    /// <summary>A and AAAA records.</summary>
    public DnsZone Addresses(string name, params IReadOnlyList<string> addresses) =>
        Add(name, [.. addresses.Select(address => address.Contains(':', StringComparison.Ordinal) ? DnsRecord.Aaaa(address) : DnsRecord.A(address))]);

    public DnsZone Mx(string name, ushort preference, string host) => Add(name, DnsRecord.Mx(preference, host));

    public DnsZone Txt(string name, string text) => Add(name, DnsRecord.Txt(text));

    public DnsZone Cname(string name, string target) => Add(name, DnsRecord.Cname(target));

    /// <summary>Takes the records of one type away; the name itself stays.</summary>
    public DnsZone Remove(string name, DnsType type)
    {
        lock (_lock)
        {
            if (_records.TryGetValue(Key(name), out var there)) there.RemoveAll(record => record.Type == type);
        }
        return this;
    }

    /// <summary>Takes the name away.</summary>
    public DnsZone Remove(string name)
    {
        lock (_lock)
        {
            if (!_records.Remove(Key(name))) return this;
            foreach (var parent in Ancestors(Key(name)).Where(parent => parent.Length > 0)) _below[parent]--;
        }
        return this;
    }

    /// <summary>Every question about the name fails from now on; <c>*.</c> in front means every name below it, <c>*</c> every name.</summary>
    public DnsZone Fail(string name, DnsFailure failure)
    {
        lock (_lock) _failures[Key(name)] = failure;
        return this;
    }

    /// <summary>Ends <see cref="Fail"/>.</summary>
    public DnsZone Recover(string name)
    {
        lock (_lock) _failures.Remove(Key(name));
        return this;
    }

    /// <summary>Answers about the name that are asked for over UDP from now on come when <see cref="ReleaseAsync"/> says so; <c>*</c> is every name.</summary>
    public DnsZone Hold(string name)
    {
        lock (_lock) _held[Key(name)] = [];
        return this;
    }

    /// <summary>Ends <see cref="Hold"/> and answers what was asked since.</summary>
    public async Task ReleaseAsync(string name)
    {
        List<(byte[] Message, EndPoint From)> held;
        lock (_lock)
        {
            held = _held.GetValueOrDefault(Key(name)) ?? [];
            _held.Remove(Key(name));
        }
        foreach (var (message, from) in held)
        {
            foreach (var answer in Respond(DnsWire.Parse(message)!, overTcp: false)) await _udp.SendToAsync(answer, SocketFlags.None, from, _stop.Token);
        }
    }

    /// <summary>Answers about the name carry the AD bit, as from a resolver that has validated them.</summary>
    public DnsZone Secure(string name)
    {
        lock (_lock) _secure.Add(Key(name));
        return this;
    }

    /// <summary>How often this was asked.</summary>
    public int Asked(string name, DnsType type) => _questions.Count(question => question.Name == Key(name) && question.Type == type);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _udp.Dispose();
        _tcp.Dispose();
        await _serving;
        _stop.Dispose();
    }

    private static string Key(string name) => name.TrimEnd('.').ToLowerInvariant();

    private async Task ServeUdpAsync()
    {
        var buffer = new byte[4096];
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var from = await _udp.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                var message = buffer[..from.ReceivedBytes];
                if (Take(message, overTcp: false) is not { } query || IsHeld(query, message, from.RemoteEndPoint)) continue;
                foreach (var answer in Respond(query, overTcp: false)) await _udp.SendToAsync(answer, SocketFlags.None, from.RemoteEndPoint, _stop.Token);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // An ICMP error of a client that has gone, or the end.
            }
        }
    }

    private async Task ServeTcpAsync()
    {
        var clients = new List<Task>();
        try
        {
            while (true)
            {
                clients.RemoveAll(client => client.IsCompleted);
                clients.Add(ServeClientAsync(await _tcp.AcceptAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            await Task.WhenAll(clients);
        }
    }

    /// <summary>RFC 1035 §4.2.2: every message behind its length in two octets.</summary>
    private async Task ServeClientAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            var length = new byte[2];
            while (true)
            {
                await stream.ReadExactlyAsync(length, _stop.Token);
                var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                await stream.ReadExactlyAsync(message, _stop.Token);
                if (Take(message, overTcp: true) is not { } query) continue;
                foreach (var answer in Respond(query, overTcp: true))
                {
                    BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)answer.Length);
                    await stream.WriteAsync((byte[])[.. length, .. answer], _stop.Token);
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The client has gone, or the end.
        }
    }

    private DnsQuery? Take(ReadOnlySpan<byte> message, bool overTcp)
    {
        if (DnsWire.Parse(message) is not { } query) return null;
        _questions.Enqueue(new DnsQuestion(query.Name, query.Type, overTcp));
        if (_questions.Count > QuestionsKeptMax) _questions.TryDequeue(out _);
        return query;
    }

    private bool IsHeld(DnsQuery query, byte[] message, EndPoint from)
    {
        lock (_lock)
        {
            if (!_held.TryGetValue(query.Name, out var waiting) && !_held.TryGetValue("*", out waiting)) return false;
            waiting.Add((message, from));
            return true;
        }
    }

    /// <summary>Mostly one answer.</summary>
    private IReadOnlyList<byte[]> Respond(DnsQuery query, bool overTcp)
    {
        byte[] Write(DnsQuery asked, DnsAnswer answer) => DnsWire.Answer(asked, answer, overTcp ? ushort.MaxValue : query.PayloadBytesMax);
        byte[] True() => Mangle is null ? Write(query, Find(query)) : Mangle(Write(query, Find(query)));
        byte[] Other(int by) => Write(query with { Id = (ushort)(query.Id + by) }, new DnsAnswer(0, [(query.Name, DnsRecord.A("192.0.2.66"))]));
        lock (_lock)
        {
            return FailureOf(query.Name) switch
            {
                DnsFailure.Timeout => [],
                DnsFailure.ServFail => [Write(query, new DnsAnswer(2, []))],
                DnsFailure.NxDomain => [Write(query, Empty(query.Name, code: 3))],
                DnsFailure.Refused => [Write(query, new DnsAnswer(5, []))],
                DnsFailure.Truncated when !overTcp => [Write(query, DnsAnswer.Truncated)],
                DnsFailure.WrongId => [Other(1)],
                DnsFailure.Forged => [Other(1), Other(2), Other(-1), True()],
                DnsFailure.WrongQuestion => [Write(query with { Question = [.. DnsWire.Name("other." + query.Name), .. query.Question[^4..]] }, Find(query))],
                DnsFailure.Garbage => [[(byte)(query.Id >> 8), (byte)query.Id, 0x84, 0, 0, 1, 0, 200, 0xC0, 0x0C, .. new byte[40]]],
                DnsFailure.Empty => [Write(query, new DnsAnswer(0, []))],
                DnsFailure.Lame => [Write(query, new DnsAnswer(0, []) { IsReferral = true, Authority = ("", DnsRecord.Ns("ns.root.test")) })],
                DnsFailure.OtherName => [Write(query, new DnsAnswer(0, [.. (RecordsOf(query.Name) ?? []).Select(record => ("other." + query.Name, record))]))],
                _ => [True()],
            };
        }
    }

    private DnsFailure? FailureOf(string name)
    {
        foreach (var candidate in (IEnumerable<string>)[name, .. Ancestors(name).Select(parent => parent.Length == 0 ? "*" : $"*.{parent}"), "*"])
        {
            if (_failures.TryGetValue(candidate, out var failure)) return failure;
        }
        return null;
    }

    private DnsAnswer Find(DnsQuery query)
    {
        var found = new List<(string, DnsRecord)>();
        var name = query.Name;
        for (var hops = 0; hops < ChainMax; hops++)
        {
            if (RecordsOf(name) is not { } records) return found.Count == 0 ? Empty(name, code: 3) : new DnsAnswer(3, found);
            var alias = query.Type is DnsType.Cname or DnsType.Any ? null : records.Find(record => record.Type == DnsType.Cname);
            found.AddRange((alias is null ? records.Where(record => record.Type == query.Type || query.Type == DnsType.Any) : [alias])
                .Select(record => (name, record with { TimeToLive = TimeToLive ?? record.TimeToLive })));
            if (alias is null) break;
            name = Key(alias.Target!);
        }
        return found.Count == 0 ? Empty(name, code: 0) : new DnsAnswer(0, found) { IsAuthenticated = _secure.Contains(query.Name) };
    }

    /// <summary>The records of a name or of the wildcard that stands for it; null when there is no such name.</summary>
    private List<DnsRecord>? RecordsOf(string name)
    {
        if (_records.TryGetValue(name, out var exact)) return exact;
        if (_below.GetValueOrDefault(name) > 0) return [];
        return Ancestors(name).Select(parent => _records.GetValueOrDefault(parent.Length == 0 ? "*" : $"*.{parent}")).FirstOrDefault(records => records is not null);
    }

    private DnsAnswer Empty(string name, int code)
    {
        var zone = Ancestors(name).LastOrDefault(parent => parent.Length > 0) ?? name;
        return new DnsAnswer(code, []) { IsAuthenticated = _secure.Contains(name), Authority = (zone, DnsRecord.Soa(zone, TimeToLive)) };
    }

    /// <summary><c>a.b.c</c> → <c>b.c</c>, <c>c</c>, the root.</summary>
    private static IEnumerable<string> Ancestors(string name)
    {
        while (name.Length > 0)
        {
            var dot = name.IndexOf('.', StringComparison.Ordinal);
            name = dot < 0 ? "" : name[(dot + 1)..];
            yield return name;
        }
    }
}
