using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Api;
using MailApi.Spool;
using MailApi.Storage;
using MailApi.Tests.Architecture;
using MailApi.Tests.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MailApi.Tests.Audit;

/// <summary>S-39: somebody changes keys, domains or settings, and nobody can tell who.</summary>
public sealed class AuditRoutesTests(TestHost host)
{
    /// <summary>They carry mail, or answer about it. Every other route that does more than read is an act: a new one is, unless it is named here.</summary>
    private static readonly string[] Traffic =
    [
        "POST /diagnose/authentication", "POST /diagnose/send", "POST /domains/{dom_}/reports", "POST /messages/{msg_}/cancel", "POST /receive", "POST /send", "PUT /recipients/{address}/preferences",
    ];

    /// <summary>What an estate has nothing for: its one selector is neither pending nor to be revoked.</summary>
    private static readonly string[] Refused = ["POST /domains/{dom_}/dkim/{selector}/activate", "POST /domains/{dom_}/dkim/{selector}/revoke"];

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task Every_route_that_changes_something_is_noted_once_with_who_and_what_and_nothing_is_that_was_refused()
    {
        var estate = await Estate.Make(host);
        var made = await estate.Tenant.NewKey(new { name = "auditor", mode = "live" });
        var (key, actor) = (host.WithKey(made.GetProperty("key").GetString()!), made.GetProperty("id").GetString()!);
        var routes = ApiRoutes.Guarded(host).Where(route => route.Method != "GET").ToList();
        Assert.Empty(Traffic.Except(routes.Select(route => route.ToString())));
        var (wrong, refused) = (new List<string>(), new List<string>());
        // What is deleted last is there for all others.
        foreach (var route in routes.OrderBy(route => route.Method == "DELETE").ThenByDescending(route => route.Prefixes.Count).ThenByDescending(route => route.Pattern.Length))
        {
            var mark = Guid.NewGuid().ToString("N");
            var before = (await Entries(host.Admin, "")).FirstOrDefault().Position;
            using var request = route.Request(route.Path(prefix => estate.Ids[prefix]));
            await Personalise(request, mark);
            var concernsHeld = route.Name is "ReleaseHeldMail" or "DiscardHeldMail";
            if (concernsHeld)
            {
                await Hold(estate.Ids["msg_"]);
                // A day of this test's own: others ask for theirs at the same time.
                request.Content = JsonContent.Create(new { acceptedFrom = "1998-01-01T00:00:00Z", acceptedBefore = "1998-01-02T00:00:00Z" });
            }
            if (route.Name == "ImportSuppressions") request.Content = new StringContent("address\r\nann@example.net\r\n") { Headers = { ContentType = new("text/csv") } };
            using var response = await (route.IsForOperators ? host.Admin : key).SendAsync(request);
            var answered = await response.Content.ReadAsStringAsync();
            var subject = route.Prefixes is [var first, ..] ? estate.Ids[first] : answered.Contains("\"id\"", StringComparison.Ordinal) ? JsonDocument.Parse(answered).RootElement.GetProperty("id").GetString()! : concernsHeld ? "1998-01-01" : mark;
            var noted = (await Entries(host.Admin, "", before)).Where(entry => entry.Act == route.Name && (route.IsForOperators ? entry.Subject?.Contains(subject, StringComparison.Ordinal) == true : entry.Actor == actor)).ToList();
            if (!response.IsSuccessStatusCode) refused.Add(route.ToString());
            var expected = response.IsSuccessStatusCode && !Traffic.Contains(route.ToString()) ? 1 : 0;
            if (noted.Count != expected) wrong.Add($"{route} ({(int)response.StatusCode} {answered}): {noted.Count} entries instead of {expected}");
            if (noted.Count == 0) continue;
            var entry = noted[0];
            if (entry.Actor != (route.IsForOperators ? "operator" : actor) || entry.Address != "127.0.0.1") wrong.Add($"{route}: by {entry.Actor} from {entry.Address}");
            if (subject != mark && entry.Subject?.Contains(subject, StringComparison.Ordinal) != true) wrong.Add($"{route}: on {entry.Subject} instead of {subject}");
            if (!route.IsForOperators && entry.Tenant != estate.Tenant.Id) wrong.Add($"{route}: of {entry.Tenant}");
        }
        Rule.Holds(wrong);
        Assert.Equal(Refused, refused.Except(Traffic).Order(StringComparer.Ordinal));
        Assert.True((await TestHost.Json(await host.Admin.GetAsync("/audit/verify"))).GetProperty("intact").GetBoolean());
    }

