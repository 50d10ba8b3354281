using System.Net;
using System.Text.Json.Nodes;
using MailApi.Api;
using MailApi.Events;
using MailApi.Webhooks;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MailApi.Tests.Webhooks;

public sealed class WebhookRoutesTests : IAsyncLifetime
{
    private static readonly string[] All = ["*"];
    private readonly FakeTimeProvider clock = new(TimeProvider.System.GetUtcNow());
    private readonly WebhookOptions options = new();
    private readonly Dictionary<string, IPAddress[]> names = new() { ["hooks.example.com"] = [IPAddress.Parse("8.8.8.8")] };
    private WebhooksUnderTest store = null!;
    private Host host = null!;
    private TenantId tenant;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        store = WebhooksUnderTest.InSqlite(clock);
        tenant = await store.Tenant(Ct);
        host = await Host.Start(store, clock, options, name => names.GetValueOrDefault(name, []));
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public async Task The_secret_is_shown_once_at_creation_and_once_at_each_rotation()
    {
        var created = await Call(HttpMethod.Post, "/webhooks", new { url = "https://hooks.example.com/in", events = Texts("message.bounced", "message.bounced") });
        Assert.Equal(HttpStatusCode.Created, created.Status);
        Assert.StartsWith("whsec_", (string?)created.Json!["secret"]);
        Assert.Equal("""["message.bounced"]""", created.Json["events"]!.ToJsonString());
        Assert.True((bool)created.Json["enabled"]!);
        var path = $"/webhooks/{created.Json["id"]}";

        var rotated = await Call(HttpMethod.Post, path + "/rotate-secret");
        Assert.Equal(HttpStatusCode.OK, rotated.Status);
        Assert.StartsWith("whsec_", (string?)rotated.Json!["secret"]);
        Assert.NotEqual((string?)created.Json["secret"], (string?)rotated.Json["secret"]);

        foreach (var seen in new[] { (await Call(HttpMethod.Get, path)).Json!, (await Call(HttpMethod.Get, "/webhooks")).Json!["items"]![0]! })
        {
            Assert.Equal((string?)created.Json["id"], (string?)seen["id"]);
            Assert.False(seen.AsObject().ContainsKey("secret"));
        }
    }

    [Fact]
    public async Task All_that_is_wrong_is_said_at_once()
    {
        var (status, json) = await Call(HttpMethod.Post, "/webhooks", new { url = "http://127.0.0.1/in", events = Texts("message.read", "*") });
        Assert.Equal(HttpStatusCode.UnprocessableEntity, status);
        Assert.Equal(["events[0]", "url"], Errors(json));
        Assert.Equal(["events", "url"], Errors((await Call(HttpMethod.Post, "/webhooks", new { })).Json));
        Assert.Equal(HttpStatusCode.BadRequest, (await Call(HttpMethod.Post, "/webhooks", new { url = "https://hooks.example.com", events = All, secret = "mine" })).Status);
    }

