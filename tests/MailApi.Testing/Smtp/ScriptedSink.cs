using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MailApi.Testing;

/// <summary>
/// An SMTP server that keeps what it is sent, and misbehaves as the recipient's local part says: <c>ok</c> (and everything that is no
/// word of the script), <c>451</c>, <c>550</c>, <c>policy</c>, <c>full</c>, <c>dot-451</c>, <c>421</c>, <c>tarpit</c>, <c>slow-read</c>,
/// <c>reset-before-dot</c>, <c>reset-after-dot-kept</c>, <c>reset-after-dot-dropped</c>, <c>lost-250</c>, <c>hold-data</c>, <c>hold-dot</c>,
/// <c>half-open</c>, <c>garbage</c>; <c>451-2-ann</c> does so twice.
/// </summary>
public sealed class ScriptedSink : IAsyncDisposable
{
    private const int SessionsKeptMax = 1000;
    private readonly Lock _lock = new();
    private readonly Arrivals<SinkMessage> _messages = new();
    private readonly Queue<SinkSession> _sessions = new();
    private readonly ConcurrentDictionary<string, int> _turns = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<Task, bool> _running = new();
    private readonly Ledger<SinkLedgerLine>? _ledger;
    private TaskCompletionSource _release = NewSignal();
    private TaskCompletionSource? _pause;
    private Listener? _listener;
    private int _held;
    private int _connections;
    private int _connectionsEver;

    private ScriptedSink(SinkOptions options)
    {
        Options = options;
        Tls = options.Tls;
        Certificate = options.Certificate ?? TestCertificate.For(options.HostName);
        EndPoint = options.EndPoint;
        if (options.LedgerPath is { } path) _ledger = new Ledger<SinkLedgerLine>(path);
    }

    public SinkOptions Options { get; }

    /// <summary>Where it listens, also while it is stopped.</summary>
    public IPEndPoint EndPoint { get; private set; }

    public int Port => EndPoint.Port;

    public X509Certificate2 Certificate { get; }

    /// <summary>What it does about TLS from the next connection on.</summary>
    public SinkTls Tls { get; set; }

    /// <summary>Connections that are open now.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Connections that were ever made.</summary>
    public int ConnectionsEver => Volatile.Read(ref _connectionsEver);

    /// <summary>Recipients of <c>hold-data</c> and <c>hold-dot</c> whose sender waits for the reply.</summary>
    public int Held => Volatile.Read(ref _held);

    /// <summary>Everything kept so far, in order of arrival.</summary>
    public IReadOnlyList<SinkMessage> Messages => _messages.All;

    public int Count => _messages.Count;

    /// <summary>The last 1,000 connections, oldest first.</summary>
    public IReadOnlyList<SinkSession> Sessions
    {
        get
        {
            lock (_lock) return [.. _sessions];
        }
    }

    /// <summary>Starts a sink that accepts everything on a free port of 127.0.0.1.</summary>
    public static ScriptedSink Start() => Start(new SinkOptions());

    public static ScriptedSink Start(SinkOptions options)
    {
        var sink = new ScriptedSink(options);
        sink.Listen();
        return sink;
    }

