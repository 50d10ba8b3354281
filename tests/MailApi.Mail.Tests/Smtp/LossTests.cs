using System.Net;
using System.Net.Sockets;
using MailApi.Mail.Routing;
using MailApi.Mail.Smtp;
using Xunit;

namespace MailApi.Mail.Tests.Smtp;

public sealed class LossTests
{
    [Theory]
    [InlineData("", true)]
    [InlineData("EHLO", false)]
    [InlineData("MAIL", true)]
    [InlineData("RCPT", false)]
    [InlineData("DATA", true)]
    public async Task A_connection_lost_before_the_content_leads_to_the_next_host(string verb, bool reset)
    {
        await using var broken = ScriptedServer.Breaking(verb, reset);
        await using var next = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();

        var accepted = Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(broken, next)));

        Assert.Equal("mx2.mail.test", accepted.Host);
        Assert.Equal(1, broken.Connections);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_lost_amid_the_content_ends_the_attempt_undelivered(bool reset)
    {
        await using var broken = new ScriptedServer(async (session, command) =>
        {
            if (command != "DATA") return false;
            await session.Say("354 go ahead");
            // Else a reset might overtake the reply.
            await session.Line();
            session.Break(reset);
            return true;
        });
        await using var next = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();
        // More than socket buffers hold.
        var content = "A: b\r\n\r\n" + string.Concat(Enumerable.Repeat(new string('z', 76) + "\r\n", 200_000));

        var unreachable = Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(Sending.To(broken, next), Sending.Envelope(content)));

        Assert.Contains("sending the content", unreachable.Reason, StringComparison.Ordinal);
        Assert.Equal(0, next.Connections);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_lost_reply_to_the_final_dot_is_uncertain_and_not_sent_again(bool reset)
    {
        await using var broken = ScriptedServer.Breaking(".", reset);
        await using var next = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();

        var uncertain = Assert.IsType<TransmitResult.Uncertain>(await transmitter.Transmit(Sending.To(broken, next)));

        Assert.Equal("mx1.mail.test", uncertain.Host);
        Assert.Single(broken.Messages);
        Assert.Equal(0, next.Connections);
    }

    [Fact]
    public async Task A_held_reply_to_the_final_dot_is_uncertain()
    {
        await using var server = ScriptedServer.Silent(".");
        await using var transmitter = Sending.Impatient(timeouts => timeouts with { FinalDot = TimeSpan.FromMilliseconds(100) });

        var uncertain = Assert.IsType<TransmitResult.Uncertain>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal("no answer within 00:00:00.1000000 while waiting for the reply to the final dot", uncertain.Reason);
    }

    [Fact]
    public async Task A_senseless_reply_to_the_final_dot_is_uncertain()
    {
        await using var server = ScriptedServer.Answering(".", "hello?");
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Uncertain>(await transmitter.Transmit(Sending.To(server)));
    }

    [Theory]
    [InlineData("", "waiting for the greeting")]
    [InlineData("EHLO", "saying hello")]
    [InlineData("MAIL", "MAIL FROM")]
    [InlineData("RCPT", "RCPT TO")]
    [InlineData("DATA", "DATA")]
    public async Task Each_phase_has_its_own_patience(string verb, string during)
    {
        var brief = TimeSpan.FromMilliseconds(100);
        await using var silent = new ScriptedServer(async (session, command) =>
        {
            if (verb.Length == 0 ? command.Length == 0 : command.StartsWith(verb, StringComparison.Ordinal)) await session.UntilClosed();
            return false;
        })
        { Extensions = [] };
        await using var transmitter = Sending.Impatient(timeouts => verb switch
        {
            "" => timeouts with { Greeting = brief },
            "EHLO" => timeouts with { Hello = brief },
            "MAIL" => timeouts with { MailFrom = brief },
            "RCPT" => timeouts with { RcptTo = brief },
            _ => timeouts with { Data = brief },
        });

        var unreachable = Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(Sending.To(silent)));

        Assert.StartsWith("no answer within", unreachable.Reason, StringComparison.Ordinal);
        Assert.Contains(during, unreachable.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_receiver_that_stops_reading_runs_into_the_patience_for_a_block()
    {
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (command != "DATA") return false;
            await session.Say("354 go ahead");
            await _closed.Task;
            return true;
        });
        await using var transmitter = Sending.Impatient(timeouts => timeouts with { Block = TimeSpan.FromMilliseconds(200) });
        var content = "A: b\r\n\r\n" + string.Concat(Enumerable.Repeat(new string('z', 76) + "\r\n", 200_000));

        var unreachable = Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(Sending.To(server), Sending.Envelope(content)));
        _closed.SetResult();

        Assert.Contains("no answer within 00:00:00.2000000 while sending the content", unreachable.Reason, StringComparison.Ordinal);
    }

    private readonly TaskCompletionSource _closed = new();

    [Fact]
    public async Task Without_a_listener_the_host_is_unreachable()
    {
        // Bound and never listening: a port that was given back may be somebody else's by now.
        using var reserved = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        reserved.Bind(new IPEndPoint(IPAddress.Any, 0));
        var port = ((IPEndPoint)reserved.LocalEndPoint!).Port;
        await using var transmitter = Sending.Transmitter();
        var route = new Route { Site = "test", Hosts = [new RouteHost("gone.test", [IPAddress.Loopback, IPAddress.Parse("127.0.0.2")], port)] };

        var unreachable = Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(route));

        Assert.Equal("gone.test", unreachable.Host);
    }

    [Theory]
    [InlineData("421 4.3.2 busy", "554 5.3.2 no mail here", 421)]
    [InlineData("554 5.3.2 no mail here", "421 4.3.2 busy", 421)]
    [InlineData("554 5.3.2 no mail here", "554 5.3.2 nor here", 554)]
    public async Task A_host_that_may_yet_work_outweighs_one_that_never_will(string first, string second, int code)
    {
        await using var one = ScriptedServer.Answering("", first);
        await using var two = ScriptedServer.Answering("", second);
        await using var transmitter = Sending.Transmitter();

        var refused = Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(Sending.To(one, two)));

        Assert.Equal(code, refused.Reply.Code);
    }

    [Fact]
    public async Task A_refusal_of_the_envelope_is_not_taken_to_another_host()
    {
        await using var one = ScriptedServer.Answering("RCPT", "450 4.2.1 greylisted");
        await using var two = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(Sending.To(one, two)));

        Assert.Equal(0, two.Connections);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(20_000, false)]
    [InlineData(20_000, true)]
    public async Task A_closed_gate_leaves_the_receiver_without_the_final_dot(int lines, bool late)
    {
        var received = new TaskCompletionSource<string>();
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (command != "DATA") return false;
            await session.Say("354 go ahead");
            await Assert.ThrowsAsync<IOException>(session.Content);
            received.SetResult(System.Text.Encoding.Latin1.GetString([.. session.Received]));
            return true;
        });
        await using var transmitter = Sending.Transmitter();
        var content = "Subject: hello\r\n\r\n" + string.Concat(Enumerable.Repeat("Hello.\r\n", lines));

        var result = await transmitter.Transmit(Sending.To(server), Sending.Envelope(content) with { DotGate = _ => late ? new(Late()) : new(false) });

        Assert.IsType<TransmitResult.GateClosed>(result);
        Assert.StartsWith(await received.Task, content, StringComparison.Ordinal);
        await server.Sees("[closed]");
        Assert.DoesNotContain("QUIT", server.Transcript);
        Assert.Equal(0, transmitter.IdleConnections);

        static async Task<bool> Late()
        {
            await Task.Yield();
            return false;
        }
    }

    [Fact]
    public async Task The_gate_is_asked_only_when_all_content_is_with_the_receiver()
    {
        ServerSession? seen = null;
        var arrived = new TaskCompletionSource();
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (command != "DATA") return false;
            seen = session;
            await session.Say("354 go ahead");
            while (!System.Text.Encoding.Latin1.GetString([.. session.Received]).EndsWith("Hello.\r\n", StringComparison.Ordinal))
            {
                session.Received.AddRange(System.Text.Encoding.Latin1.GetBytes(await session.Line() + "\r\n"));
            }
            arrived.SetResult();
            Assert.Equal(".", await session.Line());
            await session.Say("250 fine");
            return true;
        });
        await using var transmitter = Sending.Transmitter();
        var envelope = Sending.Envelope() with
        {
            DotGate = async ct =>
            {
                await arrived.Task.WaitAsync(TimeSpan.FromSeconds(20), ct);
                return true;
            },
        };

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server), envelope));
        Assert.NotNull(seen);
    }

    [Fact]
    public async Task An_error_of_the_gate_is_the_callers_and_no_dot_is_sent()
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();

        await Assert.ThrowsAsync<IOException>(() => transmitter.Transmit(Sending.To(server), Sending.Envelope() with { DotGate = _ => throw new IOException("store away") }));

        await server.Sees("[closed]");
        Assert.Empty(server.Messages);
    }

    [Theory]
    [InlineData("")]
    [InlineData("EHLO")]
    [InlineData("RCPT")]
    [InlineData("DATA")]
    public async Task Cancellation_ends_an_attempt_before_the_content(string verb)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (!(verb.Length == 0 ? command.Length == 0 : command.StartsWith(verb, StringComparison.Ordinal))) return false;
            await cancel.CancelAsync();
            await session.UntilClosed();
            return true;
        });
        await using var transmitter = Sending.Transmitter();

        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => transmitter.Transmit(Sending.To(server), Sending.Envelope(), cancel.Token));

        Assert.Equal(cancel.Token, error.CancellationToken);
    }

    [Fact]
    public async Task Cancellation_does_not_end_an_attempt_once_the_content_has_begun()
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();
        var envelope = Sending.Envelope() with
        {
            DotGate = async _ =>
            {
                await cancel.CancelAsync();
                return true;
            },
        };

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server), envelope, cancel.Token));
    }
}
