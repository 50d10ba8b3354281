using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Pools_keep_mail_apart(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Newsletters_and_order_mail_leave_from_addresses_of_their_own_which_count_what_they_send(Mode mode)
    {
        await using var world = await worlds.Own(mode, new()
        {
            ["Delivery__Pools__default__Addresses__0__Address"] = "127.0.0.41",
            ["Delivery__Pools__default__Addresses__0__HeloName"] = "orders.mailapi.test",
            ["Delivery__Pools__newsletters__Addresses__0__Address"] = "127.0.0.42",
            ["Delivery__Pools__newsletters__Addresses__0__HeloName"] = "news.mailapi.test",
            ["Delivery__Pools__newsletters__Addresses__0__Since"] = $"{DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime):yyyy-MM-dd}",
            ["Delivery__Pools__newsletters__Categories__0"] = "marketing",
        });
        var shop = await world.NewShop(webhook: false);

        // One more than the allowance of the first day: there is no overflow, so it waits for the next.
        string[] readers = [.. Enumerable.Range(0, 51).Select(index => $"reader.{index}@example.net")];
        var newsletter = shop.Mail(readers);
        newsletter["category"] = "marketing";
        var id = await shop.Send(newsletter);
        await shop.WaitFor(await shop.Send(shop.Mail("ann@example.net", "bob@example.net")), "delivered", "delivered");
        await Eventually.HoldsAsync(async () => (await shop.States(id)).Count(state => state == "delivered") == 50, World.Patience, "fifty are delivered", CancellationToken.None);

        await Eventually.HoldsAsync(
            async () => await Addresses(world) is ["default 127.0.0.41 active 2", "newsletters 127.0.0.42 warming 50"], World.Patience, "both are counted", CancellationToken.None);
        // While it is looked at, it is not queued.
        await Eventually.HoldsAsync(async () => (await shop.States(id)).Count(state => state == "queued") == 1, World.Patience, "one waits", CancellationToken.None);
        Assert.All(world.Sink.Messages, mail => Assert.Equal(
            mail.Recipient.StartsWith("reader.", StringComparison.Ordinal) ? ("127.0.0.42", "news.mailapi.test") : ("127.0.0.41", "orders.mailapi.test"),
            (mail.Session.Peer.Split(':')[0], mail.Session.Helo)));
    }

    private static async Task<string[]> Addresses(World world) => [.. (await World.Json(await world.Api.Admin.GetAsync("/egress"))).GetProperty("items").EnumerateArray()
        .Select(view => $"{view.GetProperty("pool")} {view.GetProperty("address")} {view.GetProperty("state")} {view.GetProperty("sentToday")}")];
}
