using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Testing;

namespace MailApi.Tests.Http;

public sealed class SendTests(TestHost host)
{
    [Fact]
    public async Task All_validation_errors_come_at_once_by_json_path()
    {
        var tenant = await host.NewTenant();
        var mail = new JsonObject
        {
            ["from"] = "nobody",
            ["to"] = new JsonArray("ann@example.net", "not an address"),
            ["subject"] = "a\r\nBcc: victim@example.net",
            ["category"] = "gossip",
            ["headers"] = new JsonObject { ["Bcc"] = "x@example.net", ["X-Fine"] = "yes", ["X-Bad"] = "a\nb" },
            ["attachments"] = new JsonArray(new JsonObject { ["filename"] = "a.pdf", ["content"] = "%%%" }),
            ["onUncertain"] = "shrug",
            ["sendAt"] = "tomorrow",
        };
        using var response = await tenant.Live.PostAsJsonAsync("/send", mail);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        var errors = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("errors").EnumerateObject().Select(it => it.Name).Order();
        Assert.Equal(["attachments[0].content", "category", "from", "headers.Bcc", "headers.X-Bad", "onUncertain", "sendAt", "subject", "text", "to[1]"], errors);
    }

    [Fact]
    public async Task What_a_key_was_answered_it_is_answered_again_though_the_domain_no_longer_carries_the_category()
    {
        var tenant = await host.NewTenant();
        var (first, _) = await Post();
        using var narrowed = await tenant.Live.PatchAsJsonAsync($"/domains/{tenant.DomainId}", new { categories = new[] { "support" } });
        Assert.Equal(HttpStatusCode.OK, narrowed.StatusCode);

        Assert.Equal((first, HttpStatusCode.Accepted), await Post());
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await Post("another subject")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await Post(key: "order-1002")).Status);

        async Task<(string Answer, HttpStatusCode Status)> Post(string subject = "Order 1001", string key = "order-1001")
        {
            var mail = tenant.Mail("ann@example.net");
            mail["subject"] = subject;
            using var request = new HttpRequestMessage(HttpMethod.Post, "/send") { Content = JsonContent.Create(mail), Headers = { { "Idempotency-Key", key } } };
            using var response = await tenant.Live.SendAsync(request);
            return (await response.Content.ReadAsStringAsync(), response.StatusCode);
        }
    }

    [Theory]
    [InlineData("{", HttpStatusCode.BadRequest)]
    [InlineData("null", HttpStatusCode.BadRequest)]
    [InlineData("""{"from":"a","from":"b"}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"form":"a"}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"subject":1}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"subject":NaN}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"subject":"\ud800"}""", HttpStatusCode.BadRequest)]
    [InlineData("{}", HttpStatusCode.UnprocessableEntity)]
    public async Task Bad_bodies_get_a_problem_and_no_mail(string body, HttpStatusCode status)
    {
        var tenant = await host.NewTenant();
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await tenant.Live.PostAsync("/send", content);
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task A_million_levels_or_members_of_json_are_refused_quickly()
    {
        var tenant = await host.NewTenant();
        var deep = new string('[', 1_000_000) + new string(']', 1_000_000);
        var wide = "{" + string.Join(",", Enumerable.Range(0, 1_000_000).Select(index => $"\"k{index}\":1")) + "}";
        foreach (var body in new[] { """{"metadata":""" + deep + "}", wide })
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var response = await tenant.Live.PostAsync("/send", content);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }
    }

    [Fact]
    public async Task Too_large_a_body_is_413_and_a_wrong_media_type_415()
    {
        var tenant = await host.NewTenant();
        using var large = new ByteArrayContent(new byte[41 << 20]) { Headers = { ContentType = new("application/json") } };
        using var tooLarge = await tenant.Live.PostAsync("/send", large);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, tooLarge.StatusCode);
        using var text = new StringContent("{}", Encoding.UTF8, "text/plain");
        using var wrong = await tenant.Live.PostAsync("/send", text);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, wrong.StatusCode);
    }

    [Fact]
    public async Task A_full_message_arrives_as_it_was_meant()
    {
        var tenant = await host.NewTenant();
        var recipient = $"li.{Guid.NewGuid():N}@example.net";
        var mail = tenant.Mail($"李明 <{recipient}>");
        mail["subject"] = "您的订单 1001 已发货 📦";
        mail["text"] = "亲爱的李明：\n您的包裹已于今天早上发出。\n.\n..两点\n";
        mail["html"] = "<p>亲爱的李明</p><img src=\"cid:logo\">";
        mail["replyTo"] = new JsonArray($"帮助 <help@{tenant.Domain}>");
        mail["headers"] = new JsonObject { ["X-Order"] = "1001" };
        mail["attachments"] = new JsonArray(
            new JsonObject { ["filename"] = "发票.pdf", ["contentType"] = "application/pdf", ["content"] = Convert.ToBase64String("%PDF-1.4"u8) },
            new JsonObject { ["filename"] = "logo.png", ["contentType"] = "image/png", ["content"] = Convert.ToBase64String([1, 2, 3]), ["contentId"] = "logo" });
        await tenant.Send(mail);

        var arrived = await host.Sink.WaitFor(recipient, TimeSpan.FromSeconds(60));
        var mime = arrived.Mime;
        Assert.Equal("您的订单 1001 已发货 📦", mime.Subject);
        Assert.Equal("李明", mime.To.Mailboxes.Single().Name);
        Assert.Equal("帮助", mime.ReplyTo.Mailboxes.Single().Name);
        Assert.Equal("亲爱的李明：\n您的包裹已于今天早上发出。\n.\n..两点\n", mime.TextBody!.ReplaceLineEndings("\n"));
        Assert.Contains("cid:logo", mime.HtmlBody, StringComparison.Ordinal);
        Assert.Equal("发票.pdf", mime.Attachments.Single().ContentDisposition!.FileName);
        Assert.Equal("1001", mime.Headers["X-Order"]);
        Assert.All(arrived.Bytes, octet => Assert.True(octet < 128));
        Assert.False(arrived.HasStrayLineEnd);
    }

    [Fact]
    public async Task An_internationalised_address_goes_to_a_receiver_that_knows_SMTPUTF8()
    {
        var tenant = await host.NewTenant();
        var id = await tenant.Send(tenant.Mail("用户@例子.测试"));
        await tenant.WaitFor(id, "delivered");
        var arrived = await host.Sink.WaitFor("用户@xn--fsqu00a.xn--0zwm56d", TimeSpan.FromSeconds(60));
        Assert.Contains("SMTPUTF8", arrived.MailParameters, StringComparison.Ordinal);
    }

    /// <summary>S-09: nothing is encoded again after it was signed, whatever the receiver offers.</summary>
    [Fact]
    public async Task A_receiver_without_8BITMIME_and_SMTPUTF8_gets_the_signed_octets_and_no_internationalised_address()
    {
        await using var plain = ScriptedSink.Start(new SinkOptions
        {
            EndPoint = new IPEndPoint(IPAddress.Parse("127.0.0.2"), host.Sink.Port),
            OfferEightBitMime = false,
            OfferSmtpUtf8 = false,
            OfferPipelining = false,
        });
        host.Dns.Mx("plain.test", 10, "mx.plain.test").A("mx.plain.test", "127.0.0.2");
        var tenant = await host.NewTenant();
        var mail = tenant.Mail("ann@plain.test");
        (mail["subject"], mail["text"]) = ("您的订单 1001 已发货", "亲爱的客户：\n您的包裹已于今天早上发出。\n");
        await tenant.Send(mail);
        var arrived = await plain.WaitFor("ann@plain.test", TimeSpan.FromSeconds(60));
        var record = await tenant.DkimRecord();
        Assert.Equal(AuthenticationResult.Pass, Assert.Single(await Verifier.Verify(arrived.Bytes, (_, _, _) => Task.FromResult<string?>(record), CancellationToken.None)).Result);

        var bounced = await tenant.WaitFor(await tenant.Send(tenant.Mail("用户@plain.test")), "bounced");
        Assert.Equal("5.6.7", bounced.GetProperty("recipients")[0].GetProperty("reply").GetProperty("enhanced").GetString());
        Assert.Single(plain.Messages);
    }

    [Fact]
    public async Task Marketing_mail_is_given_a_one_click_way_out_that_the_signature_covers()
    {
        var tenant = await host.NewTenant();
        var recipient = $"ann.{Guid.NewGuid():N}@example.net";
        var mail = tenant.Mail(recipient);
        mail["category"] = "marketing";
        await tenant.Send(mail);
        var arrived = await host.Sink.WaitFor(recipient, TimeSpan.FromSeconds(60));
        Assert.Equal("List-Unsubscribe=One-Click", arrived.Header("List-Unsubscribe-Post"));
        var link = arrived.Header("List-Unsubscribe")!.Split('<', '>')[1];
        Assert.StartsWith($"https://track.{tenant.Domain}/u/", link, StringComparison.Ordinal);
        Assert.Contains("List-Unsubscribe:", arrived.Header("DKIM-Signature")!.Replace(" ", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);

        var path = new Uri(link).AbsolutePath;
        using var shown = await host.Anonymous.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
        await tenant.WaitFor(await tenant.Send(mail), "delivered");
        using var oneClick = await host.Anonymous.PostAsync(path, new FormUrlEncodedContent([new("List-Unsubscribe", "One-Click")]));
        Assert.Equal(HttpStatusCode.OK, oneClick.StatusCode);
        await tenant.WaitFor(await tenant.Send(mail), "suppressed");
        mail["category"] = "notification";
        await tenant.WaitFor(await tenant.Send(mail), "delivered");
    }

    [Fact]
    public async Task Over_the_ingress_rate_the_answer_is_429_and_says_when()
    {
        var tenant = await host.NewTenant(perSecond: 1, burst: 2);
        using var first = await tenant.Live.PostAsJsonAsync("/send", tenant.Mail("ann@example.net"));
        Assert.Equal((HttpStatusCode.Accepted, "\"tenant\";r=1;t=1"), (first.StatusCode, RateLimit(first)));
        HttpStatusCode status;
        string limit;
        TimeSpan? wait;
        do
        {
            // A machine so slow that it earns a request back between two asks on.
            using var next = await tenant.Live.PostAsJsonAsync("/send", tenant.Mail("ann@example.net"));
            (status, limit, wait) = (next.StatusCode, RateLimit(next), next.Headers.RetryAfter?.Delta);
        }
        while (status == HttpStatusCode.Accepted);
        Assert.Equal((HttpStatusCode.TooManyRequests, "\"tenant\";r=0;t=2", TimeSpan.FromSeconds(1)), (status, limit, wait));

        static string RateLimit(HttpResponseMessage response)
        {
            Assert.Equal("\"tenant\";q=2;w=2", Assert.Single(response.Headers.GetValues("RateLimit-Policy")));
            return Assert.Single(response.Headers.GetValues("RateLimit"));
        }
    }

    [Fact]
    public async Task A_domain_sends_only_the_categories_it_was_registered_for()
    {
        var tenant = await host.NewTenant();
        using var changed = await host.Admin.PatchAsJsonAsync($"/domains/{tenant.DomainId}", new { categories = new[] { "support" } });
        await TestHost.Json(changed);
        using var refused = await tenant.Live.PostAsJsonAsync("/send", tenant.Mail("ann@example.net"));
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains("category-not-allowed", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_body_twice_is_two_messages_with_two_ids()
    {
        var tenant = await host.AnyTenant();
        var recipient = $"ann.{Guid.NewGuid():N}@example.net";
        foreach (var id in (string[])[await tenant.Send(tenant.Mail(recipient)), await tenant.Send(tenant.Mail(recipient))]) await tenant.WaitFor(id, "delivered");

        Assert.Equal(2, host.Sink.Messages.Where(it => it.Recipient == recipient).Select(it => it.MessageId).Distinct().Count());
    }

    [Fact]
    public async Task A_domain_that_takes_no_mail_or_is_unknown_ends_in_a_bounce_that_says_why()
    {
        host.Dns.Mx("nomail.test", 0, ".");
        var tenant = await host.NewTenant();
        var message = await tenant.WaitFor(await tenant.Send(tenant.Mail("ann@nomail.test")), "bounced");
        Assert.Equal("5.1.10", message.GetProperty("recipients")[0].GetProperty("reply").GetProperty("enhanced").GetString());
        message = await tenant.WaitFor(await tenant.Send(tenant.Mail("ann@unknown.test")), "bounced");
        Assert.Equal("5.1.2", message.GetProperty("recipients")[0].GetProperty("reply").GetProperty("enhanced").GetString());
    }

    [Fact]
    public async Task A_mail_host_on_a_private_address_is_never_connected_to_unless_that_is_allowed()
    {
        await using var host = new TestHost { Settings = ["Delivery:AllowPrivateNetworks=false"] };
        await host.InitializeAsync();
        var tenant = await host.NewTenant();
        var message = await tenant.WaitFor(await tenant.Send(tenant.Mail("ann@example.net")), "bounced");
        Assert.Equal("5.4.4", message.GetProperty("recipients")[0].GetProperty("reply").GetProperty("enhanced").GetString());
        Assert.Equal(0, host.Sink.ConnectionsEver);
    }
}
