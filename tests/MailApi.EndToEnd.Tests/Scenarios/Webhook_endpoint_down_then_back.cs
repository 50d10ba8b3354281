using System.Net.Http.Json;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Webhook_endpoint_down_then_back(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Events_that_found_no_endpoint_are_told_when_it_is_back(Mode mode)
    {
        var world = await worlds.Shared(mode);
        var shop = await world.NewShop(webhook: false);
        await using var endpoint = await WebhookReceiver.StartAsync();
        await shop.Listen(endpoint, "message.delivered");
        await endpoint.DownAsync();
        var id = await shop.Send(shop.Mail($"ann.{Guid.NewGuid():N}@example.net"));
        await shop.WaitFor(id, "delivered");
        await Eventually.HoldsAsync(async () => await Tries(shop) > 0, World.Patience, "the event has been tried", CancellationToken.None);

        await endpoint.UpAsync();
        await Eventually.HoldsAsync(async () =>
        {
            // On a slow machine the second try may have found no endpoint either; the third would come after five minutes.
            if (await Tries(shop) > 1) await World.Json(await shop.Live.PostAsJsonAsync($"/webhooks/{shop.WebhookId}/replay", new { }));
            return endpoint.Received.Count > 0;
        }, pause: TimeSpan.FromSeconds(1), World.Patience, "the event is told", CancellationToken.None);
        await shop.WaitForWebhook("message.delivered", id);
    }

    /// <summary>Of the one delivery, that failed.</summary>
    private static async Task<int> Tries(Shop shop) => (await World.Json(await shop.Live.GetAsync($"/webhooks/{shop.WebhookId}/deliveries?state=pending"))).GetProperty("items").EnumerateArray()
        .Select(it => it.GetProperty("tries").GetInt32()).SingleOrDefault();
}
