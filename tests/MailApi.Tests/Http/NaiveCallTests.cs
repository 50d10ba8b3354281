using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailApi.Tests.Http;

/// <summary>What callers do who follow the answers and write things the obvious way.</summary>
public sealed class NaiveCallTests(TestHost host)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/messages?cursor=")]
    [InlineData("/events?after=")]
    [InlineData("/sandbox/messages?cursor=")]
    [InlineData("/suppressions?cursor=")]
    [InlineData("/domains?cursor=")]
    [InlineData("/audit?cursor=")]
    public async Task An_empty_cursor_begins_at_the_beginning(string path)
    {
        using var response = await (await host.AnyTenant()).Live.GetAsync(path, Ct);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task What_was_made_is_found_where_the_answer_says_until_it_is_gone()
    {
        var tenant = await host.NewTenant();
        using var entry = await tenant.Live.PostAsJsonAsync("/suppressions", new { address = "gone@example.net" }, Ct);
        using var key = await tenant.Live.PostAsJsonAsync($"/tenants/{tenant.Id}/keys", new { mode = "test", scopes = new[] { "read" } }, Ct);
        foreach (var made in new[] { entry, key })
        {
            Assert.Equal(HttpStatusCode.Created, made.StatusCode);
            var shown = await TestHost.Json(await tenant.Live.GetAsync(made.Headers.Location, Ct));
            Assert.Equal((await TestHost.Json(made)).GetProperty("id").GetString(), shown.GetProperty("id").GetString());
            Assert.False(shown.TryGetProperty("key", out _));
        }
        using var removed = await tenant.Live.DeleteAsync(entry.Headers.Location, Ct);
        using var absent = await tenant.Live.GetAsync(entry.Headers.Location, Ct);
        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NotFound), (removed.StatusCode, absent.StatusCode));
    }

    [Fact]
    public async Task A_plus_sign_that_nobody_escaped_is_one()
    {
        var tenant = await host.NewTenant();
        await tenant.Send(tenant.Mail("ann+news@example.net"));
        await tenant.Send(tenant.Mail("\"ann news\"@example.net"));
        using var added = await tenant.Live.PostAsJsonAsync("/suppressions", new { address = "bob+news@example.net" }, Ct);
        Assert.Single(await Items(tenant, "/messages?recipient=ann+news@example.net"));
        Assert.Single(await Items(tenant, "/messages?recipient=%22ann%20news%22@example.net"));
        Assert.Single(await Items(tenant, "/suppressions?address=bob+news@example.net"));
    }

    [Fact]
    public async Task A_key_that_was_used_with_a_test_key_is_free_for_a_live_one()
    {
        var tenant = await host.NewTenant();
        var answers = new List<string>();
        foreach (var client in new[] { tenant.Test, tenant.Live, tenant.Test, tenant.Live })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/send") { Content = JsonContent.Create(tenant.Mail("ann@example.net")), Headers = { { "Idempotency-Key", "order-1001" } } };
            using var response = await client.SendAsync(request, Ct);
            Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
            answers.Add(await response.Content.ReadAsStringAsync(Ct));
        }
        Assert.Equal((answers[0], answers[1], 2), (answers[2], answers[3], answers.Distinct().Count()));
    }

    [Fact]
    public async Task Setting_up_uses_up_nothing_that_is_for_sending()
    {
        var tenant = await host.NewTenant();
        await TestHost.Json(await host.Admin.PatchAsJsonAsync($"/tenants/{tenant.Id}", new { ingressRate = new { perSecond = 1, burst = 3 } }, Ct));
        // What a process knows of a key is a few seconds old; a new key is not known yet.
        var key = (await TestHost.Json(await host.Admin.PostAsJsonAsync($"/tenants/{tenant.Id}/keys", new { mode = "live", scopes = new[] { "send", "suppressions" } }, Ct))).GetProperty("key").GetString()!;
        using var live = host.WithKey(key);
        for (var count = 0; count < 3; count++)
        {
            using var added = await live.PostAsJsonAsync("/suppressions", new { address = $"gone{count}@example.net" }, Ct);
            Assert.Equal(HttpStatusCode.Created, added.StatusCode);
        }
        var sent = new List<HttpStatusCode>();
        for (var count = 0; count < 3; count++)
        {
            using var response = await live.PostAsJsonAsync("/send", tenant.Mail("ann@example.net"), Ct);
            sent.Add(response.StatusCode);
        }
        Assert.All(sent, status => Assert.Equal(HttpStatusCode.Accepted, status));
    }

    [Theory]
    [InlineData("text/calendar; method=REQUEST; charset=utf-8", true)]
    [InlineData("text/csv;charset=\"utf-8\"", true)]
    [InlineData("application/vnd.openxmlformats-officedocument.wordprocessingml.document", true)]
    [InlineData("text/plain; charset", false)]
    [InlineData("text/plain; a=\"b", false)]
    [InlineData("text/plain; a=b\r\nBcc: c@example.net", false)]
    public async Task A_media_type_may_have_parameters(string type, bool isTaken)
    {
        var tenant = await host.AnyTenant();
        var recipient = $"file-{Guid.NewGuid():N}@example.net";
        var mail = tenant.Mail(recipient);
        mail["attachments"] = new JsonArray(new JsonObject { ["filename"] = "a.bin", ["contentType"] = type, ["content"] = Convert.ToBase64String("BEGIN:VCALENDAR"u8), ["contentId"] = null });
        using var response = await tenant.Live.PostAsJsonAsync("/send", mail, Ct);
        Assert.Equal(isTaken ? HttpStatusCode.Accepted : HttpStatusCode.UnprocessableEntity, response.StatusCode);
        if (!isTaken) return;
        var part = (await host.Sink.WaitFor(recipient, TimeSpan.FromSeconds(60))).Mime.Attachments.Single();
        Assert.Equal(type.Split(';')[0], part.ContentType.MimeType);
        if (type.Contains("method", StringComparison.Ordinal)) Assert.Equal("REQUEST", part.ContentType.Parameters["method"]);
    }

    [Fact]
    public async Task The_sandbox_shows_text_as_it_was_written()
    {
        var tenant = await host.NewTenant();
        var mail = tenant.Mail("ann@example.net");
        (mail["text"], mail["html"]) = ("Dear Ann,\n\nyour parcel left.", "<p>Dear Ann</p>\n<p>your parcel left</p>");
        await TestHost.Json(await tenant.Test.PostAsJsonAsync("/send", mail, Ct));
        List<JsonElement> items = [];
        await Testing.Eventually.HoldsAsync(async () => (items = await Items(tenant, "/sandbox/messages", tenant.Test)).Count == 1, TimeSpan.FromSeconds(60), "the sandbox has it", Ct);
        var shown = await TestHost.Json(await tenant.Test.GetAsync($"/sandbox/messages/{items[0].GetProperty("id").GetString()}", Ct));
        Assert.Equal((mail["text"]!.GetValue<string>(), mail["html"]!.GetValue<string>()), (shown.GetProperty("text").GetString(), shown.GetProperty("html").GetString()));
    }

    [Theory]
    [InlineData("text", "html")]
    [InlineData("html", "text")]
    public async Task An_empty_body_is_none(string full, string empty)
    {
        var tenant = await host.AnyTenant();
        var recipient = $"empty-{Guid.NewGuid():N}@example.net";
        var mail = tenant.Mail(recipient);
        (mail[full], mail[empty]) = ("Your parcel left.", "");
        // As editors of Windows begin a file.
        using var content = new ByteArrayContent([0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(mail.ToJsonString())]) { Headers = { ContentType = new("application/json") } };
        using var response = await tenant.Live.PostAsync("/send", content, Ct);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var part = Assert.IsType<MimeKit.TextPart>((await host.Sink.WaitFor(recipient, TimeSpan.FromSeconds(60))).Mime.Body);
        Assert.Equal((full == "html", "Your parcel left."), (part.IsHtml, part.Text.TrimEnd()));
    }

    [Fact]
    public async Task Messages_are_found_by_the_time_that_an_answer_tells()
    {
        var tenant = await host.NewTenant();
        var id = await tenant.Send(tenant.Mail("ann@example.net"));
        var at = (await TestHost.Json(await tenant.Live.GetAsync($"/messages/{id}", Ct))).GetProperty("createdAt").GetString()!;
        Assert.Contains('+', at);
        Assert.Single(await Items(tenant, $"/messages?from={at}"));
        Assert.Single(await Items(tenant, $"/messages?from={Uri.EscapeDataString(at)}"));
        Assert.Empty(await Items(tenant, $"/messages?to={at}"));
        Assert.Single(await Items(tenant, $"/messages?domain={tenant.Domain.ToUpperInvariant()}"));
        using var refused = await tenant.Live.GetAsync("/messages?from=yesterday", Ct);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.True((await refused.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("errors").TryGetProperty("from", out _));
    }

    [Fact]
    public async Task A_domain_that_is_written_in_capitals_is_held_back_all_the_same()
    {
        var tenant = await host.NewTenant();
        var key = new { domain = tenant.Domain.ToUpperInvariant() };
        using var suspended = await host.Admin.PostAsJsonAsync("/queue/suspend", key, Ct);
        Assert.Equal(HttpStatusCode.NoContent, suspended.StatusCode);
        try
        {
            var shown = (await TestHost.Json(await host.Admin.GetAsync("/queue", Ct))).GetProperty("suspensions").EnumerateArray();
            Assert.Contains(tenant.Domain, shown.Select(it => it.GetProperty("value").GetString()));
            var id = await tenant.Send(tenant.Mail("ann@example.net"));
            var recipient = (await TestHost.Json(await tenant.Live.GetAsync($"/messages/{id}", Ct))).GetProperty("recipients")[0];
            Assert.Equal(("queued", JsonValueKind.Null), (recipient.GetProperty("state").GetString(), recipient.GetProperty("reply").ValueKind));
        }
        finally
        {
            using var resumed = await host.Admin.PostAsJsonAsync("/queue/resume", key, Ct);
        }
    }

    [Fact]
    public async Task A_tenant_changes_its_own_settings_and_not_the_operators()
    {
        var (tenant, other) = (await host.NewTenant(), await host.AnyTenant());
        var changed = await TestHost.Json(await tenant.Live.PatchAsJsonAsync($"/tenants/{tenant.Id}", new { name = "Renamed", delayedAfterSeconds = 60 }, Ct));
        Assert.Equal(("Renamed", 60), (changed.GetProperty("name").GetString(), changed.GetProperty("delayedAfterSeconds").GetInt32()));
        foreach (var (client, path, change, status) in new (HttpClient, string, object, HttpStatusCode)[]
        {
            (tenant.Live, $"/tenants/{tenant.Id}", new { weight = 5 }, HttpStatusCode.Forbidden), (tenant.Live, $"/tenants/{tenant.Id}", new { ingressRate = new { perSecond = 500 } }, HttpStatusCode.Forbidden),
            (tenant.Test, $"/tenants/{tenant.Id}", new { name = "x" }, HttpStatusCode.Forbidden), (tenant.Live, $"/tenants/{other.Id}", new { name = "x" }, HttpStatusCode.NotFound),
        })
        {
            using var refused = await client.PatchAsJsonAsync(path, change, Ct);
            Assert.Equal(status, refused.StatusCode);
        }
    }

    [Fact]
    public async Task Mail_may_be_scheduled_years_ahead_and_called_back()
    {
        var tenant = await host.AnyTenant();
        var mail = tenant.Mail("ann@example.net");
        mail["sendAt"] = "2030-01-01T00:00:00+08:00";
        var id = (await TestHost.Json(await tenant.Live.PostAsJsonAsync("/send", mail, Ct))).GetProperty("id").GetString();
        var canceled = await TestHost.Json(await tenant.Live.PostAsync($"/messages/{id}/cancel", new StringContent("", Encoding.UTF8), Ct));
        Assert.Equal("canceled", canceled.GetProperty("recipients")[0].GetProperty("state").GetString());
    }

    private static async Task<List<JsonElement>> Items(TestTenant tenant, string path, HttpClient? client = null) =>
        [.. (await TestHost.Json(await (client ?? tenant.Live).GetAsync(path, Ct))).GetProperty("items").EnumerateArray()];
}
