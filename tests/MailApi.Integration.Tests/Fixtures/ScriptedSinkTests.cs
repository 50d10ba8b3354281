using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MailApi.Testing;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;
using Xunit;

namespace MailApi.Integration.Tests.Fixtures;

public sealed class ScriptedSinkTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Keeps_the_bytes_without_the_dots_of_the_protocol()
    {
        await using var sink = ScriptedSink.Start();
        using var client = await ConnectAsync(sink);
        var message = Message("ann@example.net", ".\r\n..\r\n.start\r\nend.\r\n");
        using var expected = new MemoryStream();
        await message.WriteToAsync(new FormatOptions { NewLineFormat = NewLineFormat.Dos }, expected, TestContext.Current.CancellationToken);

        await client.SendAsync(message, TestContext.Current.CancellationToken);

        var kept = await sink.WaitFor("ann@example.net", Patience);
        Assert.Equal(Encoding.UTF8.GetString(expected.ToArray()), kept.Text);
        Assert.Equal("orders@mail.shop.example", kept.MailFrom);
        Assert.Equal($"<{message.MessageId}>", kept.MessageId);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(".\r\n..\r\n.start\r\nend.\r\n"u8)), kept.BodySha256);
        Assert.False(kept.HasStrayLineEnd);
        Assert.Contains("S: 250 2.0.0 kept", kept.Session.Transcript);
    }

    [Theory]
    [InlineData("550@example.net", 550)]
    [InlineData("550-ann@example.net", 550)]
    [InlineData("policy@example.net", 550)]
    [InlineData("full@example.net", 552)]
    [InlineData("4xx@example.net", 451)]
    [InlineData("452-3-x@example.net", 452)]
    [InlineData("dot-554@example.net", 554)]
    public async Task Refuses_as_the_address_says(string recipient, int code)
    {
        await using var sink = ScriptedSink.Start();
        using var client = await ConnectAsync(sink);

        var refusal = await Assert.ThrowsAsync<SmtpCommandException>(() => client.SendAsync(Message(recipient), TestContext.Current.CancellationToken));

        Assert.Equal(code, (int)refusal.StatusCode);
        Assert.Equal(0, sink.Count);
    }

    [Fact]
    public async Task A_number_tells_how_often_each_address_fails()
    {
        await using var sink = ScriptedSink.Start();
        using var client = await ConnectAsync(sink);
        for (var i = 0; i < 2; i++)
            await Assert.ThrowsAsync<SmtpCommandException>(() => client.SendAsync(Message("451-2-ann@example.net"), TestContext.Current.CancellationToken));

        await client.SendAsync(Message("451-2-ann@example.net"), TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<SmtpCommandException>(() => client.SendAsync(Message("451-2-bob@example.net"), TestContext.Current.CancellationToken));
        Assert.Equal(["451-2-ann@example.net"], sink.Messages.Select(message => message.Recipient));
    }

    [Theory]
    [InlineData("reset-before-dot@example.net", 0)]
    [InlineData("reset-after-dot-dropped@example.net", 0)]
    [InlineData("reset-after-dot-kept@example.net", 1)]
    [InlineData("lost-250@example.net", 1)]
    [InlineData("garbage@example.net", 0)]
    [InlineData("421@example.net", 0)]
    public async Task Leaves_the_sender_without_a_good_answer(string recipient, int kept)
    {
        await using var sink = ScriptedSink.Start();
        using var client = await ConnectAsync(sink);

        await Assert.ThrowsAnyAsync<Exception>(() => client.SendAsync(Message(recipient), TestContext.Current.CancellationToken));
        await Eventually.HoldsAsync(() => sink.Connections == 0, Patience, "the connection is gone", TestContext.Current.CancellationToken);

        Assert.Equal(kept, sink.Count);
    }

    [Fact]
    public async Task Holds_the_reply_to_the_dot_until_it_is_released()
    {
        await using var sink = ScriptedSink.Start();
        using var client = await ConnectAsync(sink);

        var sending = client.SendAsync(Message("hold-dot@example.net"), TestContext.Current.CancellationToken);
        await sink.WaitForHeld(1, Patience);
        Assert.False(sending.IsCompleted);
        Assert.Equal(1, sink.Count);
        sink.ReleaseHeld();

        Assert.Contains("kept", await sending, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Holds_the_go_ahead_until_the_test_releases_it()
    {
        await using var sink = ScriptedSink.Start();
        using var client = await ConnectAsync(sink);

        var sending = client.SendAsync(Message("hold-data-1@example.net"), TestContext.Current.CancellationToken);
        await sink.WaitForHeld(1, Patience);
        Assert.Equal(0, sink.Count);
        sink.ReleaseHeld();

        Assert.Contains("kept", await sending, StringComparison.Ordinal);
        Assert.Equal(1, sink.Count);
    }

    [Theory]
    [InlineData("half-open@example.net")]
    [InlineData("tarpit@example.net")]
    public async Task Keeps_the_sender_waiting(string recipient)
    {
        await using var sink = ScriptedSink.Start();
        using var client = await ConnectAsync(sink);
        client.Timeout = 300;

        await Assert.ThrowsAnyAsync<Exception>(() => client.SendAsync(Message(recipient), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Reads_slowly_and_then_accepts()
    {
        await using var sink = ScriptedSink.Start();
        using var client = await ConnectAsync(sink);
        var start = TimeProvider.System.GetTimestamp();

        await client.SendAsync(Message("slow-read@example.net", string.Concat(Enumerable.Repeat("0123456789\r\n", 500))), TestContext.Current.CancellationToken);

        Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.FromMilliseconds(200), Patience);
        Assert.Equal(1, sink.Count);
    }

    [Theory]
    [InlineData(SinkTls.StartTls, SecureSocketOptions.StartTls)]
    [InlineData(SinkTls.Implicit, SecureSocketOptions.SslOnConnect)]
    public async Task Speaks_TLS_and_demands_a_password(SinkTls tls, SecureSocketOptions how)
    {
        await using var sink = ScriptedSink.Start(new SinkOptions { Tls = tls, RequireAuth = new SinkCredentials("user", "secret") });
        foreach (var mechanism in (string[])["PLAIN", "LOGIN"])
        {
            using var client = await ConnectAsync(sink, how);
            client.AuthenticationMechanisms.RemoveWhere(name => name != mechanism);
            await Assert.ThrowsAnyAsync<Exception>(() => client.SendAsync(Message("ann@example.net"), TestContext.Current.CancellationToken));
            await Assert.ThrowsAsync<AuthenticationException>(() => client.AuthenticateAsync("user", "wrong", TestContext.Current.CancellationToken));
            await client.AuthenticateAsync("user", "secret", TestContext.Current.CancellationToken);
            await client.SendAsync(Message("ann@example.net"), TestContext.Current.CancellationToken);
        }
        Assert.All(sink.Messages, message => Assert.Equal((true, "user"), (message.Session.IsSecure, message.Session.User)));
    }

    [Theory]
    [InlineData(SinkTls.None)]
    [InlineData(SinkTls.Broken)]
    [InlineData(SinkTls.Stripped)]
    public async Task Gives_no_TLS_where_it_is_told_to_spoil_it(SinkTls tls)
    {
        await using var sink = ScriptedSink.Start(new SinkOptions { Tls = tls });

        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(sink, SecureSocketOptions.StartTls));
    }

    [Fact]
    public async Task Injects_plain_text_before_TLS_for_a_client_to_discard()
    {
        await using var sink = ScriptedSink.Start(new SinkOptions { Tls = SinkTls.Injecting });
        using var socket = new TcpClient("127.0.0.1", sink.Port);
        var stream = socket.GetStream();
        await stream.WriteAsync("EHLO client.test\r\nSTARTTLS\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream, leaveOpen: true);

        var lines = new List<string?>();
        while (lines.LastOrDefault() != "250 2.1.0 injected") lines.Add(await reader.ReadLineAsync(TestContext.Current.CancellationToken));

        Assert.Contains("220 2.0.0 go ahead", lines);
        await using var secure = new SslStream(stream, leaveInnerStreamOpen: true, (_, certificate, _, _) => sink.Certificate.Equals(certificate));
        await secure.AuthenticateAsClientAsync(sink.Options.HostName);
        Assert.True(secure.IsEncrypted);
    }

    [Fact]
    public async Task Greets_as_it_is_told_and_turns_crowds_away()
    {
        await using var closed = ScriptedSink.Start(new SinkOptions { Greeting = "554 5.7.1 no mail from you" });
        Assert.Equal(554, (int)(await Assert.ThrowsAsync<SmtpCommandException>(() => ConnectAsync(closed))).StatusCode);

        await using var small = ScriptedSink.Start(new SinkOptions { ConnectionsMax = 1 });
        using var first = await ConnectAsync(small);
        Assert.Equal(421, (int)(await Assert.ThrowsAsync<SmtpCommandException>(() => ConnectAsync(small))).StatusCode);
    }

    [Fact]
    public async Task Offers_what_it_is_told_and_holds_to_its_size()
    {
        await using var sink = ScriptedSink.Start(new SinkOptions { OfferSmtpUtf8 = false, OfferPipelining = false, SizeBytesMax = 2000 });
        using var client = await ConnectAsync(sink);

        Assert.Equal(SmtpCapabilities.EnhancedStatusCodes | SmtpCapabilities.EightBitMime | SmtpCapabilities.Size, client.Capabilities);
        Assert.Equal(2000u, client.MaxSize);
        var refusal = await Assert.ThrowsAsync<SmtpCommandException>(() =>
            client.SendAsync(Message("ann@example.net", string.Concat(Enumerable.Repeat("0123456789\r\n", 300))), TestContext.Current.CancellationToken));
        Assert.Equal(552, (int)refusal.StatusCode);
    }

    [Fact]
    public async Task Stops_and_listens_again_on_its_port_with_what_it_kept()
    {
        await using var sink = ScriptedSink.Start();
        using (var client = await ConnectAsync(sink)) await client.SendAsync(Message("one@example.net"), TestContext.Current.CancellationToken);

        await sink.StopAsync();
        await Assert.ThrowsAsync<SocketException>(() => ConnectAsync(sink));
        sink.Listen();
        using var again = await ConnectAsync(sink);
        await again.SendAsync(Message("two@example.net"), TestContext.Current.CancellationToken);

        Assert.Equal(2, (await sink.WaitForCount(2, Patience)).Count);
    }

    [Fact]
    public async Task Answers_nothing_while_it_is_paused()
    {
        await using var sink = ScriptedSink.Start();
        using var client = await ConnectAsync(sink);

        sink.Pause();
        var sending = client.SendAsync(Message("ann@example.net"), TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<TimeoutException>(() => sending.WaitAsync(TimeSpan.FromMilliseconds(200), TimeProvider.System, TestContext.Current.CancellationToken));
        sink.Resume();

        await sending;
        Assert.Equal(1, sink.Count);
    }

    [Fact]
    public async Task Writes_its_ledger_before_it_replies()
    {
        var path = Path.GetTempFileName();
        try
        {
            await using (var sink = ScriptedSink.Start(new SinkOptions { LedgerPath = path }))
            {
                using var client = await ConnectAsync(sink);
                var message = Message("ann@example.net");
                await client.SendAsync(message, TestContext.Current.CancellationToken);

                var line = Assert.Single(SinkLedgerLine.Read(path));
                Assert.Equal(($"<{message.MessageId}>", "ann@example.net", sink.Messages[0].BodySha256), (line.MessageId, line.Recipient, line.BodySha256));
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static async Task<SmtpClient> ConnectAsync(ScriptedSink sink, SecureSocketOptions how = SecureSocketOptions.None)
    {
        var client = new SmtpClient { ServerCertificateValidationCallback = (_, certificate, _, _) => sink.Certificate.Equals(certificate) };
        await client.ConnectAsync("127.0.0.1", sink.Port, how, TestContext.Current.CancellationToken);
        return client;
    }

    private static MimeMessage Message(string to, string text = "text\r\n") => new()
    {
        From = { MailboxAddress.Parse("orders@mail.shop.example") },
        To = { MailboxAddress.Parse(to) },
        Subject = "Order 1001",
        Body = new TextPart("plain") { Text = text, ContentTransferEncoding = ContentEncoding.SevenBit },
    };
}
