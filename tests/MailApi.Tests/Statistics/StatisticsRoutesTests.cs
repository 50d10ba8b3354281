using System.Net;
using System.Text.Json;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Statistics;

public sealed class StatisticsRoutesTests(TestHost host)
{
    [Fact]
    public async Task What_became_of_mail_is_counted()
    {
        var tenant = await host.NewTenant();
        await tenant.WaitFor(await tenant.Send(tenant.Mail($"ok.{Guid.NewGuid():N}@example.net")), "delivered");
        await tenant.WaitFor(await tenant.Send(tenant.Mail($"550-{Guid.NewGuid():N}@example.net")), "bounced");

        JsonElement row = default;
        await Eventually.HoldsAsync(async () =>
        {
            var items = (await TestHost.Json(await tenant.Live.GetAsync("/stats?groupBy=day,domain,category&category=notification"))).GetProperty("items");
            if (items.GetArrayLength() == 1) row = items[0];
            return items.GetArrayLength() == 1 && row.GetProperty("bounced").GetInt32() == 1;
        }, TimeSpan.FromSeconds(60), "all is counted", CancellationToken.None);

        Assert.Equal((2, 1, 0), (Of("accepted"), Of("delivered"), Of("complained")));
        Assert.Equal("""{"no-mailbox":1}""", row.GetProperty("bouncedByClass").GetRawText());
        Assert.Equal((tenant.Domain, "notification"), (row.GetProperty("domain").GetString(), row.GetProperty("category").GetString()));
        Assert.Equal(TimeProvider.System.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd", null), row.GetProperty("day").GetString());
        Assert.False(row.TryGetProperty("site", out _));
        foreach (var none in (string[])["?category=marketing", "?domain=other.example", "?site=nowhere.test", "?to=2020-01-01"])
            Assert.Empty((await TestHost.Json(await tenant.Live.GetAsync("/stats" + none))).GetProperty("items").EnumerateArray());
        Assert.Empty((await TestHost.Json(await tenant.Test.GetAsync("/stats"))).GetProperty("items").EnumerateArray());

        int Of(string name) => row.GetProperty(name).GetInt32();
    }

    [Trait("Takes", "seconds")]
    [Fact]
    public async Task Pages_go_on_where_they_stopped()
    {
        var tenant = await host.NewTenant();
        foreach (var category in (string[])["marketing", "notification", "support"])
        {
            var mail = tenant.Mail($"ok.{Guid.NewGuid():N}@example.net");
            mail["category"] = category;
            await tenant.Send(mail);
        }
        await Eventually.HoldsAsync(async () => (await Page("")).Categories.Length == 3, TimeSpan.FromSeconds(60), "all is counted", CancellationToken.None);

        var (first, next) = await Page("&limit=2");
        var (second, end) = await Page($"&limit=2&cursor={next}");

        Assert.Equal(["marketing", "notification", "support"], [.. first, .. second]);
        Assert.Null(end);

        async Task<(string?[] Categories, string? Next)> Page(string query)
        {
            var page = await TestHost.Json(await tenant.Live.GetAsync("/stats?groupBy=category" + query));
            return ([.. page.GetProperty("items").EnumerateArray().Select(it => it.GetProperty("category").GetString())], page.TryGetProperty("next", out var next) ? next.GetString() : null);
        }
    }

    [Theory]
    [InlineData("from=2026-01-32", "from")]
    [InlineData("from=01.02.2026", "from")]
    [InlineData("from=2026-02-01&to=2026-01-31", "from")]
    [InlineData("from=2024-01-01&to=2026-01-31", "from")]
    [InlineData("to=yesterday&from=tomorrow", "from to")]
    [InlineData("groupBy=", "groupBy")]
    [InlineData("groupBy=tenant", "groupBy")]
    [InlineData("groupBy=day,day", "groupBy")]
    [InlineData("groupBy=day,domain,category,site,day", "groupBy")]
    [InlineData("category=sales&limit=0&cursor=x", "category cursor limit")]
    [InlineData("domain=%00&site=%00", "domain site")]
    public async Task A_query_is_refused_with_all_that_is_wrong_with_it(string query, string paths)
    {
        using var response = await (await host.AnyTenant()).Live.GetAsync("/stats?" + query);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        var errors = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("errors").EnumerateObject().Select(error => error.Name);
        Assert.Equal(paths.Split(' '), errors.Order(StringComparer.Ordinal));
    }
}
