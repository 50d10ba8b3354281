using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MailApi.Mail.Tests.Smtp;

/// <summary>An SMTP server on loopback that behaves as a test says: a hook may answer any command, or break the connection.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    /// <summary>Answers a command itself (true) or leaves it to the server (false). The greeting is the command "", the final dot is ".".</summary>
    public delegate Task<bool> Hook(ServerSession session, string command);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly List<string> _transcript = [];
    private readonly List<(Predicate<string> Match, TaskCompletionSource Seen)> _waiting = [];
    private readonly List<Task> _sessions = [];
    private readonly Hook _hook;
    private readonly Task _accepting;

    public ScriptedServer(Hook? hook = null)
    {
        _hook = hook ?? ((_, _) => Task.FromResult(false));
        _listener.Start();
        _accepting = Accept();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;
    public string[] Extensions { get; init; } = ["PIPELINING", "8BITMIME"];
    public X509Certificate2? Certificate { get; init; }
    public bool ImplicitTls { get; init; }

    /// <summary>Certificates shown beside <see cref="Certificate"/>.</summary>
    public X509Certificate2Collection Along { get; init; } = [];
    public List<byte[]> Messages { get; } = [];

    /// <summary>What came at once, of all connections: one entry for each time that the server had to wait. A client that waits for replies writes no faster.</summary>
    public List<string> Reads { get; } = [];
    public int Connections { get; private set; }

    /// <summary>Every line that a client has sent as a command, and "[closed]" when it went away.</summary>
    public string[] Transcript
    {
        get { lock (_lock) return [.. _transcript]; }
    }

    public Task Sees(string line) => Sees(seen => seen == line);

    public Task Sees(Predicate<string> match)
    {
        lock (_lock)
        {
            if (_transcript.Exists(match)) return Task.CompletedTask;
            var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((match, seen));
            return seen.Task.WaitAsync(TimeSpan.FromSeconds(20));
        }
    }

    /// <summary>Answers the commands that begin with <paramref name="verb"/> with <paramref name="reply"/>.</summary>
    public static ScriptedServer Answering(string verb, string reply, params string[] extensions) =>
        new(async (session, command) =>
        {
            if (!Is(command, verb)) return false;
            await session.Say(reply);
            return true;
        })
        { Extensions = extensions };

    /// <summary>Breaks the connection in place of answering <paramref name="verb"/>.</summary>
    public static ScriptedServer Breaking(string verb, bool reset) =>
        new((session, command) =>
        {
            if (Is(command, verb)) session.Break(reset);
            return Task.FromResult(false);
        });

    /// <summary>Never answers <paramref name="verb"/>.</summary>
    public static ScriptedServer Silent(string verb) =>
        new(async (session, command) =>
        {
            if (Is(command, verb)) await session.UntilClosed();
            return false;
        });

    private static bool Is(string command, string verb) => verb.Length == 0 ? command.Length == 0 : command.StartsWith(verb, StringComparison.Ordinal);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_sessions);
        _stop.Dispose();
    }

    private async Task Accept()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token);
                Connections++;
                _sessions.Add(Serve(socket));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    private async Task Serve(Socket socket)
    {
        using var session = new ServerSession(socket, Reads, _stop.Token);
        try
        {
            if (ImplicitTls) await session.StartTls(Certificate!, Along);
            if (!await _hook(session, "")) await session.Say("220 sink ESMTP");
            while (await session.Line() is { } command)
            {
                Note(command);
                if (!await _hook(session, command)) await Answer(session, command);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
        {
            // The client went away or the test is over.
        }
        Note("[closed]");
    }

    private async Task Answer(ServerSession session, string command)
    {
        switch (command.Split(' ', ':')[0])
        {
            case "EHLO":
                string[] lines = ["sink", .. Extensions.Where(extension => extension != "STARTTLS" || !session.IsSecure)];
                for (var i = 0; i < lines.Length; i++) await session.Say($"250{(i == lines.Length - 1 ? ' ' : '-')}{lines[i]}");
                break;
            case "STARTTLS":
                await session.Say("220 go ahead");
                await session.StartTls(Certificate!, Along);
                break;
            case "DATA":
                await session.Say("354 go ahead");
                Messages.Add(await session.Content());
                if (!await _hook(session, ".")) await session.Say("250 2.0.0 taken as 4711");
                break;
            case "QUIT":
                await session.Say("221 bye");
                session.Break(reset: false);
                break;
            default:
                await session.Say("250 2.1.0 fine");
                break;
        }
    }

    private void Note(string line)
    {
        lock (_lock)
        {
            _transcript.Add(line);
            foreach (var (_, seen) in _waiting.Where(waiting => waiting.Match(line))) seen.TrySetResult();
        }
    }
}

/// <summary>The server's side of one connection.</summary>
internal sealed class ServerSession(Socket socket, List<string> reads, CancellationToken stop) : IDisposable
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private Stream _stream = new NetworkStream(socket, ownsSocket: true);
    private int _start, _end;

    public bool IsSecure => _stream is SslStream;

    /// <summary>What of the content has come so far, when a client breaks off.</summary>
    public List<byte> Received { get; } = [];

    public async Task SayOctetByOctet(string line)
    {
        socket.NoDelay = true;
        foreach (var octet in Encoding.UTF8.GetBytes(line + "\r\n"))
        {
            await _stream.WriteAsync(new[] { octet }, stop);
            await Task.Yield();
        }
    }

    public async Task Say(string line) => await _stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\r\n"), stop);

    public async Task<string?> Line()
    {
        List<byte> line = [];
        while (await Octet() is { } octet)
        {
            if (octet == '\n') return Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
            line.Add(octet);
        }
        return null;
    }

    /// <summary>Up to the final dot, dots unstuffed.</summary>
    public async Task<byte[]> Content()
    {
        Received.Clear();
        while (await Octet() is { } octet)
        {
            Received.Add(octet);
            if (octet != '\n' || !(Received.Count == 3 ? EndsWith(".\r\n"u8) : EndsWith("\r\n.\r\n"u8))) continue;
            Received.RemoveRange(Received.Count - 3, 3);
            return Unstuff([.. Received]);
        }
        throw new IOException("the client went away");
    }

    public async Task StartTls(X509Certificate2 certificate, X509Certificate2Collection? along = null)
    {
        (_start, _end) = (0, 0);
        var tls = new SslStream(_stream);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            // Offline: the server's side shall fetch nothing either.
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, along, offline: true),
        }, stop);
        _stream = tls;
    }

    /// <summary>As the other, with one context for several connections, as servers have it that resume sessions.</summary>
    /// <returns>Octets that were sent for it.</returns>
    public async Task<long> StartTls(SslStreamCertificateContext context)
    {
        (_start, _end) = (0, 0);
        var counted = new CountingStream(_stream);
        var tls = new SslStream(counted);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = context }, stop);
        _stream = tls;
        return counted.Written;
    }

    public void Break(bool reset)
    {
        if (reset) socket.LingerState = new LingerOption(true, 0);
        socket.Close();
        throw new IOException("broken on purpose");
    }

    public async Task UntilClosed()
    {
        while (await _stream.ReadAsync(_buffer, stop) > 0) { }
        throw new IOException("closed");
    }

    public void Dispose() => _stream.Dispose();

    private bool EndsWith(ReadOnlySpan<byte> end) =>
        System.Runtime.InteropServices.CollectionsMarshal.AsSpan(Received).EndsWith(end);

    private static byte[] Unstuff(byte[] content)
    {
        List<byte> plain = [];
        for (var i = 0; i < content.Length; i++)
        {
            if (content[i] == '.' && (i == 0 || content[i - 1] == '\n')) continue;
            plain.Add(content[i]);
        }
        return [.. plain];
    }

    private async ValueTask<byte?> Octet()
    {
        if (_start == _end)
        {
            (_start, _end) = (0, await _stream.ReadAsync(_buffer, stop));
            if (_end == 0) return null;
            reads.Add(Encoding.Latin1.GetString(_buffer, 0, _end));
        }
        return _buffer[_start++];
    }
}
