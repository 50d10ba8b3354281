using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.RegularExpressions;
using MailApi.Suppressions;
using MailApi.Tests.Http;

namespace MailApi.Tests.Suppressions;

/// <summary>What a recipient does with the link in a mail.</summary>
public sealed partial class UnsubscribeRoutesTests(TestHost host)
{
    [Fact]
    public async Task The_page_speaks_English_and_Chinese_and_says_which_is_which()
    {
        var (_, _, link) = await Mail();
        var asked = await Text(await host.Anonymous.GetAsync(link));
        Assert.Contains("<html lang=\"en\">", asked, StringComparison.Ordinal);
        Assert.Contains("<p lang=\"zh-Hans\">退订后，您将不再收到", asked, StringComparison.Ordinal);
        Assert.Contains("<button type=\"submit\">Unsubscribe · <span lang=\"zh-Hans\">退订</span></button>", asked, StringComparison.Ordinal);
        Assert.Contains("<span lang=\"zh-Hans\">您已退订。</span>", await Text(await Post(link, "List-Unsubscribe=One-Click")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Looking_changes_nothing_and_acting_is_told_once()
    {
        var (tenant, recipient, link) = await Mail();
        for (var look = 0; look < 3; look++) Assert.Contains("value=\"One-Click\"", await Text(await host.Anonymous.GetAsync(link)), StringComparison.Ordinal);
        await tenant.WaitFor(await Send(tenant, recipient), "delivered");

        for (var click = 0; click < 2; click++)
            Assert.Contains("You are unsubscribed.", await Text(await Post(link, "List-Unsubscribe=One-Click")), StringComparison.Ordinal);

        await tenant.WaitFor(await Send(tenant, recipient), "suppressed");
        var events = (await TestHost.Json(await tenant.Live.GetAsync("/events?limit=200"))).GetProperty("items").EnumerateArray();
        Assert.Single(events, it => it.GetProperty("type").GetString() == "recipient.unsubscribed");
    }

    /// <summary>Whatever a mail program sends as its one-click, it unsubscribes.</summary>
    public static TheoryData<string?, string> OneClicks => new()
    {
        { "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click" },
        { "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n" },
        { "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"action\"\r\n\r\nresubscribe\r\n--x--\r\n" },
        { null, "" },
        { "text/plain", "action=topics" },
        { "application/x-www-form-urlencoded", "" },
        { "application/x-www-form-urlencoded", "action=unheard-of" },
        { "application/x-www-form-urlencoded", "action=resubscribe&x=" + new string('x', UnsubscribeForm.OctetsMax) },
        { "application/x-www-form-urlencoded", "%%%&&&===\0" },
    };

    [Theory, MemberData(nameof(OneClicks))]
    public async Task Every_post_that_says_nothing_else_unsubscribes(string? type, string body)
    {
        var (tenant, recipient, link) = await Mail();
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        if (type is not null) content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);

        Assert.Contains("You are unsubscribed.", await Text(await host.Anonymous.PostAsync(link, content)), StringComparison.Ordinal);

        Assert.False(await IsSubscribed(tenant, recipient));
    }

    [Fact]
    public async Task The_pages_forms_choose_topics_and_subscribe_again()
    {
        var (tenant, recipient, link) = await Mail();
        Assert.Contains("每周新闻", await Text(await host.Anonymous.GetAsync(link)), StringComparison.Ordinal);

        Assert.Contains("Your choice is saved.", await Text(await Post(link, "action=topics&topic=offers")), StringComparison.Ordinal);
        await tenant.WaitFor(await Send(tenant, recipient, "weekly"), "suppressed");
        await tenant.WaitFor(await Send(tenant, recipient, "offers"), "delivered");

        await Text(await Post(link, "List-Unsubscribe=One-Click"));
        Assert.Contains("value=\"resubscribe\"", await Text(await host.Anonymous.GetAsync(link)), StringComparison.Ordinal);
        await tenant.WaitFor(await Send(tenant, recipient, "offers"), "suppressed");
        Assert.Contains("Your choice is saved.", await Text(await Post(link, "action=resubscribe")), StringComparison.Ordinal);
        await tenant.WaitFor(await Send(tenant, recipient, "offers"), "delivered");
        await tenant.WaitFor(await Send(tenant, recipient, "weekly"), "suppressed");
    }

    [Fact]
    public async Task A_link_that_is_not_ours_does_nothing_whatever_is_posted()
    {
        var forged = "/u/" + new string('A', 43);
        foreach (var body in (string[])["", "action=resubscribe", "action=topics&topic=weekly"])
            using (var response = await Post(forged, body)) Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    private async Task<(TestTenant Tenant, string Recipient, string Link)> Mail()
    {
        var (tenant, recipient) = (await host.NewTenant(), $"ann.{Guid.NewGuid():N}@example.net");
        await TestHost.Json(await tenant.Live.PutAsJsonAsync("/topics", new
        {
            items = new[] { new { name = "weekly", title = "Weekly news", titleZh = "每周新闻" }, new { name = "offers", title = "Offers", titleZh = "优惠" } },
        }));
        await Send(tenant, recipient);
        var mail = await host.Sink.WaitFor(recipient, TimeSpan.FromSeconds(60));
        return (tenant, recipient, Link().Match(mail.Header("List-Unsubscribe")!).Value);
    }

    private static Task<string> Send(TestTenant tenant, string recipient, string? topic = null)
    {
        var mail = tenant.Mail(recipient);
        mail["category"] = "marketing";
        mail["topic"] = topic;
        return tenant.Send(mail);
    }

    private async Task<HttpResponseMessage> Post(string link, string form)
    {
        using var content = new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded");
        return await host.Anonymous.PostAsync(link, content);
    }

    private static async Task<string> Text(HttpResponseMessage response)
    {
        using (response)
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal(UnsubscribePage.ContentSecurityPolicy, response.Headers.GetValues("Content-Security-Policy").Single());
            return await response.Content.ReadAsStringAsync();
        }
    }

    private static async Task<bool> IsSubscribed(TestTenant tenant, string recipient) =>
        (await TestHost.Json(await tenant.Live.GetAsync($"/recipients/{recipient}/preferences"))).GetProperty("categories").GetProperty("marketing").GetBoolean();

    [GeneratedRegex("/u/[A-Za-z0-9_-]+")]
    private static partial Regex Link();
}
