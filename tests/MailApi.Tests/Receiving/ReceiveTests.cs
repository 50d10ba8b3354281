using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using MailApi.Api;
using MailApi.Receiving;
using MailApi.Reports;
using MailApi.Sending;
using MailApi.Spool;
using MailApi.Storage;
using MailApi.Testing;
using MailApi.Tests.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MailApi.Tests.Receiving;

public sealed class ReceiveTests(TestHost host)
{
    private readonly CancellationToken ct = TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_bounce_that_another_server_took_is_recorded_once()
    {
        var tenant = await host.NewTenant();
        var sent = await tenant.Deliver();
        var bounce = Answers.Bounce(sent.MailFrom, sent.Recipient, sent.MessageId);

        var first = await tenant.Received(bounce, sent.MailFrom);
        Assert.Equal(("status", true, "no-mailbox", true), (first.GetProperty("kind").GetString(), first.GetProperty("recorded").GetBoolean(), first.GetProperty("class").GetString(), first.GetProperty("hard").GetBoolean()));
        Assert.StartsWith("env_", first.GetProperty("envelope").GetString());
        // Without the envelope's recipient the message itself must tell.
        var second = await tenant.Received(bounce);
        Assert.Equal((first.GetProperty("envelope").GetString(), false), (second.GetProperty("envelope").GetString(), second.GetProperty("recorded").GetBoolean()));

        var recipient = (await tenant.WaitFor(sent.Id, "bounced")).GetProperty("recipients")[0];
        Assert.Equal(("no-mailbox", true, 550), (recipient.GetProperty("class").GetString(), recipient.GetProperty("hard").GetBoolean(), recipient.GetProperty("reply").GetProperty("code").GetInt32()));
        var suppressed = await TestHost.Json(await tenant.Live.GetAsync($"/suppressions?address={sent.Recipient}", ct));
        Assert.Equal("hardBounce", Assert.Single(suppressed.GetProperty("items").EnumerateArray()).GetProperty("reason").GetString());
    }

