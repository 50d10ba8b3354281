namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Accepted_then_delivered(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task A_message_arrives_signed_and_its_sender_is_told(Mode mode)
    {
        var world = await worlds.Shared(mode);
        var shop = await world.NewShop();
        var recipient = $"ann.{Guid.NewGuid():N}@example.net";
        var id = await shop.Send(shop.Mail($"Ann <{recipient}>"));

        var mail = await world.Sink.WaitFor(recipient, World.Patience);
        Assert.Equal($"Example Shop <orders@{shop.Domain}>", mail.Header("From"));
        Assert.Equal($"Ann <{recipient}>", mail.Header("To"));
        Assert.Contains($"d={shop.Domain};", mail.Header("DKIM-Signature"));
        Assert.EndsWith($"@{shop.Domain}>", mail.MessageId);
        Assert.EndsWith($"@bounces.{shop.Domain}", mail.MailFrom);
        Assert.False(mail.HasStrayLineEnd);

        var message = await shop.WaitFor(id, "delivered");
        var reply = message.GetProperty("recipients")[0].GetProperty("reply");
        Assert.Equal((250, "mx.example.net"), (reply.GetProperty("code").GetInt32(), reply.GetProperty("mx").GetString()));
        Assert.Equal(["message.accepted", "message.delivered"], message.GetProperty("events").EnumerateArray().Select(it => it.GetProperty("type").GetString()));

        await shop.WaitForWebhook("message.accepted", id);
        var told = await shop.WaitForWebhook("message.delivered", id);
        Assert.Equal(recipient, told.GetProperty("recipient").GetString());
        Assert.Equal("shipping", told.GetProperty("tags")[0].GetString());
        Assert.Equal("1001", told.GetProperty("metadata").GetProperty("order").GetString());
    }
}
