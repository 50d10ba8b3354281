namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Temporary_failure_then_delivered(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Two_451s_are_followed_by_a_delivery_on_the_third_try(Mode mode)
    {
        var world = await worlds.Shared(mode);
        var shop = await world.NewShop();
        var id = await shop.Send(shop.Mail($"451-2-{Guid.NewGuid():N}@example.net"));

        var message = await shop.WaitFor(id, "delivered");
        Assert.Equal(3, message.GetProperty("recipients")[0].GetProperty("attempts").GetInt32());
        Assert.Equal(
            ["message.accepted", "message.deferred", "message.deferred", "message.delivered"],
            message.GetProperty("events").EnumerateArray().Select(it => it.GetProperty("type").GetString()));
        var deferred = await shop.WaitForWebhook("message.deferred", id);
        Assert.Equal(451, deferred.GetProperty("reply").GetProperty("code").GetInt32());
    }
}
