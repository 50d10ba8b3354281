using MailApi.Mail.Smtp;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MailApi.Mail.Tests.Smtp;

public sealed class PipeliningTests
{
    private const string Group = "MAIL FROM:<b+1@bounces.shop.test>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\n";
    private const string Message = "Subject: hello\r\n\r\nHello.\r\n";

    [Fact]
    public async Task A_message_takes_two_writes_and_two_round_trips()
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();

        for (var i = 0; i < 2; i++) Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal(["EHLO out.mail.test\r\n", Group, Message + ".\r\n", Group, Message + ".\r\n"], server.Reads);
    }

    [Fact]
    public async Task While_the_gate_thinks_the_content_travels_and_nothing_after_it()
    {
        var open = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (command != "DATA") return false;
            await session.Say("354 go ahead");
            while (await session.Line() != "Hello.") { }
            open.SetResult(true);
            Assert.Equal(".", await session.Line());
            await session.Say("250 fine");
            return true;
        });
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server), Sending.Envelope() with { DotGate = _ => new(open.Task) }));

        Assert.Equal([Group, Message, ".\r\n"], server.Reads[1..]);
    }

    [Theory]
    [InlineData("EHLO")]
    [InlineData("")]
    public async Task Without_PIPELINING_each_command_waits_for_the_reply_to_the_one_before(string unknown)
    {
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (unknown.Length == 0 || !command.StartsWith(unknown, StringComparison.Ordinal)) return false;
            await session.Say("500 5.5.1 what?");
            return true;
        })
        { Extensions = ["8BITMIME"] };
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal(["MAIL FROM:<b+1@bounces.shop.test>\r\n", "RCPT TO:<ann@example.test>\r\n", "DATA\r\n", Message + ".\r\n"], server.Reads[^4..]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Late_and_split_replies_are_heard_in_order(bool pipelining)
    {
        var held = 0;
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (pipelining && command.Length > 0 && held < 2 && command[..4] is "MAIL" or "RCPT")
            {
                // Nothing is said before the whole group is here.
                held++;
                return true;
            }
            string? replies = command switch
            {
                "" => "220-sink\r\n220 ESMTP",
                "." => "250-2.0.0 taken\r\n250 2.0.0 over",
                "DATA" => pipelining ? "250-2.1.0 a\r\n250 2.1.0 b\r\n250 2.1.5 c\r\n354 go ahead" : "354 go ahead",
                _ when command.StartsWith("EHLO", StringComparison.Ordinal) => pipelining ? "250-sink\r\n250-\r\n250 PIPELINING" : "250-sink\r\n250 SIZE",
                _ => "250 fine",
            };
            await session.SayOctetByOctet(replies);
            if (command != "DATA") return true;
            await session.Content();
            await session.SayOctetByOctet("250-2.0.0 taken\r\n250 2.0.0 over");
            return true;
        });
        await using var transmitter = Sending.Transmitter();

        var accepted = Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal(new Reply(250, "2.0.0", "taken over"), accepted.Reply);
        Assert.Equal(1, transmitter.IdleConnections);
    }

    [Fact]
    public async Task A_refused_recipient_and_354_are_ended_with_a_lone_dot()
    {
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (command.StartsWith("RCPT", StringComparison.Ordinal)) await session.Say("550 5.1.1 nobody");
            else if (command == ".") await session.Say("554 5.5.1 no valid recipients");
            else return false;
            return true;
        });
        await using var transmitter = Sending.Transmitter();
        var asked = false;

        var refused = Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(Sending.To(server), Sending.Envelope() with { DotGate = _ => new(asked = true) }));

        Assert.Equal(("550 5.1.1 nobody", Stage.RcptTo), (refused.Reply.ToString(), refused.Stage));
        Assert.Equal([Group, ".\r\nRSET\r\n"], server.Reads[1..]);
        Assert.Empty(server.Messages.Single());
        Assert.Equal(1, transmitter.IdleConnections);
        Assert.False(asked);
    }

    [Fact]
    public async Task A_refused_sender_and_354_end_the_connection_without_a_dot()
    {
        await using var server = ScriptedServer.Answering("MAIL", "550 5.7.1 not you", "PIPELINING");
        await using var transmitter = Sending.Transmitter();

        var refused = Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(Sending.To(server)));
        await server.Sees("[closed]");

        Assert.Equal(Stage.MailFrom, refused.Stage);
        Assert.Equal([Group], server.Reads[1..]);
        Assert.Empty(server.Messages);
        Assert.Equal(0, transmitter.IdleConnections);
    }

    [Fact]
    public async Task A_refusal_is_told_even_where_the_rest_of_the_group_stays_unanswered()
    {
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (!command.StartsWith("MAIL", StringComparison.Ordinal)) return false;
            await session.Say("554 5.7.1 not you");
            session.Break(reset: false);
            return true;
        });
        await using var transmitter = Sending.Transmitter();

        Assert.Equal("554 5.7.1 not you", Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(Sending.To(server))).Reply.ToString());
    }

    [Fact]
    public async Task A_message_larger_than_any_buffer_arrives_whole_however_it_is_cut_into_parts()
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();
        var content = "A: b\r\n\r\n" + string.Concat(Enumerable.Repeat("." + new string('z', 75) + "\r\n", 100_000));
        var parts = content.Chunk(70_001).Select(part => (ReadOnlyMemory<byte>)System.Text.Encoding.Latin1.GetBytes(part)).ToList();

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server), Sending.Envelope() with { Content = parts }));

        Assert.Equal(content, System.Text.Encoding.Latin1.GetString(server.Messages.Single()));
    }

    [Theory]
    [InlineData("220 hi\r\n554 5.3.2 and bye", typeof(TransmitResult.Refused))]
    [InlineData("220 hi\r\n250 and more", typeof(TransmitResult.Unreachable))]
    [InlineData("hi", typeof(TransmitResult.Unreachable))]
    [InlineData("\0\0\0", typeof(TransmitResult.Unreachable))]
    [InlineData("220-one\r\n250 other", typeof(TransmitResult.Unreachable))]
    [InlineData("354 odd", typeof(TransmitResult.Unreachable))]
    public async Task A_greeting_that_is_none_ends_the_attempt(string greeting, Type expected)
    {
        await using var server = ScriptedServer.Answering("", greeting);
        await using var transmitter = Sending.Transmitter();

        Assert.IsType(expected, await transmitter.Transmit(Sending.To(server)));

        Assert.DoesNotContain(server.Transcript, line => line.StartsWith("EHLO", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_reply_to_the_final_dot_before_the_content_is_not_believed()
    {
        await using var server = ScriptedServer.Answering("DATA", "354 go ahead\r\n250 2.0.0 taken", "8BITMIME");
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(Sending.To(server)));
    }

    [Theory]
    [InlineData("250-")]
    [InlineData("250-\0")]
    public async Task Endless_empty_lines_are_cut_off(string line)
    {
        await using var server = new ScriptedServer(async (session, command) =>
        {
            while (command.StartsWith("EHLO", StringComparison.Ordinal)) await session.Say(line);
            return false;
        });
        await using var transmitter = Sending.Transmitter();

        Assert.Contains("longer than", Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(Sending.To(server))).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_reply_to_the_final_dot_has_ten_minutes_on_the_injected_clock()
    {
        var time = new FakeTimeProvider();
        await using var server = ScriptedServer.Silent(".");
        await using var transmitter = new Transmitter(Sending.Options, time);

        var transmitting = transmitter.Transmit(Sending.To(server));
        while (server.Messages.Count == 0) await Task.Yield();
        time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromTicks(1));
        Assert.False(transmitting.IsCompleted);
        time.Advance(TimeSpan.FromTicks(TimeSpan.TicksPerMillisecond));

        Assert.IsType<TransmitResult.Uncertain>(await transmitting);
    }
}
