using System.IO.Compression;
using System.Text;
using System.Text.Json;
using MailApi.Testing;
using MailApi.Testing.Reports;
using MailApi.Tests.Http;

namespace MailApi.Tests.Receiving;

/// <summary>Port 25, from a stranger's side.</summary>
public sealed class InboundTests(TestHost host)
{
    private readonly CancellationToken ct = TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_bounce_to_a_return_path_is_committed_before_its_250()
    {
        var tenant = await host.NewTenant();
        var (id, sent) = await Delivered(tenant);
        await using var receiver = await Receiver();
        Assert.StartsWith("250 ", await receiver.Send(Answers.Bounce(sent.MailFrom, sent.Recipient, sent.MessageId), sent.MailFrom));
        Assert.Equal("bounced", (await Message(tenant, id)).GetProperty("recipients")[0].GetProperty("state").GetString());

        // Again, and with the case folded: taken, with no second effect.
        Assert.StartsWith("250 ", await receiver.Send(Answers.Bounce(sent.MailFrom, sent.Recipient, sent.MessageId), sent.MailFrom.ToUpperInvariant()));
        Assert.Single((await Message(tenant, id)).GetProperty("events").EnumerateArray(), it => it.GetProperty("type").GetString() == "message.bounced");
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Of_a_report_on_several_recipients_what_names_the_envelopes_own_counts(bool hasFailed, bool isFirst)
    {
        var tenant = await host.NewTenant();
        var (id, sent) = await Delivered(tenant);
        var own = hasFailed ? Block(sent.Recipient.ToUpperInvariant(), "failed", "550 5.1.1 Nobody of that name") : Block(sent.Recipient.ToUpperInvariant(), "delivered", "250 2.1.5 OK");
        var other = hasFailed ? Block("bob@example.net", "delivered", "250 2.1.5 OK") : Block("bob@example.net", "failed", "550 5.1.1 Nobody of that name");
        await using var receiver = await Receiver();
        Assert.StartsWith("250 ", await receiver.Send(Report(sent, isFirst ? [own, other] : [other, own]), sent.MailFrom));

        var recipient = (await Message(tenant, id)).GetProperty("recipients")[0];
        Assert.Equal(hasFailed ? "bounced" : "delivered", recipient.GetProperty("state").GetString());
        if (hasFailed) Assert.Equal("Nobody of that name", recipient.GetProperty("reply").GetProperty("text").GetString());
    }

    [Theory]
    [InlineData("carl@example.net", "ANN-{0}@xn--fsqu00a.xn--0zwm56d", "delivered")]
    [InlineData("Ann-{0}@例子.测试", "carl@example.net", "delivered")]
    [InlineData("ann-{0}@example.net", "carl@example.net", "bounced")]
    public async Task It_is_named_by_either_field_and_with_its_domain_in_either_form_and_forwarded_where_none_names_it(string final, string original, string state)
    {
        var (tenant, run) = (await host.NewTenant(), $"{Guid.NewGuid():N}");
        var (id, sent) = await tenant.Deliver(tenant.Mail($"ann-{run}@xn--fsqu00a.xn--0zwm56d"));
        await using var receiver = await Receiver();
        var report = Report(sent, [Block("bob@example.net", "failed", "550 5.1.1 Nobody of that name"), $"Original-Recipient: rfc822;{original}\r\n" + Block(final, "delivered", "250 2.1.5 OK")]).Replace("{0}", run, StringComparison.Ordinal);
        Assert.StartsWith("250 ", await receiver.Send(Encoding.UTF8.GetBytes(report), sent.MailFrom));
        Assert.Equal(state, (await Message(tenant, id)).GetProperty("recipients")[0].GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_report_on_a_hundred_recipients_that_comes_to_all_their_return_paths_at_once_counts_for_each()
    {
        var tenant = await host.NewTenant();
        var run = $"{Guid.NewGuid():N}@example.net";
        var id = await tenant.Send(tenant.Mail([.. Enumerable.Range(0, 100).Select(n => $"r{n}-{run}")]));
        var sent = new List<SinkMessage>();
        for (var n = 0; n < 100; n++) sent.Add(await host.Sink.WaitFor($"r{n}-{run}", TimeSpan.FromSeconds(60)));
        // The sink has a message before its sender has noted so.
        await tenant.WaitFor(id, "delivered");
        await using var receiver = await Receiver();
        var blocks = sent.Select((one, n) => n % 2 == 0 ? Block(one.Recipient, "failed", $"550 5.1.1 No {one.Recipient}") : Block(one.Recipient, "delivered", "250 2.1.5 OK"));
        Assert.StartsWith("250 ", await receiver.Send(Report(sent[0], blocks), [.. sent.Select(one => one.MailFrom)]));

        var recipients = (await Message(tenant, id)).GetProperty("recipients").EnumerateArray().ToLookup(it => it.GetProperty("state").GetString(), it => (it.GetProperty("address").GetString(), it.GetProperty("reply").GetProperty("text").GetString()));
        Assert.Equal((50, 50), (recipients["bounced"].Count(), recipients["delivered"].Count()));
        Assert.All(recipients["bounced"], it => Assert.Equal($"No {it.Item1}", it.Item2));
    }

    [Fact]
    public async Task Forged_return_paths_are_refused_and_change_nothing()
    {
        var tenant = await host.NewTenant();
        var (id, sent) = await Delivered(tenant);
        var (tag, at) = (sent.MailFrom.Split('@')[0], sent.MailFrom.Split('@')[1]);
        var other = await host.AnyTenant();
        string[] forged =
        [
            $"{(tag[0] == 'a' ? 'b' : 'a')}{tag[1..]}@{at}", $"{tag[..^1]}@{at}", $"{tag}a@{at}", $"{tag[..26]}{new string('a', tag.Length - 26)}@{at}",
            $"{tag}@{tenant.Domain}", $"{tag}@bounces.nobody.example", $"orders@{at}", $"u-{tag}@{at}", $"\"{tag}\"@{at}", "ann@example.net",
        ];
        await using var receiver = await Receiver();
        foreach (var address in forged)
        {
            var reply = await receiver.Send(Answers.Bounce(sent.MailFrom, sent.Recipient, sent.MessageId), address);
            Assert.True(reply.StartsWith("550 ", StringComparison.Ordinal), $"{address}: {reply}");
            await receiver.Ask("RSET");
        }
        // A true tag at another tenant's host: true, but of an envelope that is not that domain's.
        Assert.StartsWith("250 ", await receiver.Send(Answers.Bounce(sent.MailFrom, sent.Recipient, sent.MessageId), $"{tag}@bounces.{other.Domain}"));
        Assert.Equal("delivered", (await Message(tenant, id)).GetProperty("recipients")[0].GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_complaint_to_the_feedback_address_counts_and_a_letter_there_is_refused()
    {
        var tenant = await host.NewTenant();
        var (id, sent) = await Delivered(tenant);
        await using var receiver = await Receiver();
        Assert.StartsWith("550 5.6.0", await receiver.Send("Subject: Hello\r\n\r\nIs anybody there?\r\n", $"postmaster@bounces.{tenant.Domain}"));
        // A bounce there that knows the Message-ID proves nothing.
        Assert.StartsWith("550 5.6.0", await receiver.Send(Answers.Bounce($"nobody@bounces.{tenant.Domain}", sent.Recipient, sent.MessageId), $"feedback@bounces.{tenant.Domain}"));
        Assert.Equal("delivered", (await Message(tenant, id)).GetProperty("recipients")[0].GetProperty("state").GetString());
        Assert.StartsWith("250 ", await receiver.Send(Answers.Feedback(sent.MailFrom, sent.MessageId), $"feedback@bounces.{tenant.Domain}"));
        Assert.Contains((await Message(tenant, id)).GetProperty("events").EnumerateArray(), it => it.GetProperty("type").GetString() == "message.complained");
    }

    [Fact]
    public async Task A_complaint_that_quotes_no_return_path_is_tied_by_the_feedback_id_that_the_signature_covers()
    {
        var tenant = await host.NewTenant();
        var (id, sent) = await Delivered(tenant);
        Assert.Equal($"feedback@bounces.{tenant.Domain}; report=arf", sent.Mime.Headers["CFBL-Address"]);
        Assert.Contains("CFBL-Address:CFBL-Address:CFBL-Feedback-ID:CFBL-Feedback-ID", string.Concat(sent.Header("DKIM-Signature")!.Where(c => !char.IsWhiteSpace(c))), StringComparison.Ordinal);

        await using var receiver = await Receiver();
        // Folded, and in the other case.
        var feedbackId = sent.Header("CFBL-Feedback-ID")!.Trim().ToUpperInvariant().Insert(20, "\r\n ");
        for (var time = 0; time < 2; time++)
            Assert.StartsWith("250 ", await receiver.Send(Answers.Feedback(null, sent.MessageId, feedbackId: feedbackId), $"feedback@bounces.{tenant.Domain}"));
        Assert.Single((await Message(tenant, id)).GetProperty("events").EnumerateArray(), it => it.GetProperty("type").GetString() == "message.complained");
        var suppressed = Assert.Single((await TestHost.Json(await tenant.Live.GetAsync("/suppressions", ct))).GetProperty("items").EnumerateArray());
        Assert.Equal((sent.Recipient, "complaint"), (suppressed.GetProperty("address").GetString(), suppressed.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task A_feedback_id_of_a_message_with_several_recipients_tells_of_none()
    {
        var tenant = await host.NewTenant();
        var recipients = (string[])[$"ann-{Guid.NewGuid():N}@example.net", $"bob-{Guid.NewGuid():N}@example.net"];
        var (id, sent) = await tenant.Deliver(tenant.Mail(recipients));
        var alike = await host.Sink.WaitFor(recipients[1], TimeSpan.FromSeconds(60));
        Assert.Equal(sent.Header("CFBL-Feedback-ID"), alike.Header("CFBL-Feedback-ID"));

        await using var receiver = await Receiver();
        Assert.StartsWith("250 ", await receiver.Send(Answers.Feedback(null, sent.MessageId, feedbackId: sent.Header("CFBL-Feedback-ID")), $"feedback@bounces.{tenant.Domain}"));
        Assert.DoesNotContain((await Message(tenant, id)).GetProperty("events").EnumerateArray(), it => it.GetProperty("type").GetString() == "message.complained");
        // With its return path, one of them did.
        Assert.StartsWith("250 ", await receiver.Send(Answers.Feedback(sent.MailFrom, sent.MessageId, feedbackId: sent.Header("CFBL-Feedback-ID")), $"feedback@bounces.{tenant.Domain}"));
        Assert.Single((await Message(tenant, id)).GetProperty("events").EnumerateArray(), it => it.GetProperty("type").GetString() == "message.complained");
    }

    [Fact]
    public async Task Postmaster_of_no_domain_is_taken_and_a_letter_to_it_refused()
    {
        await using var receiver = await Receiver();
        foreach (var postmaster in (string[])["postmaster", "Postmaster"])
        {
            Assert.StartsWith("550 5.6.0", await receiver.Send("Subject: Hello\r\n\r\nIs anybody there?\r\n", postmaster));
            await receiver.Ask("MAIL FROM:<>");
            Assert.StartsWith("250 2.1.5", await receiver.Ask($"RCPT TO:<{postmaster}>"));
            await receiver.Ask("RSET");
        }
    }

    [Fact]
    public async Task Forged_complaints_change_nothing()
    {
        var tenant = await host.NewTenant();
        var ((id, sent), (otherId, other)) = (await Delivered(tenant), await Delivered(tenant));
        var altered = (sent.MailFrom[0] == 'a' ? 'b' : 'a') + sent.MailFrom[1..];
        var (feedbackId, othersFeedbackId) = (sent.Header("CFBL-Feedback-ID")!.Trim(), other.Header("CFBL-Feedback-ID")!.Trim());
        await using var receiver = await Receiver();
        foreach (var local in (string[])["feedback", "abuse", "postmaster"])
        {
            // A Message-ID that somebody saw, a tag that was altered, a true one that belongs to another message.
            foreach (var returnPath in (string?[])[null, altered, other.MailFrom])
                Assert.StartsWith("250 ", await receiver.Send(Answers.Feedback(returnPath, sent.MessageId), $"{local}@bounces.{tenant.Domain}"));
        }
        // A feedback id that was altered, one cut short, a true one that belongs to another message.
        foreach (var forged in (string[])[(feedbackId[0] == 'a' ? 'b' : 'a') + feedbackId[1..], feedbackId[..^1] + (feedbackId[^1] == 'a' ? 'q' : 'a'), feedbackId[..26], othersFeedbackId])
            Assert.StartsWith("250 ", await receiver.Send(Answers.Feedback(null, sent.MessageId, feedbackId: forged), $"feedback@bounces.{tenant.Domain}"));
        Assert.StartsWith("250 ", await receiver.Send(Answers.Feedback(null, sent.MessageId), other.MailFrom));
        Assert.StartsWith("250 ", await receiver.Send(Answers.Feedback(null, "<1@shop.example>", feedbackId: feedbackId), other.MailFrom));
        Assert.StartsWith("250 ", await receiver.Send(Answers.Feedback(other.MailFrom, other.MessageId, feedbackId: feedbackId), $"feedback@bounces.{tenant.Domain}"));
        // True ones, at another tenant's domain.
        Assert.StartsWith("250 ", await receiver.Send(Answers.Feedback(null, sent.MessageId, feedbackId: feedbackId), $"feedback@bounces.{(await host.AnyTenant()).Domain}"));
        Assert.StartsWith("250 ", await receiver.Send(Answers.Feedback(sent.MailFrom, sent.MessageId), $"feedback@bounces.{(await host.AnyTenant()).Domain}"));

        foreach (var one in (string[])[id, otherId])
            Assert.DoesNotContain((await Message(tenant, one)).GetProperty("events").EnumerateArray(), it => it.GetProperty("type").GetString() == "message.complained");
        Assert.Empty((await TestHost.Json(await tenant.Live.GetAsync("/suppressions", ct))).GetProperty("items").EnumerateArray());
    }

    [Fact]
    public async Task A_mail_to_the_unsubscribe_address_in_the_header_unsubscribes()
    {
        var tenant = await host.NewTenant();
        var (mail, address) = await tenant.DeliverMarketing();
        Assert.EndsWith($"@bounces.{tenant.Domain}", address);

        await using var receiver = await Receiver();
        Assert.StartsWith("250 ", await receiver.Send("Subject: unsubscribe\r\n\r\n", address));
        var again = await tenant.Send(mail);
        await tenant.WaitFor(again, "suppressed");
    }

    [Fact]
    public async Task A_report_to_the_address_in_the_DMARC_record_is_shown()
    {
        var tenant = await host.NewTenant();
        var xml = $"""
            <?xml version="1.0"?><feedback><report_metadata><org_name>isp.example</org_name><email>dmarc@isp.example</email><report_id>{Guid.NewGuid():N}</report_id>
            <date_range><begin>{TimeProvider.System.GetUtcNow().AddDays(-1).ToUnixTimeSeconds()}</begin><end>{TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()}</end></date_range></report_metadata>
            <policy_published><domain>{tenant.Domain}</domain><p>none</p></policy_published>
            <record><row><source_ip>192.0.2.7</source_ip><count>42</count><policy_evaluated><disposition>none</disposition><dkim>fail</dkim><spf>fail</spf></policy_evaluated></row>
            <identifiers><header_from>{tenant.Domain}</header_from></identifiers><auth_results><spf><domain>other.example</domain><result>pass</result></spf></auth_results></record></feedback>
            """;
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) await gzip.WriteAsync(Encoding.UTF8.GetBytes(xml), ct);
        var mail = $"From: dmarc@isp.example\r\nSubject: Report Domain: {tenant.Domain}\r\nMIME-Version: 1.0\r\nContent-Type: application/gzip; name=\"isp.example!{tenant.Domain}.xml.gz\"\r\n"
            + $"Content-Transfer-Encoding: base64\r\n\r\n{Convert.ToBase64String(packed.ToArray(), Base64FormattingOptions.InsertLineBreaks)}\r\n";

        await using var receiver = await Receiver();
        Assert.StartsWith("250 ", await receiver.Send(mail, $"dmarc@bounces.{tenant.Domain}"));
        var reports = await TestHost.Json(await tenant.Live.GetAsync($"/domains/{tenant.DomainId}/reports", ct));
        Assert.Contains("192.0.2.7", reports.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_TLS_report_to_the_address_in_its_record_is_shown()
    {
        var tenant = await host.NewTenant();
        await using var receiver = await Receiver();
        Assert.StartsWith("250 ", await receiver.Send(TlsReport(tenant), $"tls@bounces.{tenant.Domain}"));
        var tls = (await TestHost.Json(await tenant.Live.GetAsync($"/domains/{tenant.DomainId}/reports", ct))).GetProperty("tls");
        Assert.Equal((40, 2), (tls.GetProperty("successes").GetInt64(), tls.GetProperty("failures").GetInt64()));
    }

    /// <summary>As its reporter mails it (RFC 8460 §5.3).</summary>
    internal static string TlsReport(TestTenant tenant)
    {
        var yesterday = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime).AddDays(-1);
        var report = ReportSamples.Gzip(ReportSamples.Tls($"bounces.{tenant.Domain}", yesterday, "t1", 40, ("certificate-expired", TestHost.ServiceHost, 2)));
        return $"From: tls@isp.example\r\nSubject: Report Domain: bounces.{tenant.Domain}\r\nTLS-Report-Domain: bounces.{tenant.Domain}\r\nTLS-Report-Submitter: isp.example\r\nMIME-Version: 1.0\r\n"
            + "Content-Type: multipart/report; report-type=\"tlsrpt\"; boundary=\"x\"\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nA report.\r\n--x\r\nContent-Type: application/tlsrpt+gzip\r\n"
            + $"Content-Transfer-Encoding: base64\r\n\r\n{Convert.ToBase64String(report, Base64FormattingOptions.InsertLineBreaks)}\r\n--x--\r\n";
    }

    /// <summary>A delivery status notification with a block for each recipient (RFC 3464 §2.3).</summary>
    private static string Report(SinkMessage sent, IEnumerable<string> blocks) =>
        $"From: MAILER-DAEMON@mx.example.net\r\nTo: {sent.MailFrom}\r\nSubject: Delivery report\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        + $"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n{string.Join("\r\n", blocks)}\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {sent.MessageId}\r\n\r\n--b--\r\n";

    private static string Block(string recipient, string action, string reply) =>
        $"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {reply.Split(' ')[1]}\r\nDiagnostic-Code: smtp; {reply}\r\n";

    private async Task<SmtpCaller> Receiver()
    {
        var receiver = await host.Stranger();
        receiver.ReversePath = "";
        await receiver.Ask("EHLO mx.example.net");
        return receiver;
    }

    private static Task<(string Id, SinkMessage Sent)> Delivered(TestTenant tenant) => tenant.Deliver(tenant.Mail($"ann-{Guid.NewGuid():N}@example.net"));

    private async Task<JsonElement> Message(TestTenant tenant, string id) => await TestHost.Json(await tenant.Live.GetAsync($"/messages/{id}", ct));
}
