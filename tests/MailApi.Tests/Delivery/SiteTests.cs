using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Delivery;

/// <summary>Receivers on loopback addresses of their own, each a site.</summary>
public sealed class SiteTests(TestHost host)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task A_site_gets_no_more_connections_than_it_allows_and_they_are_never_idle()
    {
        const int Messages = 60;
        // Three replies of a message are late: 600 ms each message, so four connections take nearly seven a second, and no fewer than two of a machine that is busy with other tests.
        await using var sink = ScriptedSink.Start(Listening("127.0.0.11") with { TarpitDelay = TimeSpan.FromMilliseconds(200) });
        host.Dns.Mx("a.four.test", 10, "mx.four.test").Mx("b.four.test", 10, "mx.four.test").A("mx.four.test", "127.0.0.11");
        var tenant = await host.NewTenant();
        await tenant.Send(tenant.Mail([.. Enumerable.Range(0, Messages).Select(index => $"tarpit.{index}@{(index % 2 == 0 ? 'a' : 'b')}.four.test")]));

        var most = 0;
        await Eventually.HoldsAsync(() =>
        {
            most = Math.Max(most, sink.Connections);
            return sink.Count == Messages;
        }, Patience, "all have come", CancellationToken.None);

        Assert.InRange(most, 1, 4);
        var times = sink.Messages.Select(message => message.Time).Order().ToList();
        // In a row without gaps: the first and the last tenth are left out, when the others are busy with something else.
        var perSecond = Messages * 0.8 / (times[Messages * 9 / 10] - times[Messages / 10]).TotalSeconds;
        Assert.InRange(perSecond, 2, 8);
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task Receivers_that_answer_slowly_take_nothing_from_mail_to_others()
    {
        await using var tarpit = ScriptedSink.Start(Listening("127.0.0.12") with { TarpitDelay = TimeSpan.FromSeconds(60) });
        var tenant = await host.NewTenant();
        string[] slow = [.. Enumerable.Range(0, 8).Select(index => $"t{index}.test")];
        foreach (var domain in slow) host.Dns.Mx(domain, 10, $"mx.{domain}").A($"mx.{domain}", "127.0.0.12");
        // More than there are delivery slots.
        await tenant.Send(tenant.Mail([.. slow.SelectMany(domain => Enumerable.Range(0, 16).Select(index => $"tarpit.{index}@{domain}"))]));
        await Eventually.HoldsAsync(() => tarpit.Connections > 40, Patience, "slots are taken", CancellationToken.None);

        var quick = Enumerable.Range(0, 20).Select(index => $"quick.{index}.{Guid.NewGuid():N}@example.net").ToList();
        await tenant.Send(tenant.Mail([.. quick]));
        foreach (var recipient in quick) await host.Sink.WaitFor(recipient, TimeSpan.FromSeconds(30));
        Assert.Equal(0, tarpit.Count);
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task Large_messages_to_a_receiver_that_answers_slowly_keep_no_other_large_message_waiting()
    {
        await using var tarpit = ScriptedSink.Start(Listening("127.0.0.21") with { TarpitDelay = TimeSpan.FromSeconds(60) });
        var tenant = await host.NewTenant();
        host.Dns.Mx("large.test", 10, "mx.large.test").A("mx.large.test", "127.0.0.21");
        // More than there are places for large messages of a category.
        for (var index = 0; index < 6; index++) await tenant.Send(Large("marketing", $"tarpit.{index}@large.test"));
        await Eventually.HoldsAsync(() => tarpit.Connections >= 3, Patience, "places are taken", CancellationToken.None);

        foreach (var category in (string[])["notification", "marketing"])
        {
            var quick = $"quick.{Guid.NewGuid():N}@example.net";
            await tenant.Send(Large(category, quick));
            await host.Sink.WaitFor(quick, TimeSpan.FromSeconds(30));
        }
        Assert.Equal(0, tarpit.Count);

        System.Text.Json.Nodes.JsonObject Large(string category, string to)
        {
            var mail = tenant.Mail(to);
            (mail["category"], mail["text"]) = (category, string.Concat(Enumerable.Repeat("Your parcel left our warehouse this morning.\n", 8_000)));
            return mail;
        }
    }

    [Trait("Takes", "seconds")]
    [Fact]
    public async Task A_receiver_that_asks_for_less_gets_less_and_the_operator_sees_why()
    {
        await using var sink = ScriptedSink.Start(Listening("127.0.0.13"));
        host.Dns.Mx("busy.test", 10, "mx.strangers.test").A("mx.strangers.test", "127.0.0.13");
        var tenant = await host.NewTenant();
        await tenant.WaitFor(await tenant.Send(tenant.Mail("421-1-ann@busy.test")), "delivered");

        var site = await SiteOf("busy.test", it => it.GetProperty("counts").GetProperty("delivered").GetInt64() == 1);
        Assert.Equal("mx.strangers.test", site.GetProperty("site").GetString());
        Assert.Equal("strangers", site.GetProperty("profile").GetString());
        Assert.Equal("slowed", site.GetProperty("state").GetString());
        Assert.Equal("421 4.3.2 closing, try again later", site.GetProperty("reason").GetString());
        Assert.Equal((5, 10), (site.GetProperty("connections").GetProperty("now").GetInt32(), site.GetProperty("connections").GetProperty("profile").GetInt32()));
        Assert.Equal(["busy.test"], site.GetProperty("domains").EnumerateArray().Select(it => it.GetString()));
        Assert.Equal(1, site.GetProperty("counts").GetProperty("deferred").GetInt64());
        Assert.DoesNotContain("ann@", site.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_limit_that_is_told_as_a_permanent_failure_pauses_its_site_and_bounces_nothing()
    {
        await using var sink = ScriptedSink.Start(Listening("127.0.0.19"));
        host.Dns.Mx("frequent.test", 10, "frequent.strangers.test").A("frequent.strangers.test", "127.0.0.19");
        var tenant = await host.NewTenant();
        await tenant.WaitFor(await tenant.Send(tenant.Mail("frequency-ann@frequent.test")), "deferred");

        // A report of before the reply may be there first.
        var site = await SiteOf("frequent.test", it => it.GetProperty("state").GetString() == "paused");
        Assert.StartsWith("550 Connection frequency limited", site.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Empty((await TestHost.Json(await tenant.Live.GetAsync("/suppressions"))).GetProperty("items").EnumerateArray());
    }

    [Fact]
    public async Task A_connection_has_its_share_of_messages_and_then_says_QUIT()
    {
        await using var sink = ScriptedSink.Start(Listening("127.0.0.14"));
        host.Dns.Mx("share.test", 10, "share.strangers.test").A("share.strangers.test", "127.0.0.14");
        var tenant = await host.NewTenant();
        for (var index = 0; index < 7; index++) await tenant.WaitFor(await tenant.Send(tenant.Mail($"ann{index}@share.test")), "delivered");

        Assert.Equal([3, 3, 1], sink.Sessions.Select(session => session.Messages));
        await Eventually.HoldsAsync(() => sink.Sessions.Take(2).All(session => session.Transcript.Contains("C: QUIT")), Patience, "QUIT is said", CancellationToken.None);
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task A_suspended_site_holds_all_domains_with_its_mail_hosts()
    {
        await using var sink = ScriptedSink.Start(Listening("127.0.0.15"));
        host.Dns.Mx("hold-a.test", 10, "mx.hold.test").Mx("hold-b.test", 10, "mx.hold.test").A("mx.hold.test", "127.0.0.15");
        var tenant = await host.NewTenant();
        await tenant.WaitFor(await tenant.Send(tenant.Mail("ann@hold-a.test")), "delivered");
        await SiteOf("hold-a.test", _ => true);

        var key = new { site = "mx.hold.test" };
        using var suspended = await host.Admin.PostAsJsonAsync("/queue/suspend", key);
        Assert.Equal(HttpStatusCode.NoContent, suspended.StatusCode);
        var held = await tenant.Send(tenant.Mail("bob@hold-a.test", "bob@hold-b.test"));
        // The second domain is known to go there once its mail was looked at.
        await Eventually.HoldsAsync(async () =>
        {
            var queue = await TestHost.Json(await host.Admin.GetAsync("/queue"));
            return queue.GetProperty("sites").EnumerateArray().Any(it => it.GetProperty("name").GetString() == "mx.hold.test" && it.GetProperty("depth").GetInt64() == 2);
        }, Patience, "both wait for the site", CancellationToken.None);
        var waiting = (await TestHost.Json(await host.Admin.GetAsync("/queue"))).GetProperty("tenants").EnumerateArray().Single(it => it.GetProperty("name").GetString() == tenant.Id);
        Assert.Equal(2, waiting.GetProperty("depth").GetInt64());
        Assert.True(waiting.GetProperty("oldestSeconds").GetDouble() >= 0);
        Assert.Equal(1, sink.Count);

        using var resumed = await host.Admin.PostAsJsonAsync("/queue/resume", key);
        await tenant.WaitFor(held, "delivered");
    }

    [Trait("Takes", "seconds")]
    [Fact]
    public async Task A_flush_of_a_paused_site_sends_what_it_sent_away_and_leaves_scheduled_mail_alone()
    {
        await using var sink = ScriptedSink.Start(Listening("127.0.0.20"));
        host.Dns.Mx("flush.test", 10, "flush.strangers.test").A("flush.strangers.test", "127.0.0.20");
        var tenant = await host.NewTenant();
        await tenant.WaitFor(await tenant.Send(tenant.Mail("frequency-1-ann@flush.test")), "deferred");
        var scheduled = tenant.Mail("bob@flush.test");
        scheduled["sendAt"] = (TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1)).ToString("o");
        await tenant.Send(scheduled);
        await tenant.Send(tenant.Mail("carol@flush.test"));

        await SiteOf("flush.test", it => it.GetProperty("state").GetString() == "paused");

        // Ann was refused, Carol finds the site paused, which is for an hour.
        await Eventually.HoldsAsync(async () =>
        {
            await Flush(new { site = "flush.test" });
            return sink.Count == 2;
        }, Patience, "both are sent", CancellationToken.None);
        Assert.DoesNotContain(sink.Messages, it => it.Recipient == "bob@flush.test");
    }

    [Fact]
    public async Task Sites_are_for_operators_and_come_in_pages()
    {
        var tenant = await host.AnyTenant();
        using var refused = await tenant.Live.GetAsync("/sites");
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        foreach (var query in (string[])["limit=0", "cursor=x", "state=fine"])
        {
            using var wrong = await host.Admin.GetAsync("/sites?" + query);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, wrong.StatusCode);
        }

        foreach (var name in (string[])["page-a.test", "page-b.test", "page-c.test"])
        {
            host.Dns.Mx(name, 10, $"mx.{name}").A($"mx.{name}", "127.0.0.1");
            await tenant.WaitFor(await tenant.Send(tenant.Mail($"ann@{name}")), "delivered");
        }
        foreach (var name in (string[])["page-a.test", "page-b.test", "page-c.test"]) await SiteOf(name, _ => true);
        var seen = new List<string>();
        for (var cursor = ""; cursor is not null;)
        {
            var page = await TestHost.Json(await host.Admin.GetAsync($"/sites?state=open&limit=1{cursor}"));
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(it => it.GetProperty("site").GetString()!));
            cursor = page.TryGetProperty("next", out var next) ? "&cursor=" + next.GetString() : null;
        }
        Assert.Equal(["mx.page-a.test", "mx.page-b.test", "mx.page-c.test"], seen.Where(site => site.StartsWith("mx.page-", StringComparison.Ordinal)));
        Assert.Equal(seen.Order(StringComparer.Ordinal), seen);
    }

    private async Task<int> Flush(object key)
    {
        using var flushed = await host.Admin.PostAsJsonAsync("/queue/flush", key);
        return (await TestHost.Json(flushed)).GetProperty("count").GetInt32();
    }

    private SinkOptions Listening(string address) => new() { EndPoint = new IPEndPoint(IPAddress.Parse(address), host.Sink.Port) };

    private async Task<JsonElement> SiteOf(string domain, Func<JsonElement, bool> fits)
    {
        JsonElement site = default;
        await Eventually.HoldsAsync(async () =>
        {
            var page = await TestHost.Json(await host.Admin.GetAsync($"/sites?domain={domain}"));
            site = page.GetProperty("items").EnumerateArray().SingleOrDefault();
            return site.ValueKind == JsonValueKind.Object && fits(site);
        }, Patience, $"the site of {domain} is shown", CancellationToken.None);
        return site;
    }
}
