using System.Text;
using MailApi.Api;
using MailApi.Domains;
using MailApi.Events;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Mail.Mailboxes;
using MailApi.OAuth;
using MailApi.Reports;
using MailApi.Spool;
using MailApi.Storage;
using MailApi.Testing;
using MailApi.Testing.Reports;

namespace MailApi.Integration.Tests.Mailboxes;

/// <summary>What is read in a real mailbox, and what becomes of it in the store.</summary>
public sealed class MailboxWatchTests(SharedServers servers)
{
    public static TheoryData<StoreProvider, MailboxProtocol, AfterTaking> Ways => new()
    {
        { StoreProvider.Sqlite, MailboxProtocol.Imap, AfterTaking.Move },
        { StoreProvider.Sqlite, MailboxProtocol.Imap, AfterTaking.Flag },
        { StoreProvider.Sqlite, MailboxProtocol.Imap, AfterTaking.Delete },
        { StoreProvider.Sqlite, MailboxProtocol.Pop3, AfterTaking.Delete },
        { StoreProvider.Sqlite, MailboxProtocol.Pop3, AfterTaking.Flag },
        { StoreProvider.PostgreSql, MailboxProtocol.Imap, AfterTaking.Flag },
        { StoreProvider.PostgreSql, MailboxProtocol.Pop3, AfterTaking.Flag },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_bounce_counts_once_whoever_reads_it_again_and_what_is_not_understood_stays(StoreProvider provider, MailboxProtocol protocol, AfterTaking after)
    {
        await using var boxes = await MailboxesUnderTest.Create(provider, servers);
        var domain = await boxes.AddDomain("mail.shop.example");
        var (message, bounce) = await boxes.Delivered(domain);
        boxes.Server.Deliver("From: ann@example.net\r\nTo: bounces@dovecot.test\r\nSubject: Where is my order?\r\n\r\nIt is late.\r\n"u8);
        boxes.Server.Deliver(bounce);
        await boxes.Name(domain, protocol, after);

        await using (await boxes.Start())
        {
            await boxes.Until(async () => (await boxes.Find(domain)).State is { LastConnectedAt: not null, Processed: 1, LastError: null }, "the mailbox is looked through");
            Assert.Equal(EnvelopeState.Bounced, await boxes.StateOf(message));
            // POP3 removes messages only once its session ends (RFC 1939 §6).
            await boxes.Until(() => Task.FromResult(boxes.Server.Messages().Count == (after == AfterTaking.Flag ? 2 : 1)), "what was taken is gone");
        }
        Assert.Equal(after == AfterTaking.Move ? 1 : 0, boxes.Server.Messages("Processed").Count);
        // The question is for people: it is not marked as read. POP3 has no marks; what its server does is its own affair.
        if (protocol == MailboxProtocol.Imap)
            Assert.Equal(after == AfterTaking.Flag ? 1 : 0, boxes.Server.Messages().Count(name => name.Split(":2,") is [_, var flags] && flags.Contains('S', StringComparison.Ordinal)));

        // The next process sees nothing new; and the same bounce, handed in once more, changes nothing.
        var before = (await boxes.Find(domain)).State.LastConnectedAt;
        await using (await boxes.Start())
        {
            await boxes.Until(async () => (await boxes.Find(domain)).State.LastConnectedAt > before, "the mailbox is looked through again");
            Assert.Equal(1, (await boxes.Find(domain)).State.Processed);
            if (protocol == MailboxProtocol.Pop3) return;
            boxes.Server.Deliver(bounce);
            await boxes.Until(async () => (await boxes.Find(domain)).State.Processed == 2, "the same bounce again is taken");
        }
        Assert.Equal([EventType.MessageAccepted, EventType.MessageDelivered, EventType.MessageBounced], await boxes.Spool.Events(message));
    }

    [Fact]
    public async Task A_bounce_is_recorded_at_once_when_it_arrives_in_an_idle_mailbox()
    {
        await using var boxes = await MailboxesUnderTest.Create(StoreProvider.Sqlite, servers);
        var domain = await boxes.AddDomain("mail.shop.example");
        var (message, bounce) = await boxes.Delivered(domain);
        await boxes.Name(domain, MailboxProtocol.Imap, AfterTaking.Move);
        await using var process = await boxes.Start();
        await boxes.Until(async () => (await boxes.Find(domain)).State.LastConnectedAt is not null, "the mailbox is empty");

        var started = TimeProvider.System.GetTimestamp();
        boxes.Server.Deliver(bounce);
        await boxes.Until(async () => await boxes.StateOf(message) == EnvelopeState.Bounced, "it is recorded");
        // Whoever does not listen asks again after half a minute.
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_bounce_without_a_word_of_its_message_is_tied_by_the_address_that_it_was_delivered_to()
    {
        await using var boxes = await MailboxesUnderTest.Create(StoreProvider.Sqlite, servers);
        var domain = await boxes.AddDomain("mail.shop.example");
        var (message, _) = await boxes.Delivered(domain);
        var bounce = Answers.Bounce("bounces@dovecot.test", "ann0@example.net", "<somebody.elses@example.net>");
        boxes.Server.Deliver(bounce, deliveredTo: boxes.ReturnPath(message));
        await boxes.Name(domain, MailboxProtocol.Imap, AfterTaking.Move);
        await using var process = await boxes.Start();
        await boxes.Until(async () => await boxes.StateOf(message) == EnvelopeState.Bounced, "it is recorded");
    }

    [Theory, InlineData(MailboxProtocol.Imap), InlineData(MailboxProtocol.Pop3)]
    public async Task Complaints_unsubscriptions_and_reports_arrive_in_a_mailbox_as_well(MailboxProtocol protocol)
    {
        await using var boxes = await MailboxesUnderTest.Create(StoreProvider.Sqlite, servers);
        var domain = await boxes.AddDomain("mail.shop.example");
        var (message, _) = await boxes.Delivered(domain);
        boxes.Server.Deliver(Answers.Feedback(boxes.ReturnPath(message), $"<{message.Id.Value:N}@{domain.Name}>"));
        boxes.Server.Deliver("From: ann0@example.net\r\nSubject: unsubscribe\r\n\r\n"u8, deliveredTo: boxes.UnsubscribeAddress(message));
        var yesterday = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime).AddDays(-1);
        boxes.Server.Deliver(ReportSamples.Mail($"dmarc@bounces.{domain.Name}", "application/gzip", ReportSamples.Gzip(ReportSamples.Dmarc(domain.Name, yesterday, "r1", rows: new SampleRow("192.0.2.1", 5)))));
        await boxes.Name(domain, protocol, AfterTaking.Delete);

        await using var process = await boxes.Start();
        await boxes.Until(async () => (await boxes.Find(domain)).State.Processed == 3, "all three are taken");
        Assert.Equal([EventType.MessageComplained, EventType.RecipientUnsubscribed], (await boxes.Spool.Events(message))[^2..].Order());
        Assert.Equal(1, await boxes.Reports(domain));
        // POP3 removes messages only once its session ends (RFC 1939 §6).
        await boxes.Until(() => Task.FromResult(boxes.Server.Messages().Count == 0), "the mailbox is empty");
    }

    [Fact]
    public async Task A_mailbox_touches_no_mail_of_another_tenant_and_keeps_what_is_not_its_domains()
    {
        await using var boxes = await MailboxesUnderTest.Create(StoreProvider.PostgreSql, servers);
        var (mine, other) = (await boxes.AddDomain("mail.shop.example"), await boxes.AddDomain("mail.other.example"));
        var (message, bounce) = await boxes.Delivered(other);
        boxes.Server.Deliver(bounce, deliveredTo: boxes.ReturnPath(message));
        await boxes.Name(mine, MailboxProtocol.Imap, AfterTaking.Delete);
        await using (await boxes.Start())
            await boxes.Until(async () => (await boxes.Find(mine)).State.LastConnectedAt is not null, "the mailbox is looked through");

        Assert.Equal((EnvelopeState.Delivered, 0L), (await boxes.StateOf(message), (await boxes.Find(mine)).State.Processed));
        Assert.Single(boxes.Server.Messages());
    }

    [Fact]
    public async Task One_process_reads_a_mailbox_and_another_goes_on_when_it_stops()
    {
        await using var boxes = await MailboxesUnderTest.Create(StoreProvider.PostgreSql, servers);
        var domain = await boxes.AddDomain("mail.shop.example");
        var (message, bounce) = await boxes.Delivered(domain);
        await boxes.Name(domain, MailboxProtocol.Imap, AfterTaking.Move);
        var first = await boxes.Start();
        await boxes.Until(async () => (await boxes.Find(domain)).State.LastConnectedAt is { }, "the first reads");
        // Dovecot's log is another process's: it may be written later than its answer.
        await boxes.Until(() => Task.FromResult(Logins(boxes.Server) == 1), "the first's login is logged");
        await using var second = await boxes.Start();
        Assert.Equal(1, Logins(boxes.Server));

        await first.DisposeAsync();
        await boxes.Until(() => Task.FromResult(Logins(boxes.Server) == 2), "the second reads");
        boxes.Server.Deliver(bounce);
        await boxes.Until(async () => await boxes.StateOf(message) == EnvelopeState.Bounced, "it is recorded");
    }

    [Fact]
    public async Task A_refused_login_is_told_and_new_settings_are_tried_at_once()
    {
        await using var boxes = await MailboxesUnderTest.Create(StoreProvider.Sqlite, servers);
        var domain = await boxes.AddDomain("mail.shop.example");
        await boxes.Name(domain, MailboxProtocol.Imap, AfterTaking.Move, password: "wrong horse");
        await using var process = await boxes.Start();
        await boxes.Until(async () => (await boxes.Find(domain)).State.LastError is not null, "the error is told");
        var state = (await boxes.Find(domain)).State;
        Assert.Contains("refused the login", state.LastError, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong horse", state.LastError, StringComparison.Ordinal);
        Assert.NotNull(state.LastErrorAt);

        await boxes.Name(domain, MailboxProtocol.Imap, AfterTaking.Move);
        await boxes.Until(async () => (await boxes.Find(domain)).State is { LastConnectedAt: not null, LastError: null, LastErrorAt: null }, "the mailbox is read");
    }

    [Fact]
    public async Task Tokens_are_had_anew_when_the_server_takes_them_no_longer()
    {
        await using var tokens = await TokenServer.StartAsync(DovecotServer.User);
        tokens.Rotates = true;
        await using var boxes = await MailboxesUnderTest.Create(StoreProvider.Sqlite, servers, tokens);
        var domain = await boxes.AddDomain("mail.shop.example");
        var (message, bounce) = await boxes.Delivered(domain);
        await boxes.Name(domain, MailboxProtocol.Imap, AfterTaking.Move, oauth: new OAuthClient
        {
            Provider = OAuthProvider.Custom,
            Grant = OAuthGrant.RefreshToken,
            TokenEndpoint = tokens.Url,
            ClientId = TokenServer.ClientId,
            ClientSecret = TokenServer.ClientSecret,
            RefreshToken = tokens.RefreshToken,
        });
        await using var process = await boxes.Start();
        await boxes.Until(async () => (await boxes.Find(domain)).State.LastConnectedAt is not null, "the token is taken");

        tokens.RevokeAll();
        await boxes.Server.StopAsync();
        await boxes.Server.StartAgainAsync(CancellationToken.None);
        boxes.Server.Deliver(bounce);
        await boxes.Until(async () => await boxes.StateOf(message) == EnvelopeState.Bounced, "another token is taken");
        Assert.Equal(["refresh-0", "refresh-1"], tokens.Requests.Select(form => form["refresh_token"]));
    }

    [Fact]
    public async Task Of_a_flood_of_reports_what_is_not_taken_today_is_put_off_and_not_fetched_again_and_again()
    {
        await using var boxes = await MailboxesUnderTest.Create(StoreProvider.Sqlite, servers);
        var domain = await boxes.AddDomain("mail.shop.example");
        await boxes.Spool.Db.Write(async transaction =>
        {
            for (var index = 0; index < ReportIntake.ReportsPerDayMax; index++)
                await transaction.Execute("""
                    insert into reports (id, tenant_id, domain_id, kind, organization, report_id, policy_domain, day, begins_at, ends_at, received_at, results)
                    values (@id, @tenant, @domain, 'dmarc', 'flood.example', @report, 'mail.shop.example', now_ms() / 86400000, 0, 0, now_ms(), 0)
                    """, CancellationToken.None, ("id", Guid.CreateVersion7()), ("tenant", domain.Tenant.Value), ("domain", domain.Id.Value), ("report", $"f{index}"));
            return 0;
        }, CancellationToken.None);
        var yesterday = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime).AddDays(-1);
        boxes.Server.Deliver(ReportSamples.Mail($"dmarc@bounces.{domain.Name}", "application/gzip", ReportSamples.Gzip(ReportSamples.Dmarc(domain.Name, yesterday, "r1", rows: new SampleRow("192.0.2.1", 5)))));
        await boxes.Name(domain, MailboxProtocol.Imap, AfterTaking.Flag);
        var clock = new LaterClock();
        await using var process = await boxes.Start(clock);
        await Bounces();

        // There is room for it again: it is looked at in an hour, whatever comes until then.
        await boxes.Spool.Db.Execute("delete from reports", CancellationToken.None);
        await Bounces();
        Assert.Equal(0, await boxes.Reports(domain));
        clock.Later = TimeSpan.FromHours(1);
        await Bounces();
        Assert.Equal(1, await boxes.Reports(domain));

        // The oldest message is read first: the report before it.
        async Task Bounces()
        {
            var (message, bounce) = await boxes.Delivered(domain);
            boxes.Server.Deliver(bounce);
            await boxes.Until(async () => await boxes.StateOf(message) == EnvelopeState.Bounced, "the bounce is recorded");
        }
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_left_and_those_after_it_are_read()
    {
        await using var boxes = await MailboxesUnderTest.Create(StoreProvider.Sqlite, servers);
        var domain = await boxes.AddDomain("mail.shop.example");
        var (message, bounce) = await boxes.Delivered(domain);
        boxes.Server.Deliver(Encoding.ASCII.GetBytes("Subject: large\r\n\r\n" + string.Concat(Enumerable.Repeat(new string('x', 998) + "\r\n", 42_000))));
        boxes.Server.Deliver(bounce);
        await boxes.Name(domain, MailboxProtocol.Imap, AfterTaking.Delete);
        await using var process = await boxes.Start();
        await boxes.Until(async () => (await boxes.Find(domain)).State is { Processed: 1, LastConnectedAt: not null }, "the bounce is read");
        Assert.Equal(EnvelopeState.Bounced, await boxes.StateOf(message));
        Assert.Single(boxes.Server.Messages());
    }

    [Fact]
    public async Task Nothing_is_remembered_of_messages_that_are_gone_and_a_removed_mailbox_is_left_alone()
    {
        await using var boxes = await MailboxesUnderTest.Create(StoreProvider.Sqlite, servers);
        var domain = await boxes.AddDomain("mail.shop.example");
        boxes.Server.Deliver("Subject: not understood\r\n\r\nHello.\r\n"u8);
        await boxes.Name(domain, MailboxProtocol.Imap, AfterTaking.Move);
        await using var process = await boxes.Start();
        await boxes.Until(async () => await boxes.Remembered(domain) == 1, "it is remembered");

        boxes.Server.Clear();
        await boxes.Until(async () => await boxes.Remembered(domain) == 0, "it is forgotten");

        Assert.True(await boxes.Store.Remove(domain.Id, domain.Tenant, CancellationToken.None));
        await boxes.Until(() => Task.FromResult(boxes.Server.Log.Contains("Logged out", StringComparison.Ordinal)), "the session ends");
    }

    /// <summary>The system's, some time ahead.</summary>
    private sealed class LaterClock : TimeProvider
    {
        public TimeSpan Later { get; set; }

        public override long GetTimestamp() => base.GetTimestamp() + (long)(Later.TotalSeconds * TimestampFrequency);
    }

    private static int Logins(DovecotServer server) => server.Log.Split("imap-login: Info: Login:").Length - 1;
}