    [Theory]
    [InlineData(true, "abuse", true)]
    [InlineData(false, "abuse", true)]
    [InlineData(true, "other", true)]
    [InlineData(true, "opt-out", true)]
    [InlineData(true, "not-spam", false)]
    [InlineData(true, "not-spam (moved to the inbox)", false)]
    [InlineData(true, "(of a button) Abuse", true)]
    [InlineData(true, "auth-failure", false)]
    public async Task A_complaint_suppresses_for_every_category_whether_it_tells_the_return_path_or_only_the_message(bool tellsReturnPath, string type, bool counts)
    {
        var tenant = await host.NewTenant();
        var sent = await tenant.Deliver();
        var answer = await tenant.Received(Answers.Feedback(tellsReturnPath ? sent.MailFrom : null, sent.MessageId, type));

        Assert.Equal(("complaint", counts), (answer.GetProperty("kind").GetString(), answer.GetProperty("recorded").GetBoolean()));
        var message = await tenant.WaitFor(sent.Id, "delivered");
        Assert.Equal(counts, message.GetProperty("events").EnumerateArray().Any(it => it.GetProperty("type").GetString() == "message.complained"));
        var suppressed = await TestHost.Json(await tenant.Live.GetAsync($"/suppressions?address={sent.Recipient}", ct));
        Assert.Equal(counts ? 1 : 0, suppressed.GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task An_unsubscription_and_a_report_that_another_server_took_count()
    {
        var tenant = await host.NewTenant();
        var (mail, address) = await tenant.DeliverMarketing();
        var unsubscribed = await tenant.Received("Subject: unsubscribe\r\n\r\n"u8.ToArray(), address);
        Assert.Equal(("unsubscribe", true), (unsubscribed.GetProperty("kind").GetString(), unsubscribed.GetProperty("recorded").GetBoolean()));
        await tenant.WaitFor(await tenant.Send(mail), "suppressed");

        var report = System.Text.Encoding.ASCII.GetBytes(InboundTests.TlsReport(tenant));
        foreach (var isNews in new[] { true, false })
        {
            var answer = await tenant.Received(report, $"tls@bounces.{tenant.Domain}");
            Assert.Equal(("report", isNews), (answer.GetProperty("kind").GetString(), answer.GetProperty("recorded").GetBoolean()));
        }
    }

    [Theory]
    [InlineData("Delivered-To: {0}\r\nTo: list@elsewhere.example")]
    [InlineData("X-Original-To: {0}")]
    [InlineData("Envelope-To: {0}")]
    [InlineData("To: Ann <ann@example.net>, <{0}>")]
    public async Task Without_a_recipient_the_header_tells_who_unsubscribes_and_what_is_reported(string fields)
    {
        var tenant = await host.NewTenant();
        var (mail, address) = await tenant.DeliverMarketing();
        var unsubscribed = await tenant.Received(Message(address, "Subject: unsubscribe\r\n\r\n"));
        Assert.Equal(("unsubscribe", true), (unsubscribed.GetProperty("kind").GetString(), unsubscribed.GetProperty("recorded").GetBoolean()));
        await tenant.WaitFor(await tenant.Send(mail), "suppressed");

        var report = await tenant.Received(Message($"tls@bounces.{tenant.Domain}", InboundTests.TlsReport(tenant)));
        Assert.Equal(("report", true), (report.GetProperty("kind").GetString(), report.GetProperty("recorded").GetBoolean()));

        byte[] Message(string to, string message) => System.Text.Encoding.ASCII.GetBytes(string.Format(System.Globalization.CultureInfo.InvariantCulture, fields, to) + "\r\n" + message);
    }

    [Fact]
    public async Task What_the_header_tells_of_another_tenants_domain_counts_for_nothing()
    {
        var (victim, other) = (await host.NewTenant(), await host.NewTenant());
        var (mail, address) = await victim.DeliverMarketing();
        foreach (var message in new[] { $"To: {address}\r\nSubject: unsubscribe\r\n\r\n", $"To: tls@bounces.{victim.Domain}\r\n{InboundTests.TlsReport(victim)}" })
        {
            var answer = await other.Received(System.Text.Encoding.ASCII.GetBytes(message));
            Assert.Equal(("other", false), (answer.GetProperty("kind").GetString(), answer.GetProperty("recorded").GetBoolean()));
        }
        await victim.WaitFor(await victim.Send(mail), "delivered");
        var reports = await TestHost.Json(await victim.Live.GetAsync($"/domains/{victim.DomainId}/reports", ct));
        Assert.Equal(0, reports.GetProperty("reportsReceived").GetProperty("tls").GetInt64());
    }

    [Fact]
    public async Task An_automatic_answer_changes_nothing()
    {
        var tenant = await host.NewTenant();
        var sent = await tenant.Deliver();
        var answer = await tenant.Received(Answers.Vacation(sent.MailFrom, sent.Recipient, sent.MessageId), sent.MailFrom);
        Assert.Equal(("autoReply", false), (answer.GetProperty("kind").GetString(), answer.GetProperty("recorded").GetBoolean()));
        await tenant.WaitFor(sent.Id, "delivered");
    }

    [Fact]
    public async Task Another_tenants_mail_cannot_be_bounced()
    {
        var (victim, other) = (await host.NewTenant(), await host.NewTenant());
        var sent = await victim.Deliver();
        foreach (var message in (byte[][])[Answers.Bounce(sent.MailFrom, sent.Recipient, sent.MessageId), Answers.Feedback(sent.MailFrom, sent.MessageId), Answers.Feedback(null, sent.MessageId)])
        {
            var answer = await other.Received(message);
            Assert.False(answer.GetProperty("recorded").GetBoolean());
            Assert.False(answer.TryGetProperty("envelope", out _));
        }
        using var refused = await other.Receive(Answers.Bounce(sent.MailFrom, sent.Recipient, sent.MessageId), sent.MailFrom);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        await victim.WaitFor(sent.Id, "delivered");
    }

    [Fact]
    public async Task A_test_key_changes_nothing_of_live_mail()
    {
        var tenant = await host.NewTenant();
        await ChangesNothing(tenant, tenant.Test);
    }

    [Fact]
    public async Task A_key_that_is_bound_to_domains_changes_their_mail_alone()
    {
        var tenant = await host.NewTenant();
        await ChangesNothing(tenant, await BoundTo("elsewhere.example"));

        var sent = await tenant.Deliver();
        using var taken = await tenant.Receive(Answers.Bounce(sent.MailFrom, sent.Recipient, sent.MessageId), client: await BoundTo(tenant.Domain));
        Assert.True((await TestHost.Json(taken)).GetProperty("recorded").GetBoolean());

        async Task<HttpClient> BoundTo(string domain) =>
            host.WithKey((await tenant.NewKey(new { mode = "live", scopes = new[] { "receive" }, domains = new[] { "other.example", domain } })).GetProperty("key").GetString()!);
    }

    [Fact]
    public async Task Answers_to_test_mail_are_told_as_such_and_make_no_address_a_dead_one()
    {
        var tenant = await host.NewTenant();
        var recipient = $"ann-{Guid.NewGuid():N}@example.net";
        var mail = tenant.Mail(recipient);
        mail["category"] = "marketing";
        await tenant.WaitFor(await tenant.Send(mail, tenant.Test), "delivered");
        var listed = (await TestHost.Json(await tenant.Test.GetAsync($"/sandbox/messages?recipient={recipient}", ct))).GetProperty("items")[0];
        var sent = await TestHost.Json(await tenant.Test.GetAsync($"/sandbox/messages/{listed.GetProperty("id").GetString()}", ct));
        var (mailFrom, messageId, unsubscribe) = (sent.GetProperty("mailFrom").GetString()!, Header("Message-ID"), Header("List-Unsubscribe").Split("mailto:")[1].Split('>', '?')[0]);

        foreach (var (message, to) in new[] { ("Subject: unsubscribe\r\n\r\n"u8.ToArray(), unsubscribe), (Answers.Feedback(mailFrom, messageId), mailFrom), (Answers.Bounce(mailFrom, recipient, messageId), mailFrom) })
            foreach (var isNews in new[] { true, false })
            {
                using var response = await tenant.Receive(message, to, tenant.Test);
                Assert.Equal(isNews, (await TestHost.Json(response)).GetProperty("recorded").GetBoolean());
            }

        // The unsubscription holds, so that it can be tried out.
        Assert.Equal(["unsubscribe"], (await TestHost.Json(await tenant.Live.GetAsync("/suppressions", ct))).GetProperty("items").EnumerateArray().Select(it => it.GetProperty("reason").GetString()));
        var events = (await TestHost.Json(await tenant.Live.GetAsync("/events", ct))).GetProperty("items").EnumerateArray().ToLookup(it => it.GetProperty("type").GetString(), it => it.GetProperty("data"));
        foreach (var type in (string[])["recipient.unsubscribed", "message.complained", "message.bounced"])
            Assert.True(Assert.Single(events[type]).GetProperty("test").GetBoolean());

        string Header(string name) => sent.GetProperty("headers").EnumerateArray().Single(header => header.GetProperty("name").GetString() == name).GetProperty("value").GetString()!;
    }

    [Fact]
    public async Task Reports_beyond_what_a_domain_gets_in_a_day_are_told_as_such_by_either_way()
    {
        var tenant = await host.NewTenant();
        Assert.True(PrefixedId.TryParse<TenantId>(tenant.Id, out var id) & PrefixedId.TryParse<DomainId>(tenant.DomainId, out var domain));
        await host.Services.GetRequiredService<Db>().Write(async transaction =>
        {
            for (var index = 0; index < ReportIntake.ReportsPerDayMax; index++)
                await transaction.Execute("""
                    insert into reports (id, tenant_id, domain_id, kind, organization, report_id, policy_domain, day, begins_at, ends_at, received_at, results)
                    values (@id, @tenant, @domain, 'dmarc', 'flood.example', @report, 'shop.example', now_ms() / 86400000, 0, 0, now_ms(), 0)
                    """, ct, ("id", Guid.CreateVersion7()), ("tenant", id.Value), ("domain", domain.Value), ("report", $"f{index}"));
            return 0;
        }, ct);
        var report = InboundTests.TlsReport(tenant);

        using var refused = await tenant.Receive(System.Text.Encoding.ASCII.GetBytes(report), $"tls@bounces.{tenant.Domain}");
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Contains("500 reports within a day", await refused.Content.ReadAsStringAsync(ct), StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromHours(1), refused.Headers.RetryAfter?.Delta);

        await using var receiver = await host.Stranger();
        await receiver.Ask("EHLO mx.example.net");
        var reply = await receiver.Send(report, $"tls@bounces.{tenant.Domain}");
        Assert.StartsWith("451 4.7.1 ", reply, StringComparison.Ordinal);
        Assert.Contains("500 reports within a day", reply, StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_large_body_is_asked_to_come_again_while_others_take_its_memory(bool isReport)
    {
        var tenant = await host.NewTenant();
        Assert.True(PrefixedId.TryParse<TenantId>(tenant.Id, out var id));
        var (memory, taken) = (host.Services.GetRequiredService<BodyMemory>(), 0L);
        const int step = 1 << 20;
        // Nothing of it is a report.
        var read = isReport ? HttpStatusCode.UnprocessableEntity : HttpStatusCode.OK;
        while (memory.TryReserve(id, step)) taken += step;

        foreach (var isChunked in new[] { false, true })
        {
            using var refused = await Post(2 * step, isChunked);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(5)), (refused.StatusCode, refused.Headers.RetryAfter?.Delta));
        }
        using var small = await Post(BodyMemory.FreeOctets / 2, isChunked: false);
        Assert.Equal(read, small.StatusCode);
        memory.Release(id, taken);
        using var again = await Post(2 * step, isChunked: true);
        Assert.Equal(read, again.StatusCode);
        // Nothing is held any more.
        Assert.True(memory.TryReserve(id, taken));
        memory.Release(id, taken);

        async Task<HttpResponseMessage> Post(int octets, bool isChunked)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, isReport ? $"/domains/{tenant.DomainId}/reports" : "/receive") { Content = new ByteArrayContent(new byte[octets]) };
            request.Headers.TransferEncodingChunked = isChunked;
            return await tenant.Live.SendAsync(request, ct);
        }
    }

