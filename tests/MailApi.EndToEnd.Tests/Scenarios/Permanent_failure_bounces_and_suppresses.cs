namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Permanent_failure_bounces_and_suppresses(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task A_550_bounces_and_the_next_mail_to_that_address_is_not_sent(Mode mode)
    {
        var world = await worlds.Shared(mode);
        var shop = await world.NewShop();
        var recipient = $"550-{Guid.NewGuid():N}@example.net";
        var first = await shop.Send(shop.Mail(recipient));
        await shop.WaitFor(first, "bounced");
        var bounced = await shop.WaitForWebhook("message.bounced", first);
        Assert.Equal("no such user", bounced.GetProperty("reply").GetProperty("text").GetString());

        var second = await shop.Send(shop.Mail(recipient));
        await shop.WaitFor(second, "suppressed");
        await shop.WaitForWebhook("message.suppressed", second);
        Assert.Single(world.Sink.Sessions.SelectMany(it => it.Transcript), line => line.Contains($"RCPT TO:<{recipient}>", StringComparison.OrdinalIgnoreCase));

        var list = await World.Json(await shop.Live.GetAsync($"/suppressions?address={recipient}"));
        Assert.Equal("hardBounce", Assert.Single(list.GetProperty("items").EnumerateArray()).GetProperty("reason").GetString());
    }

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task A_refusal_by_policy_bounces_but_the_address_stays_alive(Mode mode)
    {
        var world = await worlds.Shared(mode);
        var shop = await world.NewShop(webhook: false);
        var recipient = $"policy-1-{Guid.NewGuid():N}@example.net";
        await shop.WaitFor(await shop.Send(shop.Mail(recipient)), "bounced");
        await shop.WaitFor(await shop.Send(shop.Mail(recipient)), "delivered");
    }
}
