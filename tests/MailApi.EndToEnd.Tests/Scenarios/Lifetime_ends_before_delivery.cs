namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Lifetime_ends_before_delivery(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Mail_that_is_deferred_past_its_lifetime_expires(Mode mode)
    {
        await using var world = await worlds.Own(mode, new() { ["Categories__support__Lifetime"] = "00:00:02", ["Categories__support__RetryDelays__0"] = "00:00:01" });
        var shop = await world.NewShop();
        var mail = shop.Mail("4xx@example.net");
        mail["category"] = "support";
        var id = await shop.Send(mail);

        await shop.WaitFor(id, "expired");
        await shop.WaitForWebhook("message.expired", id);
        Assert.Empty(world.Sink.Messages);
    }
}
