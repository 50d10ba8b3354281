using MailApi.Mail.Smtp.Listener;
using Xunit;

namespace MailApi.Mail.Tests.Listener;

public sealed class RefusalTests
{
    [Theory]
    [InlineData("RCPT TO:<bob@example.org>", "503 5.5.1")]
    [InlineData("DATA", "503 5.5.1")]
    [InlineData("BDAT 0 LAST", "503 5.5.1")]
    [InlineData("MAIL FROM:<a@example.net>\r\nMAIL FROM:<b@example.net>", "250 2.1.0", "503 5.5.1")]
    [InlineData("MAIL FROM:<a@example.net>\r\nDATA", "250 2.1.0", "554 5.5.1")]
    [InlineData("MAIL FROM:<a@example.net>\r\nBDAT 2 LAST\r\nxyNOOP", "250 2.1.0", "554 5.5.1", "250 2.0.0")]
    [InlineData("MAIL FROM:<a@example.net>\r\nRCPT TO:<nobody@example.org>\r\nDATA", "250 2.1.0", "550 5.1.1", "554 5.5.1")]
    [InlineData("MAIL FROM:<a@example.net>\r\nRSET\r\nRCPT TO:<bob@example.org>", "250 2.1.0", "250 2.0.0", "503 5.5.1")]
    public async Task A_command_out_of_sequence_is_refused(string commands, params string[] replies)
    {
        await using var client = await Client.Ready();
        await client.Ask(commands, replies);
        await client.Ask("QUIT", "221 ");
        await client.ExpectEnd();
    }

    [Theory]
    [InlineData("MAIL FROM:<a@example.net>", "503 5.5.1")]
    [InlineData("NOOP", "250 2.0.0")]
    [InlineData("RSET", "250 2.0.0")]
    [InlineData("VRFY ann", "252 2.1.5")]
    [InlineData("HELP", "214 2.0.0")]
    [InlineData("QUIT", "221 2.0.0")]
    public async Task Before_a_greeting_of_the_client_there_is_no_mail(string command, string reply)
    {
        await using var client = Client.Connect();
        await client.Expect("220 ");
        await client.Ask(command, reply);
    }

    [Fact]
    public async Task Another_greeting_forgets_the_transaction()
    {
        await using var client = await Client.InTransaction();
        await client.Ask("HELO again.test", "250 mx.test");
        await client.Ask("DATA", "503 5.5.1");
    }

    [Theory]
    [InlineData("", "500 5.5.1")]
    [InlineData("WIZ", "500 5.5.1")]
    [InlineData(" NOOP", "500 5.5.1")]
    [InlineData("GET / HTTP/1.1", "500 5.5.1")]
    [InlineData("STARTTLS", "500 5.5.1")]
    [InlineData("AUTH PLAIN AGEAYg==", "500 5.5.1")]
    [InlineData("EXPN list", "502 5.5.1")]
    [InlineData("NOOP\0", "500 5.5.2")]
    [InlineData("NOOP\t", "500 5.5.2")]
    [InlineData("NOOP \xFF\xFE", "500 5.5.2")]
    [InlineData("VRFY", "501 5.5.4")]
    [InlineData("RSET now", "501 5.5.4")]
    [InlineData("DATA now", "501 5.5.4")]
    [InlineData("QUIT now", "501 5.5.4")]
    [InlineData("EHLO", "501 5.5.4")]
    [InlineData("EHLO a b", "501 5.5.4")]
    [InlineData("EHLO <script>", "501 5.5.4")]
    [InlineData("MAIL", "501 5.1.7")]
    [InlineData("MAIL FROM", "501 5.1.7")]
    [InlineData("MAIL FROM:ann@example.net", "501 5.1.7")]
    [InlineData("MAIL FROM:<ann@example.net", "501 5.1.7")]
    [InlineData("MAIL FROM:<postmaster>", "501 5.1.7")]
    [InlineData("MAIL FROM:<ann>", "501 5.1.7")]
    [InlineData("MAIL FROM:<@relay.test:ann>", "501 5.1.7")]
    [InlineData("MAIL FROM:<ann@example.net>SIZE=1", "501 5.1.7")]
    [InlineData("MAIL FROM:<ann@example.net> SIZE=", "501 5.5.4")]
    [InlineData("MAIL FROM:<ann@example.net> SIZE=-1", "501 5.5.4")]
    [InlineData("MAIL FROM:<ann@example.net> SIZE=1 SIZE=1", "501 5.5.4")]
    [InlineData("MAIL FROM:<ann@example.net> SIZE=26214401", "552 5.3.4")]
    [InlineData("MAIL FROM:<ann@example.net> BODY=BINARYMIME", "501 5.5.4")]
    [InlineData("MAIL FROM:<ann@example.net> SMTPUTF8=yes", "501 5.5.4")]
    [InlineData("MAIL FROM:<ann@example.net> RET=ALL", "501 5.5.4")]
    [InlineData("MAIL FROM:<ann@example.net> RET=FULL RET=FULL", "501 5.5.4")]
    [InlineData("MAIL FROM:<ann@example.net> ENVID=", "501 5.5.4")]
    [InlineData("MAIL FROM:<ann@example.net> ENVID=a+b", "501 5.5.4")]
    [InlineData("MAIL FROM:<ann@example.net> ENVID=a+2b", "501 5.5.4")]
    [InlineData("MAIL FROM:<ann@example.net> ENVID=a=b", "501 5.5.4")]
    [InlineData("MAIL FROM:<ann@example.net> AUTH=<>", "555 5.5.4")]
    public async Task A_wrong_command_is_refused_and_changes_nothing(string command, string reply)
    {
        await using var client = await Client.Ready();
        await client.Ask(command, reply);
        await client.Ask("MAIL FROM: <ann@example.net> size=26214400 body=7bit", "250 2.1.0");
        await client.Ask("RCPT TO:<bob@example.org> ", "250 2.1.5");
    }

