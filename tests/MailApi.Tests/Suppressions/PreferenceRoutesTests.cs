using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Suppressions;

public sealed class PreferenceRoutesTests(TestHost host)
{
    [Fact]
    public async Task Marketing_on_a_topic_that_is_not_wanted_is_held_back_and_no_other_mail()
    {
        var (tenant, recipient) = (await WithTopics(), $"ann.{Guid.NewGuid():N}@example.net");
        var preferences = await TestHost.Json(await tenant.Live.PutAsJsonAsync(Path(recipient), new { topics = new { weekly = false } }));
        Assert.Equal("""{"weekly":false,"offers":true}""", preferences.GetProperty("topics").GetRawText());

        Assert.Contains("topicPreference", (await tenant.WaitFor(await Send("marketing", "weekly"), "suppressed")).GetRawText(), StringComparison.Ordinal);
        await tenant.WaitFor(await Send("marketing", "offers"), "delivered");
        await tenant.WaitFor(await Send("marketing", null), "delivered");
        Assert.Equal("weekly", (await tenant.WaitFor(await Send("notification", "weekly"), "delivered")).GetProperty("topic").GetString());

        await TestHost.Json(await tenant.Live.PutAsJsonAsync(Path(recipient), new { topics = new { weekly = true } }));
        await tenant.WaitFor(await Send("marketing", "weekly"), "delivered");

        async Task<string> Send(string category, string? topic)
        {
            var mail = tenant.Mail(recipient);
            mail["category"] = category;
            mail["topic"] = topic;
            return await tenant.Send(mail);
        }
    }

    [Fact]
    public async Task A_category_is_left_and_joined_again_and_a_bounce_stays()
    {
        var (tenant, recipient) = (await WithTopics(), $"ann.{Guid.NewGuid():N}@example.net");
        await TestHost.Json(await tenant.Live.PostAsJsonAsync("/suppressions", new { address = recipient, reason = "hardBounce" }));

        var left = await TestHost.Json(await tenant.Live.PutAsJsonAsync(Path(recipient), new { categories = new { marketing = false } }));
        Assert.Equal("""{"marketing":false,"notification":true,"support":true}""", left.GetProperty("categories").GetRawText());
        Assert.Equal(["unsubscribe", "hardBounce"], await Reasons());

        var joined = await TestHost.Json(await tenant.Live.PutAsJsonAsync(Path(recipient), new { categories = new { marketing = true } }));
        Assert.Equal(joined.GetRawText(), (await TestHost.Json(await tenant.Live.GetAsync(Path(recipient.ToUpperInvariant())))).GetRawText());
        Assert.Equal(["hardBounce"], await Reasons());

        async Task<string?[]> Reasons() => [.. (await TestHost.Json(await tenant.Live.GetAsync($"/suppressions?address={recipient}")))
            .GetProperty("items").EnumerateArray().Select(entry => entry.GetProperty("reason").GetString())];
    }

    [Fact]
    public async Task What_is_left_is_told_and_counted_once()
    {
        var (tenant, recipient) = (await WithTopics(), $"ann.{Guid.NewGuid():N}@example.net");
        for (var time = 0; time < 2; time++)
            await TestHost.Json(await tenant.Live.PutAsJsonAsync(Path(recipient), new { categories = new { support = false, marketing = true }, topics = new { weekly = false, offers = true } }));

        var told = (await TestHost.Json(await tenant.Live.GetAsync("/events"))).GetProperty("items").EnumerateArray()
            .Where(it => it.GetProperty("type").GetString() == "recipient.unsubscribed").Select(it => it.GetProperty("data")).ToList();
        Assert.All(told, data => Assert.Equal(recipient, data.GetProperty("recipient").GetString()));
        Assert.Equal([("marketing", "weekly"), ("support", null)], told.Select(data => (data.GetProperty("category").GetString(), data.TryGetProperty("topic", out var topic) ? topic.GetString() : null)).Order());
        // Whoever refuses a topic still gets the rest.
        await Eventually.HoldsAsync(
            async () => (await TestHost.Json(await tenant.Live.GetAsync("/stats?groupBy=category"))).GetProperty("items").EnumerateArray()
                .Any(row => row.GetProperty("category").GetString() == "support" && row.GetProperty("unsubscribed").GetInt64() == 1),
            TimeSpan.FromSeconds(60), "it is counted", CancellationToken.None);
    }

    [Fact]
    public async Task A_refusal_outlives_its_topic()
    {
        var (tenant, recipient) = (await WithTopics(), $"ann.{Guid.NewGuid():N}@example.net");
        await TestHost.Json(await tenant.Live.PutAsJsonAsync(Path(recipient), new { topics = new { weekly = false } }));
        await TestHost.Json(await tenant.Live.PutAsJsonAsync("/topics", new { items = Array.Empty<object>() }));
        Assert.Empty((await TestHost.Json(await tenant.Live.GetAsync("/topics"))).GetProperty("items").EnumerateArray());

        await TestHost.Json(await tenant.Live.PutAsJsonAsync("/topics", new { items = new[] { new { name = "weekly", title = "Weekly" } } }));
        Assert.False((await TestHost.Json(await tenant.Live.GetAsync(Path(recipient)))).GetProperty("topics").GetProperty("weekly").GetBoolean());
    }

    [Fact]
    public async Task A_topic_that_the_tenant_does_not_have_is_refused_by_name()
    {
        var tenant = await WithTopics();
        var mail = tenant.Mail("ann@example.net");
        foreach (var topic in (string[])["monthly", "Weekly", "", "weekly\0"])
        {
            mail["topic"] = topic;
            using var sent = await tenant.Live.PostAsJsonAsync("/send", mail);
            Assert.Equal(["topic"], await Errors(sent));
        }
        using var chosen = await tenant.Live.PutAsJsonAsync(Path("ann@example.net"), new { topics = new { monthly = true }, categories = new { sales = true } });
        Assert.Equal(["categories.sales", "topics.monthly"], (await Errors(chosen)).Order());
        using var nobody = await tenant.Live.GetAsync("/recipients/nobody/preferences");
        Assert.Equal(["address"], await Errors(nobody));
    }

    [Theory]
    [InlineData("""{}""", "items")]
    [InlineData("""{"items":[null]}""", "items[0]")]
    [InlineData("""{"items":[{"name":"Weekly","title":"x"}]}""", "items[0].name")]
    [InlineData("""{"items":[{"name":"weekly","title":" "}]}""", "items[0].title")]
    [InlineData("""{"items":[{"name":"weekly","title":"x","titleZh":"a\nb"}]}""", "items[0].titleZh")]
    [InlineData("""{"items":[{"name":"weekly","title":"x"},{"name":"weekly","title":"y"}]}""", "items")]
    public async Task Topics_are_refused_with_what_is_wrong_with_them(string body, string path)
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var response = await (await host.AnyTenant()).Live.PutAsync("/topics", content);

        Assert.Equal([path], await Errors(response));
    }

    private static string Path(string recipient) => $"/recipients/{recipient}/preferences";

    private static async Task<string[]> Errors(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        return [.. JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("errors").EnumerateObject().Select(error => error.Name)];
    }

    private async Task<TestTenant> WithTopics()
    {
        var tenant = await host.NewTenant();
        await TestHost.Json(await tenant.Live.PutAsJsonAsync("/topics", new
        {
            items = new[] { new { name = "weekly", title = "Weekly news", titleZh = "每周新闻" }, new { name = "offers", title = "Offers", titleZh = "优惠" } },
        }));
        return tenant;
    }
}
