using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests;

/// <summary>A tenant that publishes the records of its domain in its own zone.</summary>
/// <param name="Shop">The tenant.</param>
/// <param name="Id">The domain's.</param>
/// <param name="Registered">What the registration answered.</param>
/// <param name="Origin">Its zone.</param>
/// <param name="Dns">Who serves it.</param>
public sealed record Publisher(Shop Shop, string Id, JsonElement Registered, string Origin, NsdServer Dns)
{
    public static async Task<Publisher> Register(Shop shop, string origin, NsdServer dns)
    {
        var domain = await World.Json(await shop.Live.PostAsJsonAsync("/domains", new
        {
            name = shop.Domain,
            categories = new[] { "notification" },
            rate = new { perSecond = 10_000, burst = 10_000 },
        }));
        return new Publisher(shop, domain.GetProperty("id").GetString()!, domain, origin, dns);
    }

    /// <summary>The records as lines for the zone.</summary>
    public Task<string> Lines() => Shop.Live.GetStringAsync($"/domains/{Id}/zone");

    /// <summary>Replaces what the zone holds.</summary>
    public Task Publish(string zoneText) => Dns.ReloadAsync(Origin, zoneText, CancellationToken.None);

    /// <summary>Publishes the lines as they are printed now, asks for a look, and answers the domain.</summary>
    public async Task<JsonElement> PublishAndVerify()
    {
        await Publish(await Lines());
        return await Verify();
    }

    public async Task<JsonElement> Verify() => await World.Json(await Shop.Live.PostAsync($"/domains/{Id}/verify", null));

    /// <summary>Waits for a webhook of this type about the domain, checks its signature, and answers its data.</summary>
    /// <param name="type">Such as <c>domain.verified</c>.</param>
    /// <param name="count">Which of them, from 1.</param>
    public async Task<JsonElement> WaitForWebhook(string type, int count = 1)
    {
        bool IsOne(ReceivedWebhook it) => it.Type == type && it.Json.GetProperty("data").TryGetProperty("domain", out var domain) && domain.GetString() == Shop.Domain;
        await Eventually.HoldsAsync(() => Shop.World.Hooks.Received.Count(IsOne) >= count, World.Patience, $"{type} of {Shop.Domain} came {count} times", CancellationToken.None);
        var received = Shop.World.Hooks.Received.Where(IsOne).ElementAt(count - 1);
        Assert.Null(received.SignatureError(Shop.WebhookSecret));
        Assert.Equal(Shop.Tenant, received.Json.GetProperty("tenant").GetString());
        return received.Json.GetProperty("data");
    }

    /// <summary>The records of a purpose that a domain shows.</summary>
    public static IReadOnlyList<JsonElement> Records(JsonElement domain, string? purpose = null) =>
        [.. domain.GetProperty("records").EnumerateArray().Where(record => purpose is null || record.GetProperty("purpose").GetString() == purpose)];

    /// <summary>Selectors and the states of their keys, in the order of the records.</summary>
    public static IReadOnlyList<string> Keys(JsonElement domain) =>
        [.. Records(domain, "dkim").Select(record => $"{record.GetProperty("name").GetString()!.Split('.')[0]} {record.GetProperty("key").GetString()}")];
}
