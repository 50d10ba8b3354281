using System.Net;
using System.Net.Sockets;
using System.Text;
using MailApi.Hosting;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Receiving;

/// <summary>S-27: a thousand mail servers that never come to an end.</summary>
public sealed class SlowSenderTests : IAsyncLifetime
{
    private const int SlowOfEachKind = 500;
    private const int HealthyTransactions = 200;

    /// <summary>Far above what a healthy answer takes on a busy machine, far below what waiting for a slow client would.</summary>
    private static readonly TimeSpan HealthyMax = TimeSpan.FromSeconds(5);

    private readonly TestHost host = new()
    {
        Settings = [$"Receive:ConnectionsMax={2 * SlowOfEachKind + 10}", $"Receive:ConnectionsPerAddressMax={2 * SlowOfEachKind + 10}"],
    };

    public ValueTask InitializeAsync() => host.InitializeAsync();

    public ValueTask DisposeAsync() => host.DisposeAsync();

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task A_thousand_that_drip_a_command_or_a_message_delay_no_other()
    {
        var tenant = await host.NewTenant();
        var feedback = $"feedback@bounces.{tenant.Domain}";
        var slow = new List<Socket>();
        try
        {
            for (var count = 0; count < SlowOfEachKind; count++)
            {
                slow.Add(await Open("EHLO slow.test\r\n", "MAIL FROM:<"));
                slow.Add(await Open("EHLO slow.test\r\n", "MAIL FROM:<>\r\n", $"RCPT TO:<{feedback}>\r\n", "DATA\r\n", "Subject: slow\r\n\r\nx"));
            }
            var times = new List<TimeSpan>();
            await using var healthy = await host.Stranger();
            healthy.ReversePath = "";
            Assert.StartsWith("250 ", await healthy.Ask("EHLO mx.example.net"), StringComparison.Ordinal);
            for (var count = 0; count < HealthyTransactions; count++)
            {
                await slow[count].SendAsync("x"u8.ToArray());
                var started = TimeProvider.System.GetTimestamp();
                Assert.StartsWith("250 ", await healthy.Send(Answers.Feedback(null, $"<{count}@nobody.example>"), feedback), StringComparison.Ordinal);
                times.Add(TimeProvider.System.GetElapsedTime(started));
            }
            times.Sort();
            Assert.InRange(times[HealthyTransactions * 99 / 100], TimeSpan.Zero, HealthyMax);
            Assert.DoesNotContain(slow, one => one.Poll(0, SelectMode.SelectRead));
        }
        finally
        {
            foreach (var one in slow) one.Dispose();
        }
    }

    /// <summary>A session that has come so far, the last of it unfinished.</summary>
    private async Task<Socket> Open(params string[] said)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, host.SmtpPort(Listeners.SmtpName));
        foreach (var line in said)
        {
            await Reply(socket);
            await socket.SendAsync(Encoding.ASCII.GetBytes(line));
        }
        return socket;
    }

    /// <summary>Reads to the end of one reply.</summary>
    private static async Task Reply(Socket socket)
    {
        var (block, reply) = (new byte[1024], "");
        while (!(reply.EndsWith('\n') && reply.Split("\r\n")[^2] is [_, _, _, ' ', ..]))
        {
            var read = await socket.ReceiveAsync(block);
            Assert.NotEqual(0, read);
            reply += Encoding.ASCII.GetString(block, 0, read);
        }
    }
}
