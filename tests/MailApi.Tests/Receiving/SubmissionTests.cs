using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Api;
using MailApi.Hosting;
using MailApi.Sending;
using MailApi.Testing;
using MailApi.Tests.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MailApi.Tests.Receiving;

/// <summary>Callers who speak SMTP instead of JSON: the same rights, the same promise.</summary>
public sealed class SubmissionTests(TestHost host)
{
    private static readonly TimeSpan ArrivesWithin = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_message_arrives_octet_for_octet_but_for_what_is_the_services_to_write()
    {
        var tenant = await host.AnyTenant();
        var recipient = Unique();
        const string body = "Your parcel\tleft \r\n..\r\n.our warehouse  \r\n\r\n\r\n";
        await using var caller = await LoggedIn(tenant.LiveKey);
        var reply = await caller.Send(
            $"""
            Received: from laptop by relay.shop.example; Mon, 30 Nov 2026 09:00:00 +0000
            Return-Path: <someone@shop.example>
            DKIM-Signature: v=1; a=rsa-sha256; d=shop.example; s=x; h=from; bh=; b=
            Authentication-Results: mx.example.net; dkim=pass
            CFBL-Address: complaints@shop.example; report=arf
            CFBL-Feedback-ID: 1001
            From: "Example, Shop" <orders@{tenant.Domain}>
            Sender: orders@{tenant.Domain}
            To: Ann <{recipient}>
            Bcc: hidden@example.net
            Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=
            X-Order:   1001
            X-MailApi-Tag: shipping
            Idempotency-Key: {recipient}
            X-MailApi-Metadata: {"{"}"order":
             "1001"{"}"}

            """.ReplaceLineEndings("\r\n") + "\r\n" + body, recipient);
        Assert.StartsWith("250 2.0.0 msg_", reply, StringComparison.Ordinal);

        var arrived = await host.Sink.WaitFor(recipient, ArrivesWithin);
        Assert.EndsWith(body, arrived.Text, StringComparison.Ordinal);
        Assert.EndsWith("@bounces." + tenant.Domain, arrived.MailFrom, StringComparison.Ordinal);
        Assert.Contains($"d={tenant.Domain};", arrived.Header("DKIM-Signature")!.Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal(["From", "Date", "Message-ID", "CFBL-Address", "CFBL-Feedback-ID", "MIME-Version", "Received", "To", "Subject", "X-Order"], arrived.Mime.Headers.Select(field => field.Field).SkipWhile(name => name == "DKIM-Signature"));
        Assert.Equal($"feedback@bounces.{tenant.Domain}; report=arf", arrived.Mime.Headers["CFBL-Address"]);
        Assert.Contains("\r\nX-Order:   1001\r\n", arrived.Text, StringComparison.Ordinal);

        var message = await TestHost.Json(await tenant.Live.GetAsync("/messages/" + Id(reply)));
        Assert.Equal(("Grüße", "notification"), (message.GetProperty("subject").GetString(), message.GetProperty("category").GetString()));
        Assert.Equal("shipping", Assert.Single(message.GetProperty("tags").EnumerateArray()).GetString());
        Assert.Equal("1001", message.GetProperty("metadata").GetProperty("order").GetString());
    }

    [Fact]
    public async Task What_is_not_7_bit_is_made_so_and_reads_the_same()
    {
        var tenant = await host.AnyTenant();
        var recipient = Unique();
        await using var caller = await LoggedIn(tenant.LiveKey);
        // Characters are octets here: these are the octets of UTF-8.
        var reply = await caller.Send(
            $"From: {Octets("Bücher")} <orders@{tenant.Domain}>\r\nTo: {Octets("Änn")} <{recipient}>\r\nSubject: {Octets("Größe 北京")}\r\n"
            + $"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{Octets("Straße")}\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"{Octets("ü.pdf")}\"\r\n\r\n\u00FF\u0001\r\n--b--\r\n",
            recipient);
        Assert.StartsWith("250 ", reply, StringComparison.Ordinal);
        var arrived = await host.Sink.WaitFor(recipient, ArrivesWithin);
        Assert.True(System.Text.Ascii.IsValid(arrived.Bytes));
        var mime = arrived.Mime;
        Assert.Equal(("Größe 北京", "Bücher", "Änn"), (mime.Subject, mime.From[0].Name, mime.To[0].Name));
        Assert.Equal(("Straße", "ü.pdf"), (mime.TextBody?.TrimEnd(), Assert.Single(mime.Attachments).ContentDisposition!.FileName));
    }

    [Fact]
    public async Task Recipients_are_those_of_the_envelope_each_once()
    {
        var tenant = await host.AnyTenant();
        var (one, two) = (Unique(), Unique());
        await using var caller = await LoggedIn(tenant.LiveKey);
        var reply = await caller.Send(Mail(tenant, "To: nobody@example.net\r\n"), one, two, one);
        var message = await TestHost.Json(await tenant.Live.GetAsync("/messages/" + Id(reply)));
        var addresses = message.GetProperty("recipients").EnumerateArray().Select(it => it.GetProperty("address").GetString()!).ToList();
        Assert.Equal(2, addresses.Count);
        Assert.Equal([one, two], addresses.ToHashSet());
        Assert.Equal("553 5.1.3 No address that mail can be sent to", await caller.Send(Mail(tenant), "ann@[127.0.0.1]"));
    }

    [Theory]
    [InlineData("List-Unsubscribe: <https://shop.example/u/1>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "<https://shop.example/u/1>")]
    [InlineData("List-Unsubscribe: <mailto:u@shop.example>\r\n", "<https://track.")]
    [InlineData("List-Unsubscribe: <https://shop.example/u/1>\r\n", "<https://track.")]
    [InlineData("List-Unsubscribe: <mailto:u@shop.example>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "<https://track.")]
    public async Task Marketing_keeps_an_unsubscribe_way_of_its_own_only_if_one_click_is_enough(string fields, string expected)
    {
        var tenant = await host.AnyTenant();
        var recipient = Unique();
        await using var caller = await LoggedIn(tenant.LiveKey);
        Assert.StartsWith("250 ", await caller.Send($"From: orders@{tenant.Domain}\r\nX-MailApi-Category: marketing\r\n{fields}\r\nOffers\r\n", recipient), StringComparison.Ordinal);
        var arrived = await host.Sink.WaitFor(recipient, ArrivesWithin);
        Assert.StartsWith(expected, arrived.Header("List-Unsubscribe")!.Trim(), StringComparison.Ordinal);
        Assert.Equal("List-Unsubscribe=One-Click", arrived.Header("List-Unsubscribe-Post"));
        Assert.Single(arrived.Mime.Headers, field => field.Field == "List-Unsubscribe");
    }

    [Fact]
    public async Task The_category_is_the_fields_or_the_keys_or_notification_and_marketing_can_be_unsubscribed_from()
    {
        var tenant = await host.AnyTenant();
        var withDefault = await tenant.NewKey(new { mode = "live", scopes = new[] { "send" }, defaultCategory = "support" });
        await using var caller = await LoggedIn(tenant.LiveKey);
        await using var support = await LoggedIn(withDefault.GetProperty("key").GetString()!);
        var recipient = Unique();
        Assert.Equal("notification", await CategoryOf(tenant, await caller.Send(Mail(tenant), Unique())));
        Assert.Equal("support", await CategoryOf(tenant, await support.Send(Mail(tenant), Unique())));
        Assert.Equal("marketing", await CategoryOf(tenant, await support.Send(Mail(tenant, "x-mailapi-category: marketing\r\n"), recipient)));
        Assert.Equal("List-Unsubscribe=One-Click", (await host.Sink.WaitFor(recipient, ArrivesWithin)).Header("List-Unsubscribe-Post"));
    }

    [Fact]
    public async Task Who_does_not_want_a_topic_gets_none_of_it_by_SMTP_either()
    {
        var tenant = await host.NewTenant();
        await TestHost.Json(await tenant.Live.PutAsJsonAsync("/topics", new { items = new[] { new { name = "weekly", title = "Weekly news" } } }));
        var recipient = Unique();
        await TestHost.Json(await tenant.Live.PutAsJsonAsync($"/recipients/{recipient}/preferences", new { topics = new Dictionary<string, bool> { ["weekly"] = false } }));
        await using var caller = await LoggedIn(tenant.LiveKey);

        const string marketing = "X-MailApi-Category: marketing\r\n";
        await tenant.WaitFor(Id(await caller.Send(Mail(tenant, marketing + "X-MailApi-Topic: weekly\r\n"), recipient)), "suppressed");
        await tenant.WaitFor(Id(await caller.Send(Mail(tenant, marketing), recipient)), "delivered");
        Assert.StartsWith("550 5.6.0 X-MailApi-Topic: ", await caller.Send(Mail(tenant, marketing + "X-MailApi-Topic: daily\r\n"), recipient), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_message_under_the_same_key_is_accepted_once()
    {
        var tenant = await host.NewTenant();
        var (recipient, key) = (Unique(), "Idempotency-Key: " + Unique() + "\r\n");
        await using var caller = await LoggedIn(tenant.LiveKey);
        var first = await caller.Send(Mail(tenant, key), recipient);
        Assert.StartsWith("250 2.0.0 msg_", first, StringComparison.Ordinal);
        Assert.Equal(first, await caller.Send(Mail(tenant, key), recipient));
        Assert.StartsWith("554 5.5.0 Use a new key", await caller.Send(Mail(tenant, key), recipient, Unique()), StringComparison.Ordinal);
        Assert.StartsWith("554 5.5.0 Use a new key", await caller.Send(Mail(tenant, key + "X-Order: 2\r\n"), recipient), StringComparison.Ordinal);
        var sent = await TestHost.Json(await tenant.Live.GetAsync("/messages?recipient=" + recipient));
        Assert.Single(sent.GetProperty("items").EnumerateArray());

        using var narrowed = await tenant.Live.PatchAsJsonAsync($"/domains/{tenant.DomainId}", new { categories = new[] { "support" } });
        Assert.Equal(first, await caller.Send(Mail(tenant, key), recipient));
        Assert.StartsWith("550 ", await caller.Send(Mail(tenant, ""), recipient), StringComparison.Ordinal);
    }

    /// <summary>As Nodemailer, PHPMailer and System.Net.Mail do, which have no other way to repeat a mail.</summary>
    [Fact]
    public async Task A_message_composed_again_is_the_same_under_its_key_until_a_word_of_it_changes()
    {
        var tenant = await host.AnyTenant();
        var (recipient, key) = (Unique(), Unique());
        await using var caller = await LoggedIn(tenant.LiveKey);
        var first = await caller.Send(Composed("b1", "Tue, 24 Nov 2026 09:30:00 +0000"), recipient);
        Assert.StartsWith("250 2.0.0 msg_", first, StringComparison.Ordinal);
        Assert.Equal(first, await caller.Send(Composed("=_another_2", "Tue, 24 Nov 2026 09:31:07 +0000"), recipient));
        foreach (var (was, became) in ((string, string)[])[("It left.", "It is late."), ("1001", "1002"), ("AAAA", "AAAB"), ("invoice", "offer"), ("text/html", "text/x-html")])
            Assert.StartsWith("554 5.5.0 Use a new key", await caller.Send(Composed("r", "Tue, 24 Nov 2026 09:32:00 +0000").Replace(was, became, StringComparison.Ordinal), recipient), StringComparison.Ordinal);
        Assert.StartsWith("554 5.5.0 Use a new key", await caller.Send(Composed("b3", "Tue, 24 Nov 2026 09:33:00 +0000"), Unique()), StringComparison.Ordinal);
        var sent = await TestHost.Json(await tenant.Live.GetAsync("/messages?recipient=" + recipient));
        Assert.Single(sent.GetProperty("items").EnumerateArray());

        string Composed(string boundary, string date) => $"""
            Date: {date}
            From: orders@{tenant.Domain}
            Message-ID: <{Guid.NewGuid():N}@{tenant.Domain}>
            Subject: Order 1001
            Idempotency-Key: {key}
            Content-Type: multipart/mixed; boundary="{boundary}-outer"

            --{boundary}-outer
            Content-Type: multipart/alternative;
             boundary="{boundary}"

            --{boundary}
            Content-Type: text/plain

            It left.
            --{boundary}
            Content-Type: text/html

            <p>It left.</p>
            --{boundary}--
            --{boundary}-outer
            Content-Type: application/pdf; name=invoice.pdf
            Content-Transfer-Encoding: base64

            AAAA
            --{boundary}-outer--

            """.ReplaceLineEndings("\r\n");
    }

    [Fact]
    public async Task A_test_keys_mail_stays_in_the_sandbox_and_465_speaks_TLS_first()
    {
        var tenant = await host.NewTenant();
        var key = (await tenant.NewKey(new { mode = "test", scopes = new[] { "send", "read" } })).GetProperty("key").GetString()!;
        await using var caller = await SmtpCaller.Connect(host.SmtpPort(Listeners.SubmissionTlsName), startWithTls: true);
        Assert.DoesNotContain("STARTTLS", await caller.Ask("EHLO caller.test"), StringComparison.Ordinal);
        Assert.StartsWith("235 2.7.0 A test key", await caller.Login(key), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await caller.Send(Mail(tenant), "ann@example.net"), StringComparison.Ordinal);
        await Eventually.HoldsAsync(
            async () => (await TestHost.Json(await tenant.Test.GetAsync("/sandbox/messages"))).GetProperty("items").GetArrayLength() == 1, ArrivesWithin, "the sandbox has it", CancellationToken.None);
    }

    [Theory]
    [InlineData("X-MailApi-Category: gossip\r\n", "550 5.6.0 X-MailApi-Category: One of marketing, notification, support.")]
    [InlineData("X-MailApi-Category: support\r\nX-MailApi-Category: support\r\n", "550 5.6.0 X-MailApi-Category stands there twice")]
    [InlineData("X-MailApi-Tags: a\r\n", "550 5.6.0 X-MailApi-Tags is not known")]
    [InlineData("X-MailApi-Tag:\r\n", "550 5.6.0 X-MailApi-Tag: ")]
    [InlineData("X-MailApi-Metadata: order=1\r\n", "550 5.6.0 X-MailApi-Metadata must be a JSON object")]
    [InlineData("X-MailApi-Metadata: null\r\n", "550 5.6.0 X-MailApi-Metadata must be a JSON object")]
    [InlineData("X-MailApi-Metadata: {\"a\":1}\r\n", "550 5.6.0 X-MailApi-Metadata must be a JSON object")]
    [InlineData("X-MailApi-Metadata: {\"a\":\"1\",\"a\":\"2\"}\r\n", "550 5.6.0 X-MailApi-Metadata must be a JSON object")]
    [InlineData("X-MailApi-Metadata: {\"\":\"1\"}\r\n", "550 5.6.0 X-MailApi-Metadata: A key has 1 to 64")]
    [InlineData("Idempotency-Key:\r\n", "550 5.6.0 Idempotency-Key must be one text")]
    [InlineData("Sender: x@victim.example\r\n", "550 5.7.1 Sender must be an address at")]
    [InlineData("Resent-From: x@victim.example\r\n", "550 5.6.0 Resent-From tells of another sender")]
    [InlineData("From: x@victim.example\r\n", "550 5.6.0 From stands there twice")]
    [InlineData("No field\r\n", "550 5.6.0 Line 3 of the header is no field")]
    public async Task What_is_wrong_with_a_message_is_told_and_nothing_is_accepted(string fields, string reply)
    {
        var tenant = await host.AnyTenant();
        var recipient = Unique();
        await using var caller = await LoggedIn(tenant.LiveKey);
        Assert.StartsWith(reply, await caller.Send(Mail(tenant, fields), recipient), StringComparison.Ordinal);
        Assert.Empty((await TestHost.Json(await tenant.Live.GetAsync("/messages?recipient=" + recipient))).GetProperty("items").EnumerateArray());
    }

    [Fact]
    public async Task Too_much_is_refused_before_or_after_it_came()
    {
        var tenant = await host.AnyTenant();
        await using var caller = await LoggedIn(tenant.LiveKey);
        Assert.StartsWith("552 5.3.4", await caller.Ask($"MAIL FROM:<> SIZE={(25 << 20) + 1}"), StringComparison.Ordinal);
        // 8-bit octets that take a third more in base64.
        var lines = string.Concat(Enumerable.Repeat(new string('\u00E9', 900) + "\r\n", 25_000));
        Assert.StartsWith("552 5.3.4 The message has", await caller.Send(Mail(tenant) + lines, "ann@example.net"), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await caller.Send(Mail(tenant), "ann@example.net"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tenant_over_its_rate_is_told_to_come_back()
    {
        var tenant = await host.NewTenant(perSecond: 1, burst: 2);
        await using var caller = await LoggedIn(tenant.LiveKey);
        var replies = new List<string>();
        // While one is sent another may become free.
        while (replies.Count < 50 && !replies.Contains("451 4.7.1")) replies.Add((await caller.Send(Mail(tenant), "ann@example.net"))[..9]);
        Assert.Equal("250 2.0.0", replies[0]);
        Assert.Contains("451 4.7.1", replies);
    }

    [Fact]
    public async Task A_large_message_waits_for_a_place_to_be_composed_in_and_a_small_one_does_not()
    {
        await using var own = new TestHost();
        await own.InitializeAsync();
        var tenant = await own.NewTenant();
        var memory = own.Services.GetRequiredService<BodyMemory>();
        var places = new List<Task<IDisposable>>();
        using var enough = new CancellationTokenSource();
        do places.Add(memory.Compose(enough.Token));
        while (places[^1].IsCompleted);
        await enough.CancelAsync();

        await using var large = await LoggedIn(own, tenant.LiveKey);
        var taken = large.Send(Mail(tenant) + string.Concat(Enumerable.Repeat(new string('\u00E9', 70) + "\r\n", BodyMemory.FreeOctets / 70)), Unique());
        await using var small = await LoggedIn(own, tenant.LiveKey);
        for (var count = 0; count < 50; count++) Assert.StartsWith("250 ", await small.Send(Mail(tenant), Unique()), StringComparison.Ordinal);
        Assert.False(taken.IsCompleted);
        foreach (var place in places.SkipLast(1)) (await place).Dispose();
        Assert.StartsWith("250 ", await taken, StringComparison.Ordinal);
    }

    private static string Mail(TestTenant tenant, string fields = "") => $"From: orders@{tenant.Domain}\r\nSubject: Order 1001\r\n{fields}\r\nIt left.\r\n";

    private static string Unique() => $"ann.{Guid.NewGuid():N}@example.net";

    private static string Octets(string text) => System.Text.Encoding.Latin1.GetString(System.Text.Encoding.UTF8.GetBytes(text));

    private static string Id(string reply) => reply.Split(' ')[2];

    private static async Task<string?> CategoryOf(TestTenant tenant, string reply) =>
        (await TestHost.Json(await tenant.Live.GetAsync("/messages/" + Id(reply)))).GetProperty("category").GetString();

    private Task<SmtpCaller> LoggedIn(string key) => LoggedIn(host, key);

    private static async Task<SmtpCaller> LoggedIn(TestHost at, string key)
    {
        var caller = await at.Caller();
        Assert.StartsWith("235 ", await caller.Login(key), StringComparison.Ordinal);
        return caller;
    }
}
