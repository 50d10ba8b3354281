using System.Net.Http.Json;
using MailApi.Testing;
using MailApi.Tests.Architecture;
using MailApi.Tests.Http;

namespace MailApi.Tests.Receiving;

/// <summary>S-20, S-10: whoever has no right to send gets nothing out of any listener, however it is addressed.</summary>
public sealed class RelayTests(TestHost host)
{
    /// <summary>What open relays were found by; {own} is a domain that this service sends for.</summary>
    private static readonly string[] Recipients =
    [
        "<victim@example.net>", "<\"victim@example.net\">", "<\"victim%example.net\">", "<victim%example.net@{own}>", "<victim%example.net>", "<\"victim@example.net\"@{own}>", "<example.net!victim>",
        "<example.net!victim@{own}>", "<@{own}:victim@example.net>", "<@localhost,@{own}:victim@example.net>", "<victim@example.net@{own}>", "<victim@[127.0.0.1]>", "<victim@localhost>", "<victim>", "victim@example.net",
        "<victim@example.net.>", "<>", "<\"\">", "<orders@{own}>", "<victim@bounces.{own}>", "<@>", "<victim@{own}>,<victim@example.net>", "<victim@example.net> ORCPT=rfc822;x@{own}",
    ];

    private static readonly string[] Senders = ["<>", "<orders@{own}>", "<victim@example.net>", "<root@localhost>"];

    [Fact]
    public async Task Port_25_takes_no_recipient_of_strangers_and_offers_no_login()
    {
        var tenant = await host.AnyTenant();
        var wrong = new List<string>();
        foreach (var sender in Senders)
        {
            foreach (var recipient in Recipients)
            {
                await using var stranger = await host.Stranger();
                Assert.DoesNotContain("AUTH", await stranger.Ask("EHLO stranger.test"), StringComparison.Ordinal);
                Assert.StartsWith("500 5.5.1", await stranger.Ask("AUTH LOGIN"), StringComparison.Ordinal);
                Assert.StartsWith("250 ", await stranger.Ask("MAIL FROM:" + Fill(sender, tenant)), StringComparison.Ordinal);
                var answer = await stranger.Ask("RCPT TO:" + Fill(recipient, tenant));
                if (answer[0] != '5') wrong.Add($"{sender} → {recipient}: {answer}");
                if (await stranger.Ask("DATA") is var data && !data.StartsWith("554 5.5.1", StringComparison.Ordinal)) wrong.Add($"{sender} → {recipient}: {data}");
            }
        }
        Rule.Holds(wrong);
    }

