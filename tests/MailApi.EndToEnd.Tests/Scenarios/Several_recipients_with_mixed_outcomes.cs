using System.Text.Json.Nodes;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Several_recipients_with_mixed_outcomes(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Each_recipient_has_its_own_end_and_no_header_names_the_bcc(Mode mode)
    {
        var world = await worlds.Shared(mode);
        var shop = await world.NewShop();
        var tag = Guid.NewGuid().ToString("N");
        var mail = shop.Mail($"ok.{tag}@example.net", $"550-{tag}@example.net");
        mail["cc"] = new JsonArray($"451-1-{tag}@example.net");
        mail["bcc"] = new JsonArray($"hidden.{tag}@example.net");
        var id = await shop.Send(mail);

        await shop.WaitFor(id, "delivered", "bounced", "delivered", "delivered");
        var hidden = await world.Sink.WaitFor($"hidden.{tag}@example.net", World.Patience);
        Assert.DoesNotContain("hidden", hidden.Text, StringComparison.Ordinal);
        Assert.Null(hidden.Header("Bcc"));
        Assert.Equal($"550 5.1.1", await Reply(shop, id));
    }

    private static async Task<string> Reply(Shop shop, string id)
    {
        var reply = (await shop.Message(id)).GetProperty("recipients")[1].GetProperty("reply");
        return $"{reply.GetProperty("code").GetInt32()} {reply.GetProperty("enhanced").GetString()}";
    }
}
