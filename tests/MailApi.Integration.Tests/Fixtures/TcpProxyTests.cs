using System.Net;
using System.Net.Sockets;
using MailApi.Testing;
using Xunit;

namespace MailApi.Integration.Tests.Fixtures;

public sealed class TcpProxyTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>What is awaited in vain is awaited so long.</summary>
    private static readonly TimeSpan InVain = TimeSpan.FromMilliseconds(200);

    private readonly TcpListener _server = new(IPAddress.Loopback, 0);
    private readonly TcpProxy _proxy;

    public TcpProxyTests()
    {
        _server.Start();
        _proxy = TcpProxy.Start(((IPEndPoint)_server.LocalEndpoint).Port);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Passes_bytes_and_ends_in_both_directions()
    {
        var (client, server) = await Connect();

        Assert.Equal("ping", await Pass(client, server, "ping"));
        Assert.Equal("pong", await Pass(server, client, "pong"));
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal("", await Read(server));
        Assert.Equal("late", await Pass(server, client, "late"));
        server.Dispose();
        Assert.Equal("", await Read(client));
        await Eventually.HoldsAsync(() => _proxy.Connections == 0, Patience, "the connection is forgotten", Ct);
        Assert.Equal(1, _proxy.ConnectionsEver);
    }

    [Fact]
    public async Task Resets_both_ends()
    {
        var (client, server) = await Connect();

        _proxy.Reset();

        await IsReset(client);
        await IsReset(server);
    }

    [Fact]
    public async Task Passes_a_reset_on()
    {
        var (client, server) = await Connect();

        server.LingerState = new LingerOption(enable: true, seconds: 0);
        server.Dispose();

        await IsReset(client);
    }

    [Fact]
    public async Task Holds_one_direction_and_loses_nothing()
    {
        var (client, server) = await Connect();

        _proxy.HoldToClient();
        Assert.Equal("ping", await Pass(client, server, "ping"));
        var held = Pass(server, client, "pong");
        await Assert.ThrowsAsync<TimeoutException>(() => held.WaitAsync(InVain, TimeProvider.System, Ct));

        _proxy.Release();
        Assert.Equal("pong", await held);
    }

    [Fact]
    public async Task A_held_client_does_not_learn_that_the_server_reset_until_it_is_released()
    {
        var (client, server) = await Connect();

        _proxy.Hold();
        server.LingerState = new LingerOption(enable: true, seconds: 0);
        server.Dispose();
        var reset = IsReset(client);
        await Assert.ThrowsAsync<TimeoutException>(() => reset.WaitAsync(InVain, TimeProvider.System, Ct));

        _proxy.Release();
        await reset;
    }

    [Fact]
    public async Task While_it_holds_a_new_connection_reaches_nobody()
    {
        _proxy.Hold();
        using var client = await ConnectClient();
        var accepted = _server.AcceptSocketAsync(Ct).AsTask();
        await Assert.ThrowsAsync<TimeoutException>(() => accepted.WaitAsync(InVain, TimeProvider.System, Ct));

        _proxy.Release();
        using var server = await accepted;
        Assert.Equal("ping", await Pass(client, server, "ping"));
    }

    [Fact]
    public async Task Refuses_new_connections_and_leaves_those_that_are_open()
    {
        var (client, server) = await Connect();

        await _proxy.RefuseAsync();
        var refused = await Assert.ThrowsAsync<SocketException>(ConnectClient);
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        Assert.Equal("ping", await Pass(client, server, "ping"));

        _proxy.Accept();
        await Connect();
    }

    [Fact]
    public async Task A_server_that_is_away_is_a_reset()
    {
        _server.Stop();
        // It may be told as soon as it is connected.
        var reset = await Assert.ThrowsAsync<SocketException>(async () => await Read(await ConnectClient()));
        Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);
    }

    [Fact]
    public async Task Is_late_by_its_latency_at_least()
    {
        var (client, server) = await Connect();
        _proxy.Latency = TimeSpan.FromMilliseconds(100);

        var start = TimeProvider.System.GetTimestamp();
        await Pass(client, server, "ping");
        await Pass(server, client, "pong");

        Assert.True(TimeProvider.System.GetElapsedTime(start) >= 2 * _proxy.Latency, "there and back");
    }

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        _server.Dispose();
    }

    private async Task<(Socket Client, Socket Server)> Connect()
    {
        var client = await ConnectClient();
        return (client, await _server.AcceptSocketAsync(Ct));
    }

    private async Task<Socket> ConnectClient()
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(_proxy.EndPoint, Ct);
        return client;
    }

    private static async Task<string> Pass(Socket from, Socket to, string word)
    {
        await from.SendAsync(System.Text.Encoding.ASCII.GetBytes(word), Ct);
        return await Read(to);
    }

    private static async Task<string> Read(Socket socket)
    {
        var buffer = new byte[100];
        return System.Text.Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, Ct));
    }

    private static async Task IsReset(Socket socket) =>
        Assert.Equal(SocketError.ConnectionReset, (await Assert.ThrowsAsync<SocketException>(() => Read(socket))).SocketErrorCode);
}
