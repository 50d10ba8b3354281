namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Schedule_and_cancel(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Scheduled_mail_leaves_at_its_time_and_not_before(Mode mode)
    {
        var world = await worlds.Shared(mode);
        var shop = await world.NewShop();
        var at = TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(5);
        var recipient = $"later.{Guid.NewGuid():N}@example.net";
        var id = await Schedule(shop, recipient, at);
        // How mail waits is seen of another that is due when no machine is still here.
        var waiting = await Schedule(shop, $"much.{recipient}", at + TimeSpan.FromHours(1));
        Assert.Equal(["queued"], await shop.States(waiting));
        var queue = await World.Json(await world.Api.Admin.GetAsync("/queue"));
        foreach (var (by, name) in ((string, string)[])[("categories", "notification"), ("domains", shop.Domain), ("recipientDomains", "example.net")])
            Assert.Contains(queue.GetProperty(by).EnumerateArray(), it => it.GetProperty("name").GetString() == name && it.GetProperty("depth").GetInt32() > 0);
        await World.Json(await shop.Live.PostAsync($"/messages/{waiting}/cancel", null));

        var arrived = await world.Sink.WaitFor(recipient, World.Patience);
        Assert.True(arrived.Time >= at, $"{arrived.Time:o} is before {at:o}");
        await shop.WaitFor(id, "delivered");
    }

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Canceled_mail_never_leaves(Mode mode)
    {
        var world = await worlds.Shared(mode);
        var shop = await world.NewShop();
        var recipient = $"never.{Guid.NewGuid():N}@example.net";
        // Late enough to be canceled in time by any machine.
        var due = TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(20);
        var canceled = await Schedule(shop, recipient, due);
        await World.Json(await shop.Live.PostAsync($"/messages/{canceled}/cancel", null));
        Assert.Equal(["canceled"], await shop.States(canceled));
        await shop.WaitForWebhook("message.canceled", canceled);

        // Mail scheduled for later than the canceled one arrives, so its time has passed.
        await shop.WaitFor(await Schedule(shop, $"after.{Guid.NewGuid():N}@example.net", due + TimeSpan.FromSeconds(1)), "delivered");
        Assert.DoesNotContain(world.Sink.Messages, it => it.Recipient == recipient);
    }

    private static Task<string> Schedule(Shop shop, string recipient, DateTimeOffset at)
    {
        var mail = shop.Mail(recipient);
        mail["sendAt"] = at.ToString("o");
        return shop.Send(mail);
    }
}
