using MailApi.Mail.Smtp;
using MailApi.Mail.Smtp.Listener;
using Xunit;

namespace MailApi.Mail.Tests.Listener;

public sealed class DialogueTests
{
    [Fact]
    public async Task A_message_is_taken_with_its_envelope()
    {
        await using var client = Client.Connect();
        await client.Expect("220 mx.test ESMTP");
        await client.Ask("EHLO client.test", "250-mx.test", "250-PIPELINING", "250-SIZE 26214400", "250-8BITMIME", "250-SMTPUTF8", "250-CHUNKING", "250-DSN", "250-ENHANCEDSTATUSCODES", "250 HELP");
        await client.Ask("MAIL FROM:<ann@example.net> SIZE=100 BODY=8BITMIME", "250 2.1.0");
        await client.Ask("RCPT TO:<bob@Example.ORG>", "250 2.1.5");
        await client.Ask("RCPT TO:<nobody@example.org>", "550 5.1.1 No such mailbox");
        await client.Ask("RCPT TO:<carol@example.org>", "250 2.1.5");
        await client.Ask("DATA", "354 ");
        await client.Ask("Subject: Hi\r\n\r\nWords \xE9\r\n.", "250 2.0.0 Stored");
        await client.Ask("QUIT", "221 2.0.0");
        await client.ExpectEnd();

        var (message, content) = Assert.Single(client.Delivered);
        Assert.Equal("Subject: Hi\r\n\r\nWords \xE9\r\n", content);
        Assert.Equal("ann@example.net", message.Sender.MailFrom?.ToString());
        Assert.Equal(("client.test", "127.0.0.1:4025"), (message.Sender.Helo, message.Sender.Client?.ToString()));
        Assert.Equal(["bob@example.org", "carol@example.org"], message.Recipients.Select(path => path.ToString()));
        Assert.False(message.SmtpUtf8);
    }

    [Fact]
    public async Task A_client_of_the_old_protocol_sends_bounces_one_after_another()
    {
        await using var client = Client.Connect();
        await client.Expect("220 ");
        await client.Ask("helo [192.0.2.1]", "250 mx.test");
        for (var count = 1; count <= 3; count++)
        {
            await client.Ask("mail from:<>", "250 2.1.0");
            await client.Ask("rcpt to:<postmaster>", "250 2.1.5");
            await client.Ask("data", "354 ");
            await client.Ask($"{count}\r\n.", "250 2.0.0");
        }
        Assert.Equal(["1\r\n", "2\r\n", "3\r\n"], client.Delivered.Select(delivered => delivered.Content));
        Assert.All(client.Delivered, delivered => Assert.Null(delivered.Message.Sender.MailFrom));
    }

    [Fact]
    public async Task Replies_to_a_pipelined_group_leave_together()
    {
        await using var client = await Client.Ready();
        var flush = client.NextFlush();
        client.Write("MAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\nRCPT TO:<nobody@example.org>\r\nDATA\r\n");
        var replies = (await flush).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["250", "250", "550", "354"], replies.Select(reply => reply[..3]));

        flush = client.NextFlush();
        client.Write("text\r\n.\r\nMAIL FROM:<ann@example.net>\r\nRCPT TO:<nobody@example.org>\r\nDATA\r\nRSET\r\nQUIT\r\n");
        replies = (await flush).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["250", "250", "550", "554", "250", "221"], replies.Select(reply => reply[..3]));
        Assert.Single(client.Delivered);
    }

    [Fact]
    public async Task A_client_that_pipelines_without_end_does_not_make_the_server_hold_its_replies()
    {
        await using var client = await Client.Ready();
        var flush = client.NextFlush();
        client.Write(string.Concat(Enumerable.Repeat("NOOP\r\n", 10_000)));
        Assert.InRange((await flush).Length, 1, 17 << 10);
    }

    [Theory]
    [InlineData(451, "4.3.0", "451 4.3.0 Later")]
    [InlineData(550, "5.7.1", "550 5.7.1 Later")]
    [InlineData(550, null, "550 Later")]
    public async Task The_verdict_on_a_message_reaches_the_client_and_the_session_goes_on(int code, string? enhanced, string expected)
    {
        await using var client = await Client.InTransaction();
        client.OnDeliver = _ => new Reply(code, enhanced, "Later");
        await client.Ask("DATA", "354 ");
        await client.Ask("text\r\n.", expected);
        await client.Ask("MAIL FROM:<ann@example.net>", "250 2.1.0");
        Assert.Empty(client.Delivered);
    }

    [Fact]
    public async Task A_reply_that_quotes_a_stranger_stays_one_line()
    {
        await using var client = await Client.InTransaction();
        client.OnDeliver = _ => new Reply(550, "5.7.1", "No\r\n250 2.0.0 yes é" + new string('x', 2000));
        await client.Ask("DATA", "354 ");
        client.Write("text\r\n.\r\nNOOP\r\n");
        var line = await client.ReadLine();
        Assert.StartsWith("550 5.7.1 No  250 2.0.0 yes ?x", line);
        Assert.InRange(line!.Length, 1, 510);
        await client.Expect("250 2.0.0");
    }

    [Fact]
    public async Task What_the_policy_throws_ends_the_session()
    {
        await using var client = await Client.InTransaction();
        client.OnDeliver = _ => throw new InvalidOperationException("A fault of ours.");
        await client.Ask("DATA", "354 ");
        client.Write("text\r\n.\r\n");
        await client.Expect();
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.Session);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MAI")]
    [InlineData("MAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n")]
    [InlineData("MAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\nBDAT 10 LAST\r\n12345")]
    public async Task A_client_that_goes_away_leaves_nothing_behind(string last)
    {
        foreach (var reset in new[] { null, new IOException("reset") })
        {
            await using var client = await Client.Ready();
            client.Write(last);
            client.Write(last.EndsWith("DATA\r\n", StringComparison.Ordinal) ? "text\r\n." : "");
            client.Close(reset);
            await client.Session;
            Assert.Empty(client.Delivered);
        }
    }

    [Fact]
    public async Task Utf8_addresses_need_SMTPUTF8()
    {
        const string Address = "m\xC3\xBCller@b\xC3\xBC" + "cher.example";
        await using var client = await Client.Ready();
        await client.Ask($"MAIL FROM:<{Address}>", "553 5.6.7");
        await client.Ask($"MAIL FROM:<ann@example.net>", "250 2.1.0");
        await client.Ask($"RCPT TO:<{Address}>", "553 5.6.7");
        await client.Ask("RSET", "250 2.0.0");
        await client.Ask($"MAIL FROM:<{Address}> SMTPUTF8", "250 2.1.0");
        await client.Ask($"RCPT TO:<{Address}>", "250 2.1.5");
        await client.Ask("DATA", "354 ");
        await client.Ask("text\r\n.", "250 2.0.0");
        var (message, _) = Assert.Single(client.Delivered);
        Assert.True(message.SmtpUtf8);
        Assert.Equal("müller@bücher.example", message.Recipients[0].ToString());
    }
}
