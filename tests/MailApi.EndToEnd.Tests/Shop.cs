using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests;

/// <summary>A tenant as a scenario sees it.</summary>
public sealed record Shop(World World, string Tenant, string Domain, HttpClient Live, HttpClient Test)
{
    private WebhookReceiver hooks = World.Hooks;

    public string WebhookId { get; private set; } = "";
    public string WebhookSecret { get; private set; } = "";

    /// <summary>Registers an endpoint; the world's, unless the scenario has one of its own.</summary>
    /// <param name="endpoint">Null for the world's.</param>
    /// <param name="events">Their types; none for every event.</param>
    public async Task Listen(WebhookReceiver? endpoint = null, params string[] events)
    {
        hooks = endpoint ?? World.Hooks;
        var webhook = await World.Json(await Live.PostAsJsonAsync("/webhooks", new { url = hooks.Url, events = events.Length == 0 ? ["*"] : events }));
        (WebhookId, WebhookSecret) = (webhook.GetProperty("id").GetString()!, webhook.GetProperty("secret").GetString()!);
    }

    /// <summary>A plain order mail to these recipients.</summary>
    public JsonObject Mail(params string[] to) => new()
    {
        ["from"] = $"Example Shop <orders@{Domain}>",
        ["to"] = new JsonArray([.. to.Select(address => JsonValue.Create(address))]),
        ["subject"] = "Order 1001 is on its way",
        ["text"] = "Your parcel left our warehouse this morning.\n",
        ["category"] = "notification",
        ["tags"] = new JsonArray("shipping"),
        ["metadata"] = new JsonObject { ["order"] = "1001" },
    };

    /// <summary>Sends and answers the message's id.</summary>
    public async Task<string> Send(JsonObject mail, string? idempotencyKey = null) => (await World.Json(await Post(mail, idempotencyKey))).GetProperty("id").GetString()!;

    /// <param name="mail">The body.</param>
    /// <param name="idempotencyKey">Null for none.</param>
    /// <param name="process">Another process of the world, with the shop's key.</param>
    public async Task<HttpResponseMessage> Post(JsonObject mail, string? idempotencyKey = null, HttpClient? process = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/send") { Content = new StringContent(mail.ToJsonString(), Encoding.UTF8, "application/json") };
        if (idempotencyKey is not null) request.Headers.Add("Idempotency-Key", idempotencyKey);
        return await (process ?? Live).SendAsync(request);
    }

    public async Task<JsonElement> Message(string id) => await World.Json(await Live.GetAsync($"/messages/{id}"));

    public async Task<string[]> States(string id) =>
        [.. (await Message(id)).GetProperty("recipients").EnumerateArray().Select(it => it.GetProperty("state").GetString()!)];

    /// <summary>The TXT records that hold the domain's public keys, by name.</summary>
    public async Task<Dictionary<string, string>> DkimKeys() => (await World.Json(await Live.GetAsync("/domains"))).GetProperty("items").EnumerateArray()
        .SelectMany(domain => domain.GetProperty("records").EnumerateArray())
        .Where(record => record.GetProperty("purpose").GetString() == "dkim")
        .ToDictionary(record => record.GetProperty("name").GetString()!, record => record.GetProperty("value").GetString()!);

    /// <summary>Waits until the recipients are in these states, in the order they were given.</summary>
    public async Task<JsonElement> WaitFor(string id, params string[] states)
    {
        await WaitFor(id, World.Patience, states);
        return await Message(id);
    }

    /// <summary>Waits until the one recipient of each of these messages is in this state.</summary>
    public async Task WaitForAll(IEnumerable<string> ids, string state, TimeSpan patience)
    {
        // One after the other: asking for all of them again and again would keep the machine from doing what is waited for.
        foreach (var id in ids) await WaitFor(id, patience, state);
    }

    /// <summary>Waits for a webhook of this type about this message, checks its signature, and answers its data.</summary>
    public async Task<JsonElement> WaitForWebhook(string type, string id)
    {
        var received = await hooks.WaitFor(
            it => it.Type == type && it.Json.GetProperty("data").GetProperty("message").GetString() == id && it.Status < 300, World.Patience);
        Assert.Null(received.SignatureError(WebhookSecret));
        Assert.Equal(Tenant, received.Json.GetProperty("tenant").GetString());
        return received.Json.GetProperty("data");
    }

    private Task WaitFor(string id, TimeSpan patience, params string[] states) => Eventually.HoldsAsync(
        async () => (await States(id)).SequenceEqual(states), patience, $"{id} is {string.Join(", ", states)}\n{World.Api.Output}", CancellationToken.None);
}
