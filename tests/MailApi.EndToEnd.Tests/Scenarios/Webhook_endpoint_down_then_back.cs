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
        await shop.Listen(endpoint);
        await endpoint.DownAsync();
        var id = await shop.Send(shop.Mail($"ann.{Guid.NewGuid():N}@example.net"));
        await shop.WaitFor(id, "delivered");
        await Eventually.HoldsAsync(
            async () => (await World.Json(await shop.Live.GetAsync($"/webhooks/{shop.WebhookId}/deliveries"))).GetProperty("items").EnumerateArray()
                .Count(it => it.GetProperty("tries").GetInt32() > 0) == 2,
            World.Patience, "both events have been tried", CancellationToken.None);

        await endpoint.UpAsync();
        await shop.WaitForWebhook("message.delivered", id);
        await shop.WaitForWebhook("message.accepted", id);
    }
}
