using System.Net;
using System.Text;
using MailApi.Mail.Mailboxes;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Mailboxes;

/// <summary>Sessions with a real Dovecot.</summary>
public sealed class DovecotTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly CancellationToken ct = TestContext.Current.CancellationToken;
    private TokenServer tokens = null!;
    private DovecotServer server = null!;

    public async ValueTask InitializeAsync()
    {
        tokens = await TokenServer.StartAsync(DovecotServer.User);
        server = await DovecotServer.StartAsync(tokens, imapCapabilities: null, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        await tokens.DisposeAsync();
    }

    [Theory]
    [InlineData(MailboxProtocol.Imap, MailboxTls.Implicit), InlineData(MailboxProtocol.Imap, MailboxTls.StartTls)]
    [InlineData(MailboxProtocol.Pop3, MailboxTls.Implicit), InlineData(MailboxProtocol.Pop3, MailboxTls.StartTls)]
    public async Task Octets_come_as_they_were_delivered(MailboxProtocol protocol, MailboxTls tls)
    {
        var octets = Encoding.UTF8.GetBytes("From: a@example.net\r\nSubject: \u00e9\r\n\r\n.dot\r\n..\r\n" + new string('x', 300_000) + "\r\n");
        server.Deliver(octets);
        await using var mailbox = await Open(Options(protocol, tls));

        var message = Assert.Single(await mailbox.List(ct));
        Assert.Equal(octets.Length, await mailbox.Size(message, ct));
        Assert.Equal(octets, await mailbox.Fetch(message, MailboxSession.MessageBytesMax, ct));
        // Nothing is marked by being read.
        Assert.DoesNotContain(server.Messages(), name => name.EndsWith('S'));
    }

    [Fact]
    public async Task What_was_taken_is_moved_to_a_folder_that_is_made_for_it()
    {
        Deliver(2);
        await using var mailbox = await Open(Options(MailboxProtocol.Imap) with { After = AfterTaking.Move });
        await mailbox.MarkTaken((await mailbox.List(ct))[0], ct);

        Assert.Single(await mailbox.List(ct));
        Assert.Equal((1, 1), (server.Messages().Count, server.Messages("Processed").Count));
        // Found again by the next session.
        await using var next = await Open(Options(MailboxProtocol.Imap) with { After = AfterTaking.Move });
        await next.MarkTaken(Assert.Single(await next.List(ct)), ct);
        Assert.Equal((0, 2), (server.Messages().Count, server.Messages("Processed").Count));
    }

    [Fact]
    public async Task What_was_taken_is_flagged_as_read_and_what_was_left_is_not_and_neither_is_listed_again()
    {
        Deliver(3);
        await using (var mailbox = await Open(Options(MailboxProtocol.Imap)))
        {
            var listed = await mailbox.List(ct);
            await mailbox.MarkTaken(listed[0], ct);
            await mailbox.MarkLeft(listed[1], ct);
            Assert.Equal([listed[2]], await mailbox.List(ct));
        }
        await using var next = await Open(Options(MailboxProtocol.Imap));
        Assert.Single(await next.List(ct));
        Assert.Single(server.Messages(), name => name[^3..].Contains('S', StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(MailboxProtocol.Imap), InlineData(MailboxProtocol.Pop3)]
    public async Task What_was_taken_is_removed_and_nothing_else(MailboxProtocol protocol)
    {
        Deliver(3);
        await using (var mailbox = await Open(Options(protocol) with { After = AfterTaking.Delete }))
        {
            var listed = await mailbox.List(ct);
            await mailbox.MarkTaken(listed[1], ct);
            await mailbox.MarkLeft(listed[0], ct);
        }
        Assert.Equal(2, server.Messages().Count);
        await using var next = await Open(Options(protocol));
        Assert.Equal(2, (await next.List(ct)).Count);
    }

    [Theory]
    [InlineData(MailboxProtocol.Imap), InlineData(MailboxProtocol.Pop3)]
    public async Task A_message_has_the_same_key_in_every_session(MailboxProtocol protocol)
    {
        Deliver(2);
        await using var first = await Open(Options(protocol));
        var listed = await first.List(ct);
        await first.DisposeAsync();
        await using var second = await Open(Options(protocol));
        Assert.Equal(listed, await second.List(ct));
        Assert.Equal(2, listed.Select(message => message.Key).Distinct().Count());
    }

    [Fact]
    public async Task An_idle_session_notices_a_message_at_once()
    {
        await using var mailbox = await Open(Options(MailboxProtocol.Imap));
        Assert.Empty(await mailbox.List(ct));
        var started = TimeProvider.System.GetTimestamp();
        var wait = mailbox.Wait(TimeSpan.FromMinutes(1), ct);
        Deliver(1);
        Assert.True(await wait);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(20));
        Assert.Single(await mailbox.List(ct));
    }

    [Fact]
    public async Task Without_IDLE_MOVE_and_UIDPLUS_a_server_is_asked_again_and_nothing_but_what_was_taken_leaves_the_folder()
    {
        await using var plain = await DovecotServer.StartAsync(tokens: null, "IMAP4rev1 LITERAL+", ct);
        plain.Deliver("Subject: 1\r\n\r\n"u8);
        plain.Deliver("Subject: 2\r\n\r\n"u8);
        await using var mailbox = await Open(Options(MailboxProtocol.Imap, at: plain) with { After = AfterTaking.Move });
        await mailbox.MarkTaken((await mailbox.List(ct))[0], ct);
        Assert.Equal((1, 1), (plain.Messages().Count, plain.Messages("Processed").Count));

        plain.Deliver("Subject: 3\r\n\r\n"u8);
        Assert.True(await mailbox.Wait(TimeSpan.FromMilliseconds(200), ct));
        Assert.Equal(2, (await mailbox.List(ct)).Count);
    }

    [Theory]
    [InlineData(MailboxProtocol.Imap), InlineData(MailboxProtocol.Pop3)]
    public async Task A_token_opens_the_mailbox_and_a_revoked_one_does_not(MailboxProtocol protocol)
    {
        using var http = new HttpClient();
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["grant_type"] = "client_credentials", ["client_id"] = TokenServer.ClientId, ["client_secret"] = TokenServer.ClientSecret });
        using var answer = await http.PostAsync(tokens.Url, form, ct);
        var token = System.Text.Json.JsonDocument.Parse(await answer.Content.ReadAsStringAsync(ct)).RootElement.GetProperty("access_token").GetString()!;
        await using (await Open(Options(protocol) with { Auth = MailboxAuth.Xoauth2, Secret = token })) { }

        tokens.RevokeAll();
        var refused = await Refused(Options(protocol) with { Auth = MailboxAuth.Xoauth2, Secret = token + "-revoked" });
        Assert.True(refused.IsLogin, refused.ToString());
        Assert.Contains("did not take the access token", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(MailboxProtocol.Imap), InlineData(MailboxProtocol.Pop3)]
    public async Task What_keeps_a_mailbox_closed_is_told_with_the_cure_and_without_the_password(MailboxProtocol protocol)
    {
        var options = Options(protocol);
        var wrong = await Refused(options with { Secret = "wrong horse" });
        Assert.True(wrong.IsLogin);
        Assert.Contains("refused the login", wrong.Message, StringComparison.Ordinal);
        Assert.Contains("Compare user name and password", wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong horse", wrong.Message, StringComparison.Ordinal);

        Assert.Contains("is not proven (UntrustedRoot)", (await Refused(options with { TrustedRoots = [TestCertificate.For("another.test")] })).Message, StringComparison.Ordinal);
        Assert.Contains("is not for imap.example.com but for CN=" + DovecotServer.Host, (await Refused(options with { Host = "imap.example.com" })).Message, StringComparison.Ordinal);
        Assert.Contains("use tls startTls", (await Refused(options with { Port = protocol == MailboxProtocol.Imap ? server.Imap : server.Pop3 })).Message, StringComparison.Ordinal);
        Assert.Contains("could not be connected to (ConnectionRefused)", (await Refused(options with { Port = FreePort.Next() })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_told() =>
        Assert.Contains("has no folder Bounces", (await Refused(Options(MailboxProtocol.Imap) with { Folder = "Bounces" })).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_session_whose_server_goes_away_says_so()
    {
        await using var mailbox = await Open(Options(MailboxProtocol.Imap));
        var wait = mailbox.Wait(TimeSpan.FromMinutes(1), ct);
        await server.StopAsync();
        Assert.Contains("broke", (await Assert.ThrowsAsync<MailboxException>(() => wait.WaitAsync(Patience, ct))).Message, StringComparison.Ordinal);
    }

    private void Deliver(int messages)
    {
        for (var number = 1; number <= messages; number++) server.Deliver(Encoding.ASCII.GetBytes($"Subject: {number}\r\n\r\nHello.\r\n"));
    }

    private Task<IMailbox> Open(MailboxOptions options) => MailboxSession.Open(options, TimeProvider.System, ct);

    private Task<MailboxException> Refused(MailboxOptions options) => Assert.ThrowsAsync<MailboxException>(async () => await (await Open(options)).DisposeAsync());

    private MailboxOptions Options(MailboxProtocol protocol, MailboxTls tls = MailboxTls.Implicit, DovecotServer? at = null)
    {
        at ??= server;
        return new()
        {
            Protocol = protocol,
            Host = DovecotServer.Host,
            Addresses = [IPAddress.Loopback],
            Port = (protocol, tls) switch
            {
                (MailboxProtocol.Imap, MailboxTls.Implicit) => at.Imaps,
                (MailboxProtocol.Imap, _) => at.Imap,
                (_, MailboxTls.Implicit) => at.Pop3s,
                _ => at.Pop3,
            },
            Tls = tls,
            Auth = MailboxAuth.Password,
            Username = DovecotServer.User,
            Secret = DovecotServer.Password,
            TrustedRoots = [at.Certificate],
        };
    }
}
