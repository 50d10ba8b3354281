using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Testing;

namespace MailApi.Tests.Http;

/// <summary>A tenant that has one of everything a route can name.</summary>
internal sealed record Estate
{
    public required TestTenant Tenant { get; init; }

    /// <summary>Its ids by prefix.</summary>
    public required IReadOnlyDictionary<string, string> Ids { get; init; }

    /// <summary>Who got its mail.</summary>
    public required string Recipient { get; init; }

    /// <summary>The name of its topic.</summary>
    public required string Topic { get; init; }

    /// <summary>What no other tenant may be shown.</summary>
    public IEnumerable<string> Marks => [.. Ids.Values, Tenant.Domain, Recipient, Topic];

    public static async Task<Estate> Make(TestHost host)
    {
        var tenant = await host.NewTenant();
        var recipient = $"ann.{Guid.NewGuid():N}@example.net";
        var webhook = await Created(tenant.Live, "/webhooks", new { url = "http://127.0.0.1:1/hook", events = new[] { "message.accepted" } });
        var suppression = await Created(tenant.Live, "/suppressions", new { address = $"gone.{recipient}" });
        var topic = $"topic-{Guid.NewGuid():N}";
        await TestHost.Json(await tenant.Live.PutAsJsonAsync("/topics", new { items = new[] { new { name = topic, title = "Weekly news" } } }));
        var relay = await Created(tenant.Live, "/relays", new { name = "Relay", host = "127.0.0.1", port = 1, enabled = false });
        await TestHost.Json(await tenant.Live.PutAsJsonAsync($"/domains/{tenant.DomainId}/mailbox", new { protocol = "pop3", host = "127.0.0.1", port = 1, username = "shop", password = "secret" }));
        var key = await tenant.NewKey(new { name = "spare", mode = "live" });
        var message = await tenant.Send(tenant.Mail(recipient));
        await tenant.Send(tenant.Mail(recipient), tenant.Test);
        JsonElement sandbox = default;
        await Eventually.HoldsAsync(async () =>
        {
            sandbox = (await TestHost.Json(await tenant.Live.GetAsync("/sandbox/messages"))).GetProperty("items");
            return sandbox.GetArrayLength() > 0;
        }, TimeSpan.FromSeconds(60), "the sandbox has the test mail", CancellationToken.None);
        await Eventually.HoldsAsync(async () =>
            (await TestHost.Json(await tenant.Live.GetAsync("/stats"))).GetProperty("items").GetArrayLength() > 0, TimeSpan.FromSeconds(60), "the mail is counted", CancellationToken.None);
        return new Estate
        {
            Tenant = tenant,
            Recipient = recipient,
            Topic = topic,
            Ids = new Dictionary<string, string>
            {
                ["ten_"] = tenant.Id,
                ["dom_"] = tenant.DomainId,
                ["whk_"] = IdOf(webhook),
                ["sup_"] = IdOf(suppression),
                ["rly_"] = IdOf(relay),
                ["key_"] = IdOf(key),
                ["msg_"] = message,
                ["sbx_"] = IdOf(sandbox[0]),
            },
        };
    }

    private static string IdOf(JsonElement thing) => thing.GetProperty("id").GetString()!;

    private static async Task<JsonElement> Created(HttpClient client, string path, object body) => await TestHost.Json(await client.PostAsJsonAsync(path, body));
}