    /// <summary>Listens again after <see cref="StopAsync"/>, on the same port.</summary>
    public void Listen()
    {
        if (_listener is not null) return;
        var socket = new Socket(EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(EndPoint);
        socket.Listen(512);
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
        var stop = new CancellationTokenSource();
        _listener = new Listener(socket, stop, AcceptAsync(socket, stop.Token));
    }

    /// <summary>Refuses connections and cuts those that are open; what was kept stays.</summary>
    public async Task StopAsync()
    {
        if (_listener is not { } listener) return;
        _listener = null;
        await listener.Stop.CancelAsync();
        listener.Socket.Dispose();
        await listener.Accepting;
        await Task.WhenAll(_running.Keys);
        listener.Stop.Dispose();
    }

    /// <summary>Accepts connections and bytes, and answers nothing until <see cref="Resume"/>.</summary>
    public void Pause() => _pause ??= NewSignal();

    public void Resume() => Interlocked.Exchange(ref _pause, null)?.TrySetResult();

    /// <summary>Sends the replies that <c>hold-data</c> and <c>hold-dot</c> hold.</summary>
    public void ReleaseHeld() => Interlocked.Exchange(ref _release, NewSignal()).TrySetResult();

    /// <summary>Forgets messages, sessions and how often each recipient has had its turn.</summary>
    public void Clear()
    {
        _messages.Clear();
        _turns.Clear();
        lock (_lock) _sessions.Clear();
    }

    /// <summary>The first message that fits, be it there already or still to come.</summary>
    /// <exception cref="TimeoutException">None came; the message tells what did, and the last conversation.</exception>
    public Task<SinkMessage> WaitFor(Func<SinkMessage, bool> fits, TimeSpan timeout) => _messages.WaitFor(fits, timeout, Describe);

    /// <summary>The first message to this recipient.</summary>
    /// <inheritdoc cref="WaitFor(Func{SinkMessage, bool}, TimeSpan)"/>
    public Task<SinkMessage> WaitFor(string recipient, TimeSpan timeout) =>
        WaitFor(message => message.Recipient.Equals(recipient, StringComparison.OrdinalIgnoreCase), timeout);

    /// <summary>Returns all messages as soon as there are at least <paramref name="count"/>.</summary>
    /// <exception cref="TimeoutException">There are fewer.</exception>
    public Task<IReadOnlyList<SinkMessage>> WaitForCount(int count, TimeSpan timeout) => _messages.WaitForCount(count, timeout, Describe);

    /// <summary>Returns when this many senders wait for the reply to their dot.</summary>
    /// <exception cref="TimeoutException">There are fewer.</exception>
    public Task WaitForHeld(int count, TimeSpan timeout) =>
        Eventually.HoldsAsync(() => Held >= count, timeout, $"{count} held replies. {Describe()}", CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        Resume();
        await StopAsync();
        if (_ledger is not null) await _ledger.DisposeAsync();
    }

    internal bool IsCrowded => Connections > Options.ConnectionsMax;

    internal Task WhileRunningAsync(CancellationToken ct) => _pause is { } pause ? pause.Task.WaitAsync(ct) : Task.CompletedTask;

    /// <summary>What goes wrong for the recipient this time, or null.</summary>
    internal SinkScript? ScriptFor(string recipient)
    {
        var script = SinkScript.Parse(recipient);
        if (script.Fault == SinkFault.None) return null;
        if (script.Times == int.MaxValue) return script;
        return _turns.AddOrUpdate(recipient, 1, (_, turns) => turns + 1) <= script.Times ? script : null;
    }

    internal async Task KeepAsync(SinkTransaction mail, byte[] bytes, SinkSession session)
    {
        foreach (var recipient in mail.Recipients)
        {
            var message = SinkMessage.From(mail, recipient, bytes, Options.KeepContent && _messages.Count % Options.KeepContentOfEvery == 0, session, TimeProvider.System.GetUtcNow());
            if (_ledger is not null) await _ledger.AppendAsync(SinkLedgerLine.Of(message));
            _messages.Add(message);
        }
    }

    internal async Task HoldAsync(CancellationToken ct)
    {
        var release = _release.Task;
        Interlocked.Increment(ref _held);
        try
        {
            await release.WaitAsync(ct);
        }
        finally
        {
            Interlocked.Decrement(ref _held);
        }
    }

    private async Task AcceptAsync(Socket listener, CancellationToken ct)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptAsync(ct);
                socket.NoDelay = true;
                var session = ServeAsync(socket, ct);
                _running[session] = true;
                _ = session.ContinueWith(done => _running.TryRemove(done, out _), TaskScheduler.Default);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(Socket socket, CancellationToken ct)
    {
        await Task.Yield();
        Interlocked.Increment(ref _connections);
        Interlocked.Increment(ref _connectionsEver);
        try
        {
            using var connection = new SinkConnection(socket);
            var session = new SinkSession(this, connection);
            lock (_lock)
            {
                _sessions.Enqueue(session);
                if (_sessions.Count > SessionsKeptMax) _sessions.Dequeue();
            }
            await session.RunAsync(ct);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or AuthenticationException or ObjectDisposedException or InvalidDataException)
        {
            // The peer left, or refused our certificate, or we stop: the transcript shows how far it came.
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private string Describe()
    {
        var recipients = string.Join(", ", Messages.TakeLast(20).Select(message => message.Recipient));
        var conversation = string.Join('\n', Sessions is [.., var last] ? last.Transcript.TakeLast(40) : []);
        return $"Kept {Count}: {recipients}\nLast conversation of {ConnectionsEver}:\n{conversation}";
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed record Listener(Socket Socket, CancellationTokenSource Stop, Task Accepting);
}
