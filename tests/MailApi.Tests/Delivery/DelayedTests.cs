using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Delivery;

public sealed class DelayedTests(TestHost host)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task That_mail_waits_for_its_domains_rate_longer_than_its_sender_wants_is_told_once()
    {
        var tenant = await host.NewTenant();
        await TestHost.Json(await tenant.Live.PatchAsJsonAsync($"/tenants/{tenant.Id}", new { delayedAfterSeconds = 30 }, Ct));
        var domain = $"slow-{Guid.NewGuid():N}.example";
        await TestHost.Json(await host.Admin.PostAsJsonAsync("/domains", new { tenant = tenant.Id, name = domain, verification = "manual", categories = new[] { "notification" }, rate = new { perSecond = 0.01, burst = 1 } }, Ct));

        var (first, second) = (await Send("ann@example.net"), await Send("bob@example.net"));
        List<JsonElement> told = [];
        await Eventually.HoldsAsync(async () =>
        {
            told = [.. (await Events(first)).Concat(await Events(second)).Where(it => it.GetProperty("type").GetString() == "message.delayed")];
            return told.Count > 0;
        }, TimeSpan.FromSeconds(60), "it is told", Ct);

        // The next place comes after a hundred seconds, and nothing was tried.
        var data = Assert.Single(told).GetProperty("data");
        Assert.Equal((0, 2, false), (data.GetProperty("attempt").GetInt32(), data.GetProperty("seq").GetInt32(), data.TryGetProperty("reply", out _)));
        Assert.True(data.TryGetProperty("reason", out _) && data.TryGetProperty("nextAttemptAt", out _));

        Task<string> Send(string recipient)
        {
            var mail = tenant.Mail(recipient);
            mail["from"] = $"orders@{domain}";
            return tenant.Send(mail);
        }

        async Task<IEnumerable<JsonElement>> Events(string id) => (await TestHost.Json(await tenant.Live.GetAsync($"/messages/{id}", Ct))).GetProperty("events").EnumerateArray();
    }
}
