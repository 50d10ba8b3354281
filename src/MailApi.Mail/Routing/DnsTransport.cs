using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace MailApi.Mail.Routing;

/// <summary>What came of asking: a message, or in a word why there is none.</summary>
internal readonly record struct Heard(DnsMessage? Message, string Reason)
{
    public const string NoAnswer = "no answer";

    /// <summary>Nobody was asked.</summary>
    public const string TooMany = "too many look-ups at once";

    /// <summary>Who said it; null if nobody did.</summary>
    public IPEndPoint? Server { get; init; }
}

/// <summary>
/// One question to one server: over UDP from a port of its own, over TCP when the answer does not fit. Only an answer with the question's
/// id, name and type, from the address that was asked, is one (RFC 5452 §9); others are passed over, for the true one may follow.
/// </summary>
internal static class DnsTransport
{
    /// <summary>Wrong answers to one question before its server is given up: whoever sends more is not to keep us busy.</summary>
    private const int StrayMax = 50;

    public static async Task<Heard> Ask(IPEndPoint server, string name, RecordType type, DnsAsk ask, TimeSpan patience, TimeProvider time, CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        try
        {
            var heard = await OverUdp(server, name, type, ask, either.Token);
            if (heard.Message is { IsTruncated: true }) heard = await OverTcp(server, name, type, ask, either.Token);
            // RFC 6891 §7: a server that does not know EDNS finds the question malformed.
            else if (heard.Message is { Code: 1 } && ask is DnsAsk.None or DnsAsk.Recursion) heard = await Ask(server, name, type, ask | DnsAsk.Plain, patience, time, either.Token);
            return heard;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new Heard(null, Heard.NoAnswer);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return new Heard(null, Heard.NoAnswer);
        }
    }

    private static async Task<Heard> OverUdp(IPEndPoint server, string name, RecordType type, DnsAsk ask, CancellationToken ct)
    {
        var id = NewId();
        if (DnsMessage.Query(id, name, type, ask) is not { } query) return new Heard(null, "the name cannot be asked for");
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        // Connected: the kernel lets only the server's packets through.
        await socket.ConnectAsync(server, ct);
        await socket.SendAsync(query, ct);
        // More than was asked for; a longer packet is cut, and then unreadable.
        var buffer = new byte[4096];
        for (var stray = 0; stray < StrayMax; stray++)
        {
            var length = await socket.ReceiveAsync(buffer, ct);
            if (length < 2 || BinaryPrimitives.ReadUInt16BigEndian(buffer) != id) continue;
            // One cut in the middle of a record is worth as much as one cut between two.
            if (length > 2 && (buffer[2] & 2) != 0) return new Heard(Cut(id), "");
            var heard = Read(buffer.AsSpan(0, length), id, name, type);
            if (heard.Message is not null || heard.Reason != WrongQuestion) return heard;
        }
        return new Heard(null, WrongQuestion);
    }

    /// <summary>RFC 7766: every message behind its length in two octets.</summary>
    private static async Task<Heard> OverTcp(IPEndPoint server, string name, RecordType type, DnsAsk ask, CancellationToken ct)
    {
        var id = NewId();
        var query = DnsMessage.Query(id, name, type, ask)!;
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server, ct);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync((byte[])[(byte)(query.Length >> 8), (byte)query.Length, .. query], ct);
        var length = new byte[2];
        await stream.ReadExactlyAsync(length, ct);
        var answer = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
        await stream.ReadExactlyAsync(answer, ct);
        // RFC 2181 §9: what is cut even here must not be used.
        if (answer.Length > 2 && (answer[2] & 2) != 0) return new Heard(null, "the answer is too large");
        return Read(answer, id, name, type);
    }

    private const string WrongQuestion = "an answer to another question";

    private static Heard Read(ReadOnlySpan<byte> octets, ushort id, string name, RecordType type)
    {
        if (DnsMessage.TryParse(octets) is not { } message) return new Heard(null, "an unreadable answer");
        if (message.Id != id || !message.IsResponse) return new Heard(null, WrongQuestion);
        // Some refusals repeat no question; whatever says something about the name must.
        if (message.Question is null ? message.Code is 0 or 3 : message.Question != (name, type)) return new Heard(null, WrongQuestion);
        return new Heard(message, "");
    }

    private static DnsMessage Cut(ushort id) => new()
    {
        Id = id,
        IsResponse = true,
        IsAuthoritative = false,
        IsTruncated = true,
        Code = 0,
        Question = null,
        Answers = [],
        Authorities = [],
        Octets = 0,
    };

    private static ushort NewId() => (ushort)RandomNumberGenerator.GetInt32(ushort.MaxValue + 1);
}
