using System.Text;
using MailApi.Mail.Smtp;
using Xunit;

namespace MailApi.Mail.Tests.Smtp;

public sealed class TransmitterTests
{
    [Theory]
    [InlineData("", "MAIL FROM:<b+1@bounces.shop.test>")]
    [InlineData("PIPELINING", "MAIL FROM:<b+1@bounces.shop.test>")]
    [InlineData("PIPELINING SIZE CHUNKING BINARYMIME 8BITMIME SMTPUTF8 REQUIRETLS", "MAIL FROM:<b+1@bounces.shop.test>")]
    [InlineData("SIZE=1000", "MAIL FROM:<b+1@bounces.shop.test> SIZE=26")]
    public async Task The_receiver_sees_exactly_the_expected_commands(string extensions, string mailFrom)
    {
        await using var server = new ScriptedServer { Extensions = extensions.Split(' ', StringSplitOptions.RemoveEmptyEntries) };
        await using (var transmitter = Sending.Transmitter())
        {
            Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));
        }
        await server.Sees("[closed]");

        Assert.Equal(["EHLO out.mail.test", mailFrom, "RCPT TO:<ann@example.test>", "DATA", "QUIT", "[closed]"], server.Transcript);
    }

    [Theory]
    [InlineData("ann@example.test", " NOTIFY=FAILURE ORCPT=rfc822;ann@example.test")]
    [InlineData("o'neil+a=b@example.test", " NOTIFY=FAILURE ORCPT=rfc822;o'neil+2Ba+3Db@example.test")]
    [InlineData("\"odd one\"@example.test", " NOTIFY=FAILURE ORCPT=rfc822;\"odd+20one\"@example.test")]
    [InlineData("änn@example.test", " NOTIFY=FAILURE")]
    public async Task Who_offers_notifications_is_asked_for_those_of_failures(string recipient, string parameters)
    {
        await using var server = new ScriptedServer { Extensions = ["PIPELINING", "DSN", "SMTPUTF8", "8BITMIME"] };
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server), Sending.Envelope() with { Recipient = recipient, NeedsSmtpUtf8 = !Ascii.IsValid(recipient), EnvelopeId = "env_1" }));

        Assert.Contains(server.Transcript, line => line.StartsWith("MAIL FROM:<b+1@bounces.shop.test> ", StringComparison.Ordinal) && line.EndsWith(" RET=HDRS ENVID=env_1", StringComparison.Ordinal));
        Assert.Contains($"RCPT TO:<{recipient}>{parameters}", server.Transcript);
    }

    [Fact]
    public async Task The_reply_to_the_final_dot_is_told()
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();

        var accepted = Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal(new Reply(250, "2.0.0", "taken as 4711"), accepted.Reply);
        Assert.Equal("mx1.mail.test", accepted.Host);
        Assert.Null(accepted.TlsProtocol);
    }

    [Fact]
    public async Task Any_positive_reply_to_the_final_dot_is_acceptance()
    {
        await using var server = ScriptedServer.Answering(".", "251 2.0.0 will forward");
        await using var transmitter = Sending.Transmitter();

        var accepted = Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal(251, accepted.Reply.Code);
    }

    [Fact]
    public async Task A_notification_has_an_empty_return_path()
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();

        await transmitter.Transmit(Sending.To(server), Sending.Envelope() with { MailFrom = "" });

        Assert.Contains("MAIL FROM:<>", server.Transcript);
    }

    public static TheoryData<string, string, Stage, string> Refusals()
    {
        var data = new TheoryData<string, string, Stage, string>();
        (string Verb, Stage Stage)[] stages =
            [("", Stage.Greeting), ("EHLO", Stage.Hello), ("MAIL", Stage.MailFrom), ("RCPT", Stage.RcptTo), ("DATA", Stage.Data), (".", Stage.Content)];
        foreach (var (verb, stage) in stages)
        {
            foreach (var reply in (string[])["421 4.3.2 shutting down", "450 4.2.1 later", "550 5.1.1 never"])
            {
                data.Add(verb, reply, stage, "PIPELINING");
                data.Add(verb, reply, stage, "");
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_refusal_is_told_with_its_stage(string verb, string reply, Stage stage, string extension)
    {
        await using var server = new ScriptedServer(async (session, command) =>
        {
            // A host that refuses EHLO refuses HELO too.
            if (!(verb.Length == 0 ? command.Length == 0 : command.StartsWith(verb, StringComparison.Ordinal) || (verb == "EHLO" && command.StartsWith("HELO", StringComparison.Ordinal)))) return false;
            await session.Say(reply);
            return true;
        })
        { Extensions = [extension] };
        await using var transmitter = Sending.Transmitter();

        var refused = Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal(reply, refused.Reply.ToString());
        Assert.Equal(stage, refused.Stage);
        Assert.Equal("mx1.mail.test", refused.Host);
    }

    [Fact]
    public async Task All_lines_of_a_reply_are_told()
    {
        await using var server = ScriptedServer.Answering("RCPT", "550-5.7.1 first line\r\n550-5.7.1 second\r\n550 5.7.1 third");
        await using var transmitter = Sending.Transmitter();

        var refused = Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal(new Reply(550, "5.7.1", "first line second third"), refused.Reply);
    }

    [Fact]
    public async Task A_host_that_only_knows_HELO_is_served()
    {
        await using var server = ScriptedServer.Answering("EHLO", "502 5.5.1 what?");
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));
    }

    [Fact]
    public async Task An_endless_reply_is_cut_off()
    {
        await using var server = new ScriptedServer(async (session, command) =>
        {
            while (command.StartsWith("EHLO", StringComparison.Ordinal)) await session.Say("250-" + new string('x', 500));
            return false;
        });
        await using var transmitter = Sending.Transmitter();

        var unreachable = Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(Sending.To(server)));

        Assert.Contains("longer than", unreachable.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ann@example.test\r\nRCPT TO:<eve@example.test>")]
    [InlineData("ann@example.test> SIZE=1")]
    [InlineData("ann\0@example.test")]
    [InlineData("ann\u2028@example.test")]
    [InlineData("änn@example.test")]
    [InlineData("ann")]
    [InlineData("")]
    [InlineData("<ann@example.test>")]
    [InlineData("Ann <ann@example.test>")]
    [InlineData("ann@example.test, eve@example.test")]
    public async Task An_address_that_could_break_the_command_line_is_refused_unsent(string address)
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();

        var recipient = Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(Sending.To(server), Sending.Envelope() with { Recipient = address }));
        Assert.Equal((553, "5.1.3", null), (recipient.Reply.Code, recipient.Reply.Enhanced, recipient.Host));
        if (address.Length > 0)
        {
            var sender = Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(Sending.To(server), Sending.Envelope() with { MailFrom = address }));
            Assert.Equal(Stage.MailFrom, sender.Stage);
        }
        Assert.Equal(0, server.Connections);
    }

    [Theory]
    [InlineData("o'neil+tag.x_y@example.test")]
    [InlineData("\"odd one\"@example.test")]
    [InlineData("\"a\\\"b\"@example.test")]
    [InlineData("x@xn--bcher-kva.test")]
    public async Task An_address_is_sent_as_it_stands(string address)
    {
        await using var server = new ScriptedServer { Extensions = ["SMTPUTF8", "8BITMIME"] };
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server), Sending.Envelope() with { Recipient = address }));

        Assert.Contains($"RCPT TO:<{address}>", server.Transcript);
        Assert.Contains("MAIL FROM:<b+1@bounces.shop.test>", server.Transcript);
    }

    [Theory]
    [InlineData("SMTPUTF8,8BITMIME", true, "MAIL FROM:<b+1@bounces.shop.test> SMTPUTF8 BODY=8BITMIME")]
    [InlineData("SMTPUTF8,8BITMIME", false, "MAIL FROM:<b+1@bounces.shop.test>")]
    public async Task SMTPUTF8_is_asked_for_only_when_needed(string extensions, bool needed, string expected)
    {
        await using var server = new ScriptedServer { Extensions = extensions.Split(',') };
        await using var transmitter = Sending.Transmitter();
        var envelope = Sending.Envelope() with
        {
            NeedsSmtpUtf8 = needed,
            EightBit = needed,
            Recipient = needed ? "änn@xn--bcher-kva.test" : "ann@xn--bcher-kva.test",
            Content = [Encoding.UTF8.GetBytes(needed ? "To: änn@example.test\r\n\r\nü\r\n" : "To: a\r\n\r\nb\r\n")],
        };

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server), envelope));

        Assert.Contains(expected, server.Transcript);
        Assert.Contains($"RCPT TO:<{envelope.Recipient}>", server.Transcript);
        Assert.Equal(envelope.Content[0].ToArray(), server.Messages.Single());
    }

    [Theory]
    [InlineData("8BITMIME", true, false, "550 5.6.7 the receiver does not support internationalised addresses (SMTPUTF8)")]
    [InlineData("SIZE 100000", false, true, "554 5.6.3 the receiver does not support 8-bit content (8BITMIME)")]
    [InlineData("SIZE 25", false, false, "552 5.3.4 the message has 26 octets and the receiver takes 25")]
    public async Task What_the_receiver_cannot_take_is_not_sent(string extension, bool utf8, bool eightBit, string reply)
    {
        await using var server = new ScriptedServer { Extensions = [extension] };
        await using (var transmitter = Sending.Transmitter())
        {
            var refused = Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(Sending.To(server), Sending.Envelope() with { NeedsSmtpUtf8 = utf8, EightBit = eightBit }));
            Assert.Equal(reply, refused.Reply.ToString());
        }
        await server.Sees("[closed]");

        Assert.Equal(["EHLO out.mail.test", "QUIT", "[closed]"], server.Transcript);
    }

    [Theory]
    [InlineData("SIZE 26")]
    [InlineData("SIZE 0")]
    public async Task A_message_of_just_the_offered_size_or_without_a_limit_is_sent(string size)
    {
        await using var server = new ScriptedServer { Extensions = [size] };
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));
    }
}
