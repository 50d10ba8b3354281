using System.Net.Sockets;
using System.Text;
using MailApi.Testing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace MailApi.Tests.Http;

/// <summary>S-27: clients that send almost nothing for ever take the service away from all others.</summary>
public sealed class SlowClientTests(TestHost host)
{
    private const int SlowOfEachKind = 500;

    /// <summary>Far above what a healthy answer takes on a busy machine, far below what waiting for a slow client would.</summary>
    private static readonly TimeSpan HealthyMax = TimeSpan.FromSeconds(5);

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task A_thousand_slow_clients_delay_no_healthy_one_and_slow_bodies_are_cut()
    {
        var tenant = await host.NewTenant();
        var headers = $"POST /send HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {tenant.LiveKey}\r\nContent-Type: application/json\r\n";
        var slow = new List<Slow>();
        try
        {
            for (var count = 0; count < SlowOfEachKind; count++)
            {
                slow.Add(await Slow.Connect(host, "GET /messages HTTP/1.1\r\nHost: localhost\r\nX-Slow: "));
                slow.Add(await Slow.Connect(host, headers + "Content-Length: 100000\r\n\r\n{"));
            }
            var times = new List<TimeSpan>();
            for (var count = 0; count < 200; count++)
            {
                foreach (var one in slow.Skip(5 * count).Take(5)) await one.Trickle();
                var started = TimeProvider.System.GetTimestamp();
                using var response = await tenant.Live.GetAsync("/messages");
                Assert.True(response.IsSuccessStatusCode);
                times.Add(TimeProvider.System.GetElapsedTime(started));
            }
            times.Sort();
            Assert.InRange(times[198], TimeSpan.Zero, HealthyMax);
            await tenant.Send(tenant.Mail("ann@example.net"));

            // A body has five to fifteen seconds, then 240 octets of it have to come a second.
            var bodies = slow.Where((_, index) => index % 2 == 1).ToList();
            await Eventually.HoldsAsync(() => bodies.All(one => one.IsCut), TimeSpan.FromSeconds(60), "slow bodies are cut", CancellationToken.None);
        }
        finally
        {
            foreach (var one in slow) one.Dispose();
        }
    }

    [Theory]
    [InlineData(200, 20)]
    [InlineData(20, 4_000)]
    [InlineData(1, 100_000)]
    [InlineData(100_000, 1)]
    public async Task A_flood_of_headers_is_cut_at_its_bound(int count, int chars)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(host.Anonymous.BaseAddress!.Host, host.Anonymous.BaseAddress.Port);
        var answer = Answer(socket);
        try
        {
            await socket.SendAsync("GET /messages HTTP/1.1\r\nHost: localhost\r\n"u8.ToArray());
            for (var index = 0; index < count; index++) await socket.SendAsync(Encoding.ASCII.GetBytes($"X{index}: {new string('a', chars)}\r\n"));
            await socket.SendAsync("\r\n"u8.ToArray());
        }
        catch (SocketException)
        {
            // Cut off amid the flood.
        }
        Assert.True(await answer is "HTTP/1.1 431" or "", await answer);
        using var other = await (await host.AnyTenant()).Live.GetAsync("/messages");
        Assert.True(other.IsSuccessStatusCode);
    }

    /// <summary>The beginning of the status line, or nothing where the connection was cut.</summary>
    private static async Task<string> Answer(Socket socket)
    {
        try
        {
            var octets = new byte[12];
            return Encoding.ASCII.GetString(octets, 0, await socket.ReceiveAsync(octets));
        }
        catch (SocketException)
        {
            return "";
        }
    }

    [Fact]
    public void Every_phase_of_a_connection_has_a_bound()
    {
        var limits = host.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits;
        Assert.InRange(limits.RequestHeadersTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(15));
        Assert.InRange(limits.KeepAliveTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));
        Assert.NotNull(limits.MinRequestBodyDataRate);
        Assert.NotNull(limits.MinResponseDataRate);
        Assert.NotNull(limits.MaxConcurrentConnections);
        Assert.InRange(limits.MaxRequestBodySize!.Value, 1, 1 << 20);
        Assert.InRange(limits.MaxRequestHeadersTotalSize, 1, 64 << 10);
        Assert.InRange(limits.MaxRequestLineSize, 1, 16 << 10);
        Assert.InRange(limits.MaxRequestHeaderCount, 1, 200);
    }

    private sealed class Slow(Socket socket) : IDisposable
    {
        /// <summary>The server has closed, whatever it answered before: an honest one would have waited for the rest.</summary>
        public bool IsCut
        {
            get
            {
                try
                {
                    var answer = new byte[4096];
                    while (socket.Poll(0, SelectMode.SelectRead))
                        if (socket.Receive(answer) == 0) return true;
                    return false;
                }
                catch (SocketException)
                {
                    return true;
                }
            }
        }

        public static async Task<Slow> Connect(TestHost host, string beginning)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(host.Anonymous.BaseAddress!.Host, host.Anonymous.BaseAddress.Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes(beginning));
            return new Slow(socket);
        }

        public async Task Trickle()
        {
            try
            {
                await socket.SendAsync("x"u8.ToArray());
            }
            catch (SocketException)
            {
                // Cut already, which is what is hoped for.
            }
        }

        public void Dispose() => socket.Dispose();
    }
}
