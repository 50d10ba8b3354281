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
        await using var transmitter = Sending.Transmitter(Sending.Options with { MessagesPerConnectionMax = 2 });

        for (var i = 0; i < 3; i++) await transmitter.Transmit(Sending.To(server));

        Assert.Equal(2, server.Connections);
        await server.Sees("QUIT");
    }

    [Fact]
    public async Task An_idle_connection_is_left_with_QUIT_after_its_time()
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter(Sending.Options with { IdleTimeout = TimeSpan.Zero });

        await transmitter.Transmit(Sending.To(server));
        await server.Sees("QUIT");

        Assert.Equal(0, transmitter.IdleConnections);
    }

    [Fact]
    public async Task No_more_than_the_allowed_connections_are_kept()
    {
        var both = new TaskCompletionSource();
        var open = 0;
        await using var server = new ScriptedServer(async (_, command) =>
        {
            if (command.Length == 0 && Interlocked.Increment(ref open) == 2) both.SetResult();
            if (command.Length == 0) await both.Task;
            return false;
        });
        await using var transmitter = Sending.Transmitter(Sending.Options with { IdlePerHostMax = 1 });

        await Task.WhenAll(transmitter.Transmit(Sending.To(server)), transmitter.Transmit(Sending.To(server)));

        Assert.Equal(1, transmitter.IdleConnections);
        await server.Sees("QUIT");
    }
}