    [Fact]
    public async Task A_return_path_that_was_altered_or_belongs_to_another_message_ties_nothing()
    {
        var tenant = await host.NewTenant();
        var (sent, other) = (await tenant.Deliver(), await tenant.Deliver());
        var forged = (sent.MailFrom[0] == 'a' ? 'b' : 'a') + sent.MailFrom[1..];
        using var refused = await tenant.Receive(Answers.Bounce(forged, sent.Recipient, sent.MessageId), forged);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);

        var crossed = await tenant.Received(Answers.Bounce(sent.MailFrom, sent.Recipient, other.MessageId), sent.MailFrom);
        Assert.False(crossed.GetProperty("recorded").GetBoolean());
        await tenant.WaitFor(sent.Id, "delivered");
        await tenant.WaitFor(other.Id, "delivered");
    }

    [Fact]
    public async Task Only_a_raw_message_is_taken_and_only_with_the_scope()
    {
        var tenant = await host.AnyTenant();
        foreach (var other in (string[])["application/json", "Application/JSON; charset=utf-8", "multipart/form-data; boundary=x"])
        {
            using var refused = await Post(tenant, other);
            Assert.Equal(HttpStatusCode.UnsupportedMediaType, refused.StatusCode);
        }
        using var scopeless = await tenant.Receive("Subject: x\r\n\r\nx\r\n"u8.ToArray(), client: await tenant.WithScopes("send", "read"));
        Assert.Equal(HttpStatusCode.Forbidden, scopeless.StatusCode);
        var nothing = await tenant.Received([0xFF, 0x00, 0x0D]);
        Assert.Equal("other", nothing.GetProperty("kind").GetString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/octet-stream")]
    [InlineData("text/plain")]
    public async Task What_a_pipe_posts_is_taken_whatever_it_is_labelled_with(string? contentType)
    {
        using var taken = await Post(await host.AnyTenant(), contentType);
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
    }

    /// <summary>A caller whose mail it is not learns no more than a stranger would.</summary>
    private async Task ChangesNothing(TestTenant tenant, HttpClient caller)
    {
        var sent = await tenant.Deliver();
        var (mail, unsubscribe) = await tenant.DeliverMarketing();
        var bounce = Answers.Bounce(sent.MailFrom, sent.Recipient, sent.MessageId);
        var delay = System.Text.Encoding.ASCII.GetBytes(System.Text.Encoding.ASCII.GetString(bounce).Replace("Action: failed", "Action: delayed", StringComparison.Ordinal));
        byte[][] messages =
        [
            bounce, delay, Answers.Bounce("nobody@example.net", sent.Recipient, sent.MessageId), Answers.Feedback(sent.MailFrom, sent.MessageId), Answers.Feedback(sent.MailFrom, sent.MessageId, "not-spam"),
            Answers.Feedback(null, sent.MessageId), System.Text.Encoding.ASCII.GetBytes($"To: {unsubscribe}\r\nSubject: unsubscribe\r\n\r\n"),
        ];
        foreach (var message in messages)
        {
            using var response = await tenant.Receive(message, client: caller);
            var answer = await TestHost.Json(response);
            Assert.False(answer.GetProperty("recorded").GetBoolean());
            Assert.False(answer.TryGetProperty("envelope", out _));
        }
        using var refused = await tenant.Receive("Subject: unsubscribe\r\n\r\n"u8.ToArray(), unsubscribe, caller);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);

        var found = await tenant.WaitFor(sent.Id, "delivered");
        Assert.DoesNotContain(found.GetProperty("events").EnumerateArray(), it => it.GetProperty("type").GetString() == "message.complained");
        Assert.Empty((await TestHost.Json(await tenant.Live.GetAsync("/suppressions", ct))).GetProperty("items").EnumerateArray());
        await tenant.WaitFor(await tenant.Send(mail), "delivered");
    }

    private Task<HttpResponseMessage> Post(TestTenant tenant, string? contentType) => tenant.Live.PostAsync(
        "/receive", new ByteArrayContent("Subject: x\r\n\r\nx\r\n"u8.ToArray()) { Headers = { ContentType = contentType is null ? null : MediaTypeHeaderValue.Parse(contentType) } }, ct);
}