    /// <summary>As after the store was restored from a backup; what changes nothing is no act.</summary>
    private async Task Hold(string message)
    {
        Assert.True(PrefixedId.TryParse<MessageId>(message, out var id));
        Assert.Equal(1, await host.Services.GetRequiredService<Db>().Execute(
            "update envelopes set state = 'queued', due_at = @never, created_at = @accepted where message_id = @message", CancellationToken.None,
            ("never", HeldMail.Never), ("accepted", new DateTimeOffset(1998, 1, 1, 12, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds()), ("message", id.Value)));
    }

    [Fact]
    public async Task What_is_not_found_not_allowed_or_invalid_is_no_act()
    {
        var (mine, other) = (await Estate.Make(host), await Estate.Make(host));
        var before = (await Entries(host.Admin, "")).First().Position;
        var reader = await mine.Tenant.WithScopes("read");
        foreach (var route in ApiRoutes.Guarded(host).Where(route => route.Method != "GET" && route.Prefixes.Count > 0 && !Traffic.Contains(route.ToString())))
        {
            using (await mine.Tenant.Live.SendAsync(route.Request(route.Path(prefix => other.Ids[prefix])))) { }
            using (await reader.SendAsync(route.Request(route.Path(prefix => mine.Ids[prefix])))) { }
            if (!route.TakesJson) continue;
            using var invalid = new HttpRequestMessage(new HttpMethod(route.Method), route.Path(prefix => mine.Ids[prefix])) { Content = JsonContent.Create(new { invented = 1 }) };
            using (await mine.Tenant.Live.SendAsync(invalid)) { }
        }
        // The reader's key itself was made after the look.
        Assert.Equal(["CreateKey"], (await Entries(host.Admin, $"&tenant={mine.Tenant.Id}", before)).Select(entry => entry.Act));
        Assert.Empty(await Entries(host.Admin, $"&tenant={other.Tenant.Id}", before));
    }

    [Fact]
    public async Task A_tenant_sees_its_own_acts_page_by_page_and_no_others()
    {
        var (mine, other) = (await host.NewTenant(), await host.NewTenant());
        foreach (var tenant in new[] { mine, other, mine }) await tenant.NewKey(new { mode = "live" });
        Assert.Equal(["CreateKey", "CreateKey", "RegisterDomain", "CreateTenant"], (await Entries(mine.Live, "")).Select(entry => entry.Act));
        Assert.Equal(await Entries(mine.Live, ""), await Entries(mine.Live, $"&tenant={other.Id}"));

        var first = await TestHost.Json(await mine.Live.GetAsync("/audit?limit=3"));
        var second = await TestHost.Json(await mine.Live.GetAsync($"/audit?limit=3&cursor={first.GetProperty("next").GetString()}"));
        Assert.Equal("CreateTenant", Assert.Single(second.GetProperty("items").EnumerateArray()).GetProperty("act").GetString());
        foreach (var query in new[] { "cursor=x", "limit=0", "limit=201" })
            using (var refused = await mine.Live.GetAsync("/audit?" + query)) Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
    }

    [Fact]
    public async Task Nothing_secret_or_personal_stands_in_it()
    {
        var tenant = await host.NewTenant();
        var canary = "canary" + Guid.NewGuid().ToString("N");
        var relay = await TestHost.Json(await tenant.Live.PostAsJsonAsync("/relays", new { name = canary, host = "127.0.0.1", port = 1, username = canary, password = canary, enabled = false }));
        await TestHost.Json(await tenant.Live.PatchAsJsonAsync($"/relays/{relay.GetProperty("id").GetString()}", new { username = canary + "2", password = canary }));
        await TestHost.Json(await tenant.Live.PutAsJsonAsync($"/domains/{tenant.DomainId}/mailbox", new { protocol = "pop3", host = "127.0.0.1", port = 1, username = canary, password = canary }));
        var webhook = await TestHost.Json(await tenant.Live.PostAsJsonAsync("/webhooks", new { url = $"http://127.0.0.1:1/{canary}", events = new[] { "*" } }));
        var key = await tenant.NewKey(new { name = canary, mode = "live" });
        await TestHost.Json(await tenant.Live.PostAsJsonAsync("/suppressions", new { address = $"{canary}@example.net" }));
        var shown = await host.Admin.GetStringAsync($"/audit?tenant={tenant.Id}");
        foreach (var secret in new[] { canary, webhook.GetProperty("secret").GetString()!, key.GetProperty("key").GetString()! }) Assert.DoesNotContain(secret, shown, StringComparison.Ordinal);
        Assert.Contains("AddSuppression", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mark_that_never_was_is_noticed_and_one_that_is_none_refused()
    {
        await host.NewTenant();
        var mark = (await TestHost.Json(await host.Admin.GetAsync("/audit/verify"))).GetProperty("mark").GetString()!;
        Assert.True((await TestHost.Json(await host.Admin.GetAsync($"/audit/verify?mark={mark}"))).GetProperty("intact").GetBoolean());
        var forged = mark[..^1] + (mark[^1] == '0' ? '1' : '0');
        var verdict = await TestHost.Json(await host.Admin.GetAsync($"/audit/verify?mark={forged}"));
        Assert.Equal("mark", verdict.GetProperty("broken").GetProperty("reason").GetString());
        using var refused = await host.Admin.GetAsync("/audit/verify?mark=1");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
    }

    /// <summary>Names of which each may be used once.</summary>
    private static async Task Personalise(HttpRequestMessage request, string mark)
    {
        if (request.Content is null) return;
        var body = await request.Content.ReadAsStringAsync();
        var type = request.Content.Headers.ContentType;
        request.Content = new StringContent(body.Replace("routes.sample.example", $"a{mark}.sample.example", StringComparison.Ordinal).Replace("nowhere.invalid\"}", $"{mark}.invalid\"}}", StringComparison.Ordinal)) { Headers = { ContentType = type } };
    }

    private static async Task<List<Entry>> Entries(HttpClient client, string query, long after = 0) =>
    [
        .. (await TestHost.Json(await client.GetAsync("/audit?limit=200" + query))).GetProperty("items").EnumerateArray().Select(item => new Entry(
            item.GetProperty("position").GetInt64(), Text(item, "act"), Text(item, "actor"), Text(item, "tenant"), Text(item, "subject"), Text(item, "address"))).Where(entry => entry.Position > after),
    ];

    private static string? Text(JsonElement item, string name) => item.TryGetProperty(name, out var value) ? value.GetString() : null;

    private readonly record struct Entry(long Position, string? Act, string? Actor, string? Tenant, string? Subject, string? Address);
}