    [Theory]
    [InlineData("<@a.example,@b.example:victim@example.net>")]
    [InlineData("<@{own}:victim@example.net>")]
    [InlineData("<victim>")]
    [InlineData("<\"victim@example.net\">")]
    [InlineData("<victim%example.net>")]
    [InlineData("<example.net!victim>")]
    [InlineData("<victim@example.net>")]
    public async Task A_recipient_of_strangers_is_told_that_nothing_is_relayed_however_it_is_written(string recipient)
    {
        await using var stranger = await host.Stranger();
        await stranger.Ask("EHLO stranger.test");
        await stranger.Ask("MAIL FROM:<@a.example:ann@example.net>");
        Assert.StartsWith("550 5.7.1", await stranger.Ask("RCPT TO:" + Fill(recipient, await host.AnyTenant())), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submission_does_nothing_without_TLS_and_a_login()
    {
        var tenant = await host.AnyTenant();
        await using var plain = await SmtpCaller.Connect(host.SmtpPort(Hosting.Listeners.SubmissionName));
        Assert.DoesNotContain("AUTH", await plain.Ask("EHLO caller.test"), StringComparison.Ordinal);
        Assert.StartsWith("530 5.7.0", await plain.Login(tenant.LiveKey), StringComparison.Ordinal);
        await using var secure = await host.Caller();
        foreach (var caller in new[] { plain, secure })
        {
            foreach (var sender in Senders) Assert.StartsWith("530 5.7.0", await caller.Ask("MAIL FROM:" + Fill(sender, tenant)), StringComparison.Ordinal);
            Assert.StartsWith("503 5.5.1", await caller.Ask("RCPT TO:<victim@example.net>"), StringComparison.Ordinal);
            Assert.StartsWith("503 5.5.1", await caller.Ask("DATA"), StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task A_key_that_may_not_send_does_not_log_in()
    {
        var tenant = await host.NewTenant();
        var revoked = await tenant.NewKey(new { mode = "live", scopes = new[] { "send" } });
        using (var gone = await tenant.Live.DeleteAsync($"/tenants/{tenant.Id}/keys/{revoked.GetProperty("id").GetString()}")) Assert.True(gone.IsSuccessStatusCode);
        string[] keys =
        [
            "", " ", "password", TestHost.AdminKey, tenant.LiveKey + "x", tenant.LiveKey[..^1] + (tenant.LiveKey[^1] == 'a' ? 'b' : 'a'),
            revoked.GetProperty("key").GetString()!,
            await Key(tenant, new { mode = "live", scopes = new[] { "read", "domains" } }),
            await Key(tenant, new { mode = "live", scopes = new[] { "send" }, networks = new[] { "192.0.2.0/24" } }),
        ];
        foreach (var key in keys)
        {
            await using var caller = await host.Caller();
            var reply = await caller.Login(key);
            Assert.True(reply.StartsWith(key.Length == 0 ? "501 5.5.2" : "535 5.7.8", StringComparison.Ordinal), $"{key}: {reply}");
            Assert.StartsWith("530 5.7.0", await caller.Ask("MAIL FROM:<>"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_key_that_is_revoked_after_the_login_sends_no_more()
    {
        var tenant = await host.NewTenant();
        var key = await tenant.NewKey(new { mode = "live", scopes = new[] { "send" }, networks = new[] { "127.0.0.0/8" } });
        await using var caller = await host.Caller();
        Assert.StartsWith("235 ", await caller.Login(key.GetProperty("key").GetString()!), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await caller.Send(Mail($"orders@{tenant.Domain}"), "ann@example.net"), StringComparison.Ordinal);
        using (var gone = await tenant.Live.DeleteAsync($"/tenants/{tenant.Id}/keys/{key.GetProperty("id").GetString()}")) Assert.True(gone.IsSuccessStatusCode);
        Assert.StartsWith("550 5.7.1 The key was revoked", await caller.Send(Mail($"orders@{tenant.Domain}"), "ann@example.net"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_sends_from_its_domains_in_its_categories_and_from_no_others()
    {
        var (tenant, other) = (await host.NewTenant(), await host.NewTenant());
        var support = await Key(tenant, new { mode = "live", scopes = new[] { "send:support" } });
        var bound = await Key(tenant, new { mode = "live", scopes = new[] { "send" }, domains = new[] { tenant.Domain } });
        var second = (await TestHost.Json(await host.Admin.PostAsJsonAsync("/domains", new
        {
            tenant = tenant.Id,
            name = $"mail-{Guid.NewGuid():N}.shop.example",
            verification = "manual",
            categories = new[] { "support" },
        }))).GetProperty("name").GetString()!;
        (string Key, string From, string Fields, string Reply)[] table =
        [
            (support, tenant.Domain, "", "550 5.7.1 The key lacks the scope send or send:notification."),
            (support, tenant.Domain, "X-MailApi-Category: support\r\n", "250 "),
            (bound, tenant.Domain, "", "250 "),
            (bound, second, "X-MailApi-Category: support\r\n", "550 5.7.1 The key is bound to other domains than"),
            (tenant.LiveKey, second, "X-MailApi-Category: support\r\n", "250 "),
            (tenant.LiveKey, second, "", $"550 5.7.1 {second} is not registered for notification."),
            (tenant.LiveKey, other.Domain, "", $"550 5.7.1 {other.Domain} is not a domain of this tenant. Register it with POST /domains."),
            (tenant.LiveKey, "other.example", "", "550 5.7.1 other.example is not a domain of this tenant. Register it with POST /domains."),
        ];
        foreach (var (key, from, fields, reply) in table)
        {
            await using var caller = await host.Caller();
            await caller.Login(key);
            Assert.StartsWith(reply, await caller.Send(Mail("orders@" + from, fields), "ann@example.net"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task No_form_of_anothers_domain_is_accepted_as_From()
    {
        var (victim, tenant) = (await host.NewTenant(), await host.NewTenant());
        var wrong = new List<string>();
        await using var caller = await host.Caller();
        await caller.Login(tenant.LiveKey);
        foreach (var form in ImpersonationTests.Forms)
        {
            var from = System.Text.Encoding.Latin1.GetString(System.Text.Encoding.UTF8.GetBytes(ImpersonationTests.Fill(form, victim.Domain, tenant.Domain)));
            var reply = await caller.Send(Mail(from), "ann@example.net");
            if (!reply.StartsWith("550 5.7.1", StringComparison.Ordinal) && !reply.StartsWith("550 5.6.0", StringComparison.Ordinal)) wrong.Add($"{form}: {reply}");
        }
        Rule.Holds(wrong);
        Assert.Empty((await TestHost.Json(await tenant.Live.GetAsync("/messages"))).GetProperty("items").EnumerateArray());
    }

    private static string Mail(string from, string fields = "") => $"From: {from}\r\nSubject: Order 1001\r\n{fields}\r\nIt left.\r\n";

    private static async Task<string> Key(TestTenant tenant, object request) => (await tenant.NewKey(request)).GetProperty("key").GetString()!;

    private static string Fill(string form, TestTenant tenant) => form.Replace("{own}", tenant.Domain, StringComparison.Ordinal);
}
