using System.Text.Json;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Delivery;

public sealed class ReceiverTlsTests(TestHost host)
{
    [Fact]
    public async Task Mail_that_requires_TLS_bounces_where_nothing_proves_the_server_and_never_reaches_it()
    {
        var tenant = await host.AnyTenant();
        var recipient = $"ann.{Guid.NewGuid():N}@example.net";
        var mail = tenant.Mail(recipient);
        mail["requireTls"] = true;

        var message = await tenant.WaitFor(await tenant.Send(mail), "bounced");

        var reply = message.GetProperty("recipients")[0].GetProperty("reply");
        Assert.Equal((550, "5.7.10"), (reply.GetProperty("code").GetInt32(), reply.GetProperty("enhanced").GetString()));
        Assert.Contains("REQUIRETLS", reply.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain(host.Sink.Messages, it => it.Recipient == recipient);
        Assert.DoesNotContain("suppressed", (await tenant.WaitFor(await tenant.Send(tenant.Mail(recipient)), "delivered")).GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_the_operator_demands_TLS_a_server_that_was_stripped_of_it_sees_no_mail()
    {
        string[] levels = ["Encrypt", "Verify", "Dane"];
        await using var strict = new TestHost { Settings = [.. levels.Select(level => $"Delivery:Tls:Policies:{level}.test={level}")] };
        await strict.InitializeAsync();
        var tenant = await strict.NewTenant();
        foreach (var level in levels)
        {
            strict.Dns.Mx($"{level}.test", 10, $"mx.{level}.test").A($"mx.{level}.test", "127.0.0.1");
            await tenant.WaitFor(await tenant.Send(tenant.Mail($"ann@{level}.test")), "deferred");
        }

        Assert.Empty(strict.Sink.Messages);
        Assert.DoesNotContain(strict.Sink.Sessions.SelectMany(session => session.Transcript), line => line.Contains("MAIL FROM", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task How_TLS_came_out_is_counted_by_domain_and_listed_in_pages()
    {
        var tenant = await host.AnyTenant();
        var domains = Enumerable.Range(0, 3).Select(index => $"tls{index}-{Guid.NewGuid():N}.example").ToList();
        foreach (var domain in domains)
        {
            host.Dns.Mx(domain, 10, "mx." + domain).A("mx." + domain, "127.0.0.1");
            await tenant.WaitFor(await tenant.Send(tenant.Mail("ann@" + domain)), "delivered");
        }

        JsonElement item = default;
        foreach (var domain in domains)
            await Eventually.HoldsAsync(async () => (await Page($"domain={domain}")) is { } page && page.GetArrayLength() == 1 && (item = page[0]).ValueKind == JsonValueKind.Object, TimeSpan.FromSeconds(60), domain, CancellationToken.None);
        var today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);

        Assert.Equal((domains[^1], "no-policy-found", "starttls-not-supported", "mx." + domains[^1], 1), (
            item.GetProperty("domain").GetString(), item.GetProperty("policyType").GetString(), item.GetProperty("resultType").GetString(), item.GetProperty("mx").GetString(), item.GetProperty("sessions").GetInt32()));
        Assert.Empty((await Page($"domain={domains[0]}&day={today.AddDays(-2):yyyy-MM-dd}")).EnumerateArray());
        var (seen, cursor) = (new List<string>(), "");
        do
        {
            var page = await TestHost.Json(await host.Admin.GetAsync($"/tls-results?limit=1{cursor}"));
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(it => it.GetProperty("domain").GetString() + it.GetProperty("resultType").GetString() + it.GetProperty("policyType").GetString()));
            cursor = page.TryGetProperty("next", out var next) && next.ValueKind == JsonValueKind.String ? "&cursor=" + next.GetString() : "";
        }
        while (cursor.Length > 0);
        Assert.All(domains, domain => Assert.Single(seen, it => it.StartsWith(domain, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("cursor=bm90aGluZw")]
    [InlineData("domain=%00")]
    public async Task What_is_no_question_is_refused(string query)
    {
        using var response = await host.Admin.GetAsync($"/tls-results?{query}");

        Assert.Equal(422, (int)response.StatusCode);
    }

    private async Task<JsonElement> Page(string query) => (await TestHost.Json(await host.Admin.GetAsync($"/tls-results?{query}"))).GetProperty("items");
}
