using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MailApi.Testing;

/// <summary>
/// A way between a client and a server on loopback that can be made bad while it is used: slow, silent in one direction or both, reset,
/// refused. Bytes that are held are not lost: they go on when the way is good again, as TCP sends again what a black hole swallowed.
/// </summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private const int BufferBytes = 64 * 1024;
    private readonly Gate _toServer = new(), _toClient = new();
    private readonly ConcurrentDictionary<Connection, Task> _running = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly IPEndPoint _server;
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;
    private int _connectionsEver;
    private long _latencyTicks;

    private TcpProxy(IPEndPoint endPoint, IPEndPoint server) => (EndPoint, _server) = (endPoint, server);

    /// <summary>Where clients connect, also while they are refused.</summary>
    public IPEndPoint EndPoint { get; private set; }

    public int Port => EndPoint.Port;

    /// <summary>Connections that are open now.</summary>
    public int Connections => _running.Count;

    /// <summary>Connections that were ever made.</summary>
    public int ConnectionsEver => Volatile.Read(ref _connectionsEver);

    /// <summary>How much later everything arrives, in each direction.</summary>
    public TimeSpan Latency
    {
        get => new(Interlocked.Read(ref _latencyTicks));
        set => Interlocked.Exchange(ref _latencyTicks, value.Ticks);
    }

    /// <summary>A way from a free port to a port of 127.0.0.1.</summary>
    public static TcpProxy Start(int serverPort) => Start(new IPEndPoint(IPAddress.Loopback, FreePort.Next()), new IPEndPoint(IPAddress.Loopback, serverPort));

    public static TcpProxy Start(IPEndPoint endPoint, IPEndPoint server)
    {
        var proxy = new TcpProxy(endPoint, server);
        proxy.Accept();
        return proxy;
    }

    /// <summary>Nothing that a client sends arrives any more, its end of the connection included; new connections reach nobody.</summary>
    public void HoldToServer() => _toServer.Close();

    /// <summary>Nothing that the server sends arrives any more.</summary>
    public void HoldToClient() => _toClient.Close();

    /// <summary>Both directions: the other end is gone and nobody says so.</summary>
    public void Hold()
    {
        HoldToServer();
        HoldToClient();
    }

    /// <summary>What was held goes on.</summary>
    public void Release()
    {
        _toServer.Open();
        _toClient.Open();
    }

    /// <summary>Cuts every open connection by RST, at both ends.</summary>
    public void Reset()
    {
        foreach (var connection in _running.Keys) connection.Reset();
    }

    /// <summary>New connections are refused; those that are open stay.</summary>
    public async Task RefuseAsync()
    {
        if (Interlocked.Exchange(ref _listener, null) is not { } listener) return;
        listener.Dispose();
        await _accepting;
    }

    /// <summary>Ends <see cref="RefuseAsync"/>.</summary>
    public void Accept()
    {
        if (_listener is not null) return;
        var listener = new Socket(EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(EndPoint);
        listener.Listen(512);
        EndPoint = (IPEndPoint)listener.LocalEndPoint!;
        _listener = listener;
        _accepting = AcceptAsync(listener);
    }

    public async ValueTask DisposeAsync()
    {
        await RefuseAsync();
        await _stop.CancelAsync();
        Reset();
        await Task.WhenAll(_running.Values);
        _stop.Dispose();
    }

    private async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                var connection = new Connection(await listener.AcceptAsync(_stop.Token));
                Interlocked.Increment(ref _connectionsEver);
                var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _running[connection] = done.Task;
                _ = ServeAsync(connection, done);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Refused from now on.
        }
    }

    private async Task ServeAsync(Connection connection, TaskCompletionSource done)
    {
        await Task.Yield();
        try
        {
            await _toServer.PassAsync(connection.Gone);
            if (!await ConnectAsync(connection)) return;
            await Task.WhenAll(
                PumpAsync(connection.Client, connection.Server, _toServer, connection),
                PumpAsync(connection.Server, connection.Client, _toClient, connection));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One end has reset the connection, or we do it: the other end hears a reset as well.
            connection.Reset();
        }
        finally
        {
            _running.TryRemove(connection, out _);
            connection.Dispose();
            done.SetResult();
        }
    }

    private async Task<bool> ConnectAsync(Connection connection)
    {
        try
        {
            await connection.Server.ConnectAsync(_server, connection.Gone);
            return true;
        }
        catch (SocketException)
        {
            await _toClient.PassAsync(connection.Gone);
            connection.Reset();
            return false;
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Gate gate, Connection connection)
    {
        var buffer = new byte[BufferBytes];
        try
        {
            while (true)
            {
                await gate.PassAsync(connection.Gone);
                var read = await from.ReceiveAsync(buffer, connection.Gone);
                // It may have been closed while we waited for bytes.
                await gate.PassAsync(connection.Gone);
                if (Latency is { Ticks: > 0 } latency) await LateAsync(latency, connection.Gone);
                if (read == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }
                for (var sent = 0; sent < read;) sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), connection.Gone);
            }
        }
        catch (SocketException)
        {
            // A reset is news like any other: the half that is silent does not pass it on.
            await gate.PassAsync(connection.Gone);
            connection.Reset();
        }
    }

    /// <summary>A timer may be early by a tick of a coarse clock.</summary>
    private static async Task LateAsync(TimeSpan latency, CancellationToken ct)
    {
        var (clock, tick) = (TimeProvider.System, TimeSpan.FromMilliseconds(1));
        var start = clock.GetTimestamp();
        while (latency - clock.GetElapsedTime(start) is { Ticks: > 0 } left) await Task.Delay(left + tick, clock, ct);
    }

    /// <summary>Lets everything pass, or nothing.</summary>
    private sealed class Gate
    {
        private TaskCompletionSource? _closed;

        public void Close() => Interlocked.CompareExchange(ref _closed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), null);

        public void Open() => Interlocked.Exchange(ref _closed, null)?.SetResult();

        public Task PassAsync(CancellationToken ct) => Volatile.Read(ref _closed) is { } closed ? closed.Task.WaitAsync(ct) : Task.CompletedTask;
    }

    private sealed class Connection : IDisposable
    {
        private readonly CancellationTokenSource _gone = new();

        public Connection(Socket client)
        {
            Client = client;
            Client.NoDelay = true;
            Gone = _gone.Token;
        }

        public Socket Client { get; }

        public Socket Server { get; } = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

        public CancellationToken Gone { get; }

        /// <summary>A socket that lingers for no time is closed by RST.</summary>
        public void Reset()
        {
            try
            {
                Client.LingerState = Server.LingerState = new LingerOption(enable: true, seconds: 0);
                Client.Dispose();
                Server.Dispose();
                _gone.Cancel();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // It has ended meanwhile.
            }
        }

        public void Dispose()
        {
            Client.Dispose();
            Server.Dispose();
            _gone.Dispose();
        }
    }
}