    [Theory]
    [InlineData("https://inside.example.com/in", "10.0.0.1")]
    [InlineData("https://mixed.example.com/in", "8.8.8.8 127.0.0.1")]
    public async Task A_name_that_resolves_to_our_own_network_is_refused_on_save(string url, string addresses)
    {
        names[new Uri(url).Host] = [.. addresses.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(IPAddress.Parse)];
        var created = await Call(HttpMethod.Post, "/webhooks", new { url, events = All });
        Assert.Equal(HttpStatusCode.UnprocessableEntity, created.Status);
        Assert.Equal(["url"], Errors(created.Json));

        var path = await Create();
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await Call(HttpMethod.Patch, path, new { url })).Status);
        Assert.Equal("https://hooks.example.com/in", (string?)(await Call(HttpMethod.Get, path)).Json!["url"]);
    }

    [Fact]
    public async Task A_name_that_the_DNS_does_not_know_yet_is_taken()
    {
        names["soon.example.com"] = [];
        Assert.Equal(HttpStatusCode.Created, (await Call(HttpMethod.Post, "/webhooks", new { url = "https://soon.example.com/in", events = All })).Status);
    }

    [Fact]
    public async Task A_change_touches_what_it_names_only()
    {
        var path = await Create();
        var changed = (await Call(HttpMethod.Patch, path, new { events = Texts("message.failed", "*") })).Json!;
        Assert.Equal("""["*"]""", changed["events"]!.ToJsonString());
        Assert.Equal(("https://hooks.example.com/in", true), ((string?)changed["url"], (bool)changed["enabled"]!));
        Assert.False((bool)(await Call(HttpMethod.Patch, path, new { enabled = false })).Json!["enabled"]!);
        Assert.False((bool)(await Call(HttpMethod.Patch, path, new { url = "https://hooks.example.com/other" })).Json!["enabled"]!);
        Assert.True((bool)(await Call(HttpMethod.Patch, path, new { enabled = true })).Json!["enabled"]!);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await Call(HttpMethod.Patch, path, new { events = Texts() })).Status);
    }

    [Fact]
    public async Task Another_tenants_webhook_does_not_exist()
    {
        var path = await Create();
        var stranger = await store.Tenant(Ct);
        foreach (var (method, route, body) in new (HttpMethod, string, object?)[]
        {
            (HttpMethod.Get, path, null), (HttpMethod.Patch, path, new { enabled = false }), (HttpMethod.Delete, path, null),
            (HttpMethod.Post, path + "/rotate-secret", null), (HttpMethod.Post, path + "/test", null), (HttpMethod.Get, path + "/deliveries", null),
            (HttpMethod.Post, path + "/replay", new { }),
        })
            Assert.Equal(HttpStatusCode.NotFound, (await host.Call(stranger, method, route, body, Ct)).Status);
        Assert.Empty((await host.Call(stranger, HttpMethod.Get, "/webhooks", null, Ct)).Json!["items"]!.AsArray());
        Assert.True((bool)(await Call(HttpMethod.Get, path)).Json!["enabled"]!);
    }

    [Fact]
    public async Task A_tenant_has_twenty_webhooks_at_most_and_a_deleted_one_makes_room()
    {
        var path = await Create();
        for (var more = 1; more < WebhookOptions.PerTenantMax; more++) await Create();
        Assert.Equal(HttpStatusCode.Conflict, (await Call(HttpMethod.Post, "/webhooks", new { url = "https://hooks.example.com", events = All })).Status);
        await store.Happen(tenant, Ct);
        Assert.Equal(HttpStatusCode.NoContent, (await Call(HttpMethod.Delete, path)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await Call(HttpMethod.Delete, path)).Status);
        await Create();
    }

    [Fact]
    public async Task A_test_event_goes_to_that_webhook_alone()
    {
        options.AllowPrivateNetworks = true;
        await using var endpoint = Endpoint.Answering(200);
        await using var other = Endpoint.Answering(200);
        names["127.0.0.1"] = [IPAddress.Loopback];
        var path = await Create(endpoint.Url);
        var (otherPath, accepted) = (await Create(other.Url), await Call(HttpMethod.Post, path + "/test"));
        Assert.Equal(HttpStatusCode.Accepted, accepted.Status);

        var request = await endpoint.Next(Ct);
        Assert.Equal((string?)accepted.Json!["event"], request.Headers["webhook-id"]);
        Assert.Equal("webhook.test", (string?)JsonNode.Parse(request.Body)!["type"]);
        Assert.Equal(0, (int)(await Call(HttpMethod.Post, otherPath + "/replay", new { })).Json!["count"]!);
        Assert.Equal(0, other.Waiting);

        await Call(HttpMethod.Patch, path, new { enabled = false });
        Assert.Equal(HttpStatusCode.Conflict, (await Call(HttpMethod.Post, path + "/test")).Status);
    }

    [Fact]
    public async Task Deliveries_are_listed_newest_first_in_pages_and_by_state()
    {
        var path = await Create();
        await Call(HttpMethod.Patch, path, new { enabled = false });
        var happened = new List<string>();
        for (var count = 0; count < 5; count++)
        {
            happened.Add((await store.Happen(tenant, Ct)).ToString());
            // Ids of one millisecond have no order among each other.
            await Wait.Until(() => Task.FromResult(string.CompareOrdinal(PrefixedId.New<EventId>().ToString()[..16], happened[^1][..16]) > 0), Ct);
        }
        Assert.Equal(5, (int)(await Call(HttpMethod.Post, path + "/replay", new { })).Json!["count"]!);
        await store.Db.Execute("update webhook_deliveries set state = 'failed', tries = 10, last_status = 500, last_error = 'x' where event_id = @id", Ct, ("id", Id(happened[2])));

        var seen = new List<string?>();
        string? cursor = null;
        do
        {
            var page = (await Call(HttpMethod.Get, $"{path}/deliveries?limit=2{(cursor is null ? "" : "&cursor=" + cursor)}")).Json!;
            seen.AddRange(page["items"]!.AsArray().Select(item => (string?)item!["event"]));
            cursor = (string?)page["next"];
        }
        while (cursor is not null);
        Assert.Equal(Enumerable.Reverse(happened), seen);

        var failed = Assert.Single((await Call(HttpMethod.Get, path + "/deliveries?state=failed")).Json!["items"]!.AsArray())!;
        Assert.Equal((happened[2], "message.delivered", 10, 500, "x"),
            ((string?)failed["event"], (string?)failed["type"], (int)failed["tries"]!, (int)failed["lastStatus"]!, (string?)failed["lastError"]));
        Assert.Null(failed["dueAt"]);
        var bad = await Call(HttpMethod.Get, path + "/deliveries?state=Failed&limit=0&cursor=!");
        Assert.Equal(["cursor", "limit", "state"], Errors(bad.Json));
    }

    [Fact]
    public async Task A_replay_is_ordered_by_ids_or_by_a_span_and_answers_how_many_are_due()
    {
        var (first, second) = (await store.Happen(tenant, Ct), await store.Happen(tenant, Ct));
        var path = await Create();
        Assert.Equal(1, await Replay(path, new { events = new[] { first.ToString(), PrefixedId.New<EventId>().ToString() } }));
        Assert.Equal(2, await Replay(path, new { from = clock.GetUtcNow() }));
        Assert.Equal(0, await Replay(path, new { state = "failed" }));
        Assert.Equal(2, await Replay(path, null));

        var bad = await Call(HttpMethod.Post, path + "/replay", new { events = new[] { second.ToString() }, from = clock.GetUtcNow(), to = clock.GetUtcNow() });
        Assert.Equal(["events", "from"], Errors(bad.Json));
    }

    private async Task<int> Replay(string path, object? body)
    {
        var (status, json) = await Call(HttpMethod.Post, path + "/replay", body);
        Assert.Equal(HttpStatusCode.OK, status);
        return (int)json!["count"]!;
    }

    private async Task<string> Create(string url = "https://hooks.example.com/in", string events = "*")
    {
        var created = await Call(HttpMethod.Post, "/webhooks", new { url, events = new[] { events } });
        Assert.Equal(HttpStatusCode.Created, created.Status);
        return $"/webhooks/{created.Json!["id"]}";
    }

    private static string[] Texts(params string[] texts) => texts;

    private Task<(HttpStatusCode Status, JsonNode? Json)> Call(HttpMethod method, string path, object? body = null) => host.Call(tenant, method, path, body, Ct);

    private static IEnumerable<string> Errors(JsonNode? problem) => problem!["errors"]!.AsObject().Select(error => error.Key).Order(StringComparer.Ordinal);

    private static Guid Id(string text) => PrefixedId.TryParse<EventId>(text, out var id) ? id.Value : throw new FormatException(text);
}
