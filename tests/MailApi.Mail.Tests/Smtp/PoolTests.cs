using MailApi.Mail.Smtp;
using Xunit;

namespace MailApi.Mail.Tests.Smtp;

public sealed class PoolTests
{
    [Fact]
    public async Task Messages_share_a_connection()
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();

        for (var i = 0; i < 5; i++) Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal(1, server.Connections);
        Assert.Equal(1, transmitter.IdleConnections);
        Assert.Single(server.Transcript, line => line.StartsWith("EHLO", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("MAIL", "450 4.7.1 not now")]
    [InlineData("RCPT", "550 5.1.1 nobody")]
    [InlineData("DATA", "451 4.3.0 not now")]
    [InlineData(".", "550 5.7.1 spam")]
    public async Task A_refusal_is_reset_and_the_connection_stays(string verb, string reply)
    {
        var refusals = 0;
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (!command.StartsWith(verb, StringComparison.Ordinal) || refusals++ > 0) return false;
            await session.Say(reply);
            return true;
        })
        { Extensions = [] };
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(Sending.To(server)));
        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal(1, server.Connections);
        Assert.Contains("RSET", server.Transcript);
    }

    [Fact]
    public async Task A_connection_that_cannot_be_reset_is_closed()
    {
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (command.StartsWith("RCPT", StringComparison.Ordinal)) await session.Say("550 5.1.1 nobody");
            else if (command == "RSET") await session.Say("500 5.5.1 what?");
            else return false;
            return true;
        });
        await using var transmitter = Sending.Transmitter();

        var refused = Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal((550, Stage.RcptTo), (refused.Reply.Code, refused.Stage));
        Assert.Equal(0, transmitter.IdleConnections);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_kept_connection_that_died_is_replaced_silently(bool reset)
    {
        var mails = 0;
        await using var server = new ScriptedServer((session, command) =>
        {
            // Dies on the second MAIL: what was idle looked alive until then.
            if (command.StartsWith("MAIL", StringComparison.Ordinal) && ++mails == 2) session.Break(reset);
            return Task.FromResult(false);
        });
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));
        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal(2, server.Connections);
        Assert.Equal(2, server.Messages.Count);
    }

    [Fact]
    public async Task A_kept_connection_that_answers_MAIL_with_421_is_replaced_silently()
    {
        var mails = 0;
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (!command.StartsWith("MAIL", StringComparison.Ordinal) || ++mails != 2) return false;
            await session.Say("421 4.4.2 idle for too long");
            session.Break(reset: false);
            return true;
        });
        await using var transmitter = Sending.Transmitter();

        await transmitter.Transmit(Sending.To(server));
        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal(2, server.Connections);
    }

    [Fact]
    public async Task A_connection_whose_server_speaks_up_or_hangs_up_while_idle_is_not_used_again()
    {
        var hangUp = new TaskCompletionSource();
        var served = 0;
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (command != "." || ++served > 1) return false;
            await session.Say("250 2.0.0 fine");
            await hangUp.Task;
            await session.Say("421 4.4.2 idle for too long");
            session.Break(reset: false);
            return true;
        });
        await using var transmitter = Sending.Transmitter();

        await transmitter.Transmit(Sending.To(server));
        hangUp.SetResult();
        await server.Sees("[closed]");
        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal(2, server.Connections);
    }

    [Fact]
    public async Task A_new_connection_that_is_lost_at_MAIL_is_not_tried_again_there()
    {
        await using var server = ScriptedServer.Breaking("MAIL", reset: true);
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task A_connection_out_of_step_is_not_used_again()
    {
        await using var server = ScriptedServer.Answering(".", "250 2.0.0 fine\r\n250 2.0.0 and again");
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal(0, transmitter.IdleConnections);
    }

    [Fact]
    public async Task A_connection_is_left_with_QUIT_after_its_share_of_messages()
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter(Sending.Options with { Terms = new ConnectionTerms { Messages = 2 } });

        for (var i = 0; i < 3; i++) await transmitter.Transmit(Sending.To(server));

        Assert.Equal(2, server.Connections);
        await server.Sees("QUIT");
    }

    [Fact]
    public async Task An_idle_connection_is_left_with_QUIT_after_its_time()
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter(Sending.Options with { Terms = new ConnectionTerms { IdleTime = TimeSpan.Zero } });

        await transmitter.Transmit(Sending.To(server));
        await server.Sees("QUIT");

        Assert.Equal(0, transmitter.IdleConnections);
    }

    [Fact]
    public async Task A_site_never_sees_more_connections_than_it_is_given()
    {
        var (open, most) = (0, 0);
        await using var server = new ScriptedServer(async (_, command) =>
        {
            if (command.Length == 0) most = Math.Max(most, Interlocked.Increment(ref open));
            // Long enough that the others come meanwhile, be it for another connection.
            if (command is "." or "QUIT") await Task.Yield();
            if (command == "QUIT") Interlocked.Decrement(ref open);
            return false;
        });
        await using var transmitter = Sending.Transmitter(Sending.Options with { Terms = new ConnectionTerms { Connections = 2, Messages = 3 } });

        var results = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => transmitter.Transmit(Sending.To(server))));

        Assert.All(results, result => Assert.IsType<TransmitResult.Accepted>(result));
        Assert.InRange(most, 1, 2);
        Assert.InRange(server.Connections, 10, 30);
    }

    [Fact]
    public async Task An_idle_connection_to_one_host_of_a_site_makes_room_for_one_to_another()
    {
        await using var first = new ScriptedServer();
        await using var second = new ScriptedServer();
        await using var transmitter = Sending.Transmitter(Sending.Options with { Terms = new ConnectionTerms { Connections = 1 } });

        await transmitter.Transmit(Sending.To(first));
        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(second)));

        Assert.Contains("QUIT", first.Transcript);
        Assert.Equal(1, transmitter.IdleConnections);
    }

    [Fact]
    public async Task A_connection_that_could_not_be_opened_leaves_its_place_to_the_next()
    {
        await using var dead = ScriptedServer.Answering("EHLO", "421 4.3.2 not now");
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter(Sending.Options with { Terms = new ConnectionTerms { Connections = 1 } });

        Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(Sending.To(dead)));
        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));
    }
}