    [Theory]
    [InlineData("RCPT TO:<>", "501 5.1.3")]
    [InlineData("RCPT TO:<bob bob>", "501 5.1.3")]
    [InlineData("RCPT TO:<nobody>", "550 5.1.1")]
    [InlineData("RCPT TO:<bob@example.org> SIZE=1", "555 5.5.4")]
    [InlineData("RCPT TO:<bob@example.org> NOTIFY=", "501 5.5.4")]
    [InlineData("RCPT TO:<bob@example.org> NOTIFY=NEVER,FAILURE", "501 5.5.4")]
    [InlineData("RCPT TO:<bob@example.org> NOTIFY=FAILURE,FAILURE", "501 5.5.4")]
    [InlineData("RCPT TO:<bob@example.org> NOTIFY=FAILURE NOTIFY=FAILURE", "501 5.5.4")]
    [InlineData("RCPT TO:<bob@example.org> ORCPT=bob@example.org", "501 5.5.4")]
    [InlineData("RCPT TO:<bob@example.org> ORCPT=rfc822;", "501 5.5.4")]
    [InlineData("RCPT TO:<bob@example.org> ORCPT=;bob@example.org", "501 5.5.4")]
    [InlineData("RCPT TO:<bob@example.org> ORCPT=rfc822;bob+40example.org+", "501 5.5.4")]
    [InlineData("RCPT TO:<bob@example.org> notify=success,delay,failure ORCPT=rfc822;bob+2Bx@example.org", "250 2.1.5")]
    [InlineData("RCPT TO:<bob@example.org> NOTIFY=NEVER", "250 2.1.5")]
    [InlineData("RCPT TO:<@a.test,b.test:bob@example.org>", "501 5.1.3")]
    [InlineData("RCPT TO:<@a.test:@b.test:bob@example.org>", "501 5.1.3")]
    [InlineData("RCPT TO:<@:bob@example.org>", "501 5.1.3")]
    [InlineData("RCPT TO:<@a.test:>", "501 5.1.3")]
    [InlineData("RCPT TO:<bob@example.org>\r\nRCPT TO:<bob@example.org>", "250 2.1.5", "250 2.1.5")]
    public async Task A_recipient_is_one_plain_mailbox(string command, params string[] replies)
    {
        await using var client = await Client.Ready();
        await client.Ask("MAIL FROM:<ann@example.net>", "250 2.1.0");
        await client.Ask(command, replies);
    }

    [Theory]
    [InlineData("@a.test:")]
    [InlineData("@a.test,@b.test:")]
    [InlineData("@[192.0.2.1],@[IPv6:2001:db8::1]:")]
    public async Task A_source_route_is_recognised_and_ignored(string route)
    {
        await using var client = await Client.Ready();
        await client.Ask($"MAIL FROM:<{route}ann@example.net> SIZE=1", "250 2.1.0");
        await client.Ask($"RCPT TO:<{route}nobody@example.org>", "550 5.1.1");
        await client.Ask($"RCPT TO:<{route}bob@example.org> NOTIFY=NEVER", "250 2.1.5");
        await client.Ask("DATA", "354 ");
        await client.Ask("text\r\n.", "250 2.0.0");
        var message = Assert.Single(client.Delivered).Message;
        Assert.Equal(("ann@example.net", "bob@example.org"), (message.Sender.MailFrom?.ToString(), Assert.Single(message.Recipients).ToString()));
    }

    [Fact]
    public async Task Recipients_beyond_the_limit_wait_for_another_transaction()
    {
        await using var client = await Client.Ready(new ReceptionLimits { RecipientsMax = 2 });
        await client.Ask("MAIL FROM:<ann@example.net>\r\nRCPT TO:<1@example.org>\r\nRCPT TO:<nobody@example.org>\r\nRCPT TO:<2@example.org>\r\nRCPT TO:<3@example.org>",
            "250 2.1.0", "250 2.1.5", "550 5.1.1", "250 2.1.5", "452 4.5.3");
        await client.Ask("DATA", "354 ");
        await client.Ask("text\r\n.", "250 2.0.0");
        Assert.Equal(2, Assert.Single(client.Delivered).Message.Recipients.Count);
    }

    [Fact]
    public async Task A_command_line_has_its_limit()
    {
        await using var client = await Client.Ready(new ReceptionLimits { CommandLineBytesMax = 40 });
        await client.Ask("NOOP " + new string('x', 33), "250 2.0.0");
        await client.Ask("NOOP " + new string('x', 34), "500 5.5.2");
        await client.Ask("NOOP " + new string('x', 100_000), "500 5.5.2");
        foreach (var octet in "NOOP " + new string('x', 100) + "\r\n") client.Write(octet.ToString());
        await client.Expect("500 5.5.2");
        await client.Ask("NOOP", "250 2.0.0");
    }

    [Fact]
    public async Task A_message_has_its_limit_and_more_is_read_but_not_kept()
    {
        await using var client = await Client.InTransaction(new ReceptionLimits { MessageBytesMax = 100 });
        await client.Ask("DATA", "354 ");
        await client.Ask(new string('x', 98) + "\r\n.", "250 2.0.0");
        await client.Ask("MAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA", "250 ", "250 ", "354 ");
        for (var line = 0; line < 1000; line++) client.Write("..more\r\n");
        await client.Ask(".", "552 5.3.4");
        Assert.Equal(100, Assert.Single(client.Delivered).Content.Length);
        await client.Ask("NOOP", "250 2.0.0");
    }

    [Fact]
    public async Task A_line_of_text_has_its_limit()
    {
        await using var client = await Client.InTransaction();
        await client.Ask("DATA", "354 ");
        await client.Ask("." + new string('.', 998) + "\r\n" + new string('x', 998) + "\r\n.", "250 2.0.0");
        await client.Ask("MAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA", "250 ", "250 ", "354 ");
        await client.Ask("short\r\n" + new string('x', 999) + "\r\n.", "550 5.6.0");
        Assert.Single(client.Delivered);
    }

    [Theory]
    [InlineData("MAIL FROM:<ann@example.net> SIZE=26214401", "552 5.3.4")]
    [InlineData("MAIL FROM:<ann>", "501 5.1.7")]
    public async Task What_was_pipelined_behind_a_refused_MAIL_is_no_error(string mail, string refusal)
    {
        await using var client = await Client.Ready(new ReceptionLimits { ErrorsMax = 3 });
        var recipients = Enumerable.Range(0, 100).Select(count => $"RCPT TO:<{count}@example.org>").ToList();
        await client.Ask(string.Join("\r\n", [mail, .. recipients, "DATA"]), [refusal, .. Enumerable.Repeat("503 5.5.1", recipients.Count + 1)]);

        // Without a MAIL it is one.
        await client.Ask("RSET", "250 2.0.0");
        await client.Ask("RCPT TO:<bob@example.org>", "503 5.5.1");
        await client.Ask("RCPT TO:<bob@example.org>", "421 4.7.0");
        await client.ExpectEnd();
    }

    [Fact]
    public async Task Too_many_errors_end_the_session_but_refused_recipients_do_not()
    {
        await using var client = await Client.Ready(new ReceptionLimits { ErrorsMax = 3 });
        await client.Ask("MAIL FROM:<ann@example.net>", "250 ");
        for (var count = 0; count < 10; count++) await client.Ask("RCPT TO:<nobody@example.org>", "550 5.1.1");
        await client.Ask("WIZ", "500 5.5.1");
        await client.Ask("DEBUG", "500 5.5.1");
        await client.Ask("WIZ", "421 4.7.0");
        await client.ExpectEnd();
    }
}
