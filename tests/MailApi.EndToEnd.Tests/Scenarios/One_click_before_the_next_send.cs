using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed partial class One_click_before_the_next_send(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Mail_that_is_sent_the_moment_after_one_click_does_not_leave_and_the_click_is_told_and_counted(Mode mode)
    {
        var world = await worlds.Shared(mode);
        var shop = await world.NewShop();
        var recipient = $"ann.{Guid.NewGuid():N}@example.net";
        var first = await shop.Send(Newsletter(shop, recipient));
        var mail = await world.Sink.WaitFor(recipient, World.Patience);
        // As a mail program does it (RFC 8058 §3.2): https in the mail, plain here because no proxy stands before the program.
        Assert.Equal("List-Unsubscribe=One-Click", mail.Header("List-Unsubscribe-Post"));
        Assert.Contains("list-unsubscribe:list-unsubscribe-post", string.Concat(mail.Header("DKIM-Signature")!.Where(c => !char.IsWhiteSpace(c))), StringComparison.OrdinalIgnoreCase);
        var link = Link().Match(mail.Header("List-Unsubscribe")!).Value;

        using var program = new HttpClient { BaseAddress = shop.Live.BaseAddress };
        using (var look = await program.GetAsync(link)) Assert.Equal(HttpStatusCode.OK, look.StatusCode);
        using (var click = await program.PostAsync(link, new StringContent("List-Unsubscribe=One-Click", Encoding.ASCII, "application/x-www-form-urlencoded")))
            Assert.Equal(HttpStatusCode.OK, click.StatusCode);
        var second = await shop.Send(Newsletter(shop, recipient));

        await shop.WaitFor(second, "suppressed");
        await shop.WaitFor(await shop.Send(shop.Mail(recipient)), "delivered");
        await shop.WaitForWebhook("recipient.unsubscribed", first);
        Assert.Equal("unsubscribe", (await shop.WaitForWebhook("message.suppressed", second)).GetProperty("reason").GetString());
        await Eventually.HoldsAsync(async () =>
        {
            var rows = (await World.Json(await shop.Live.GetAsync("/stats?category=marketing"))).GetProperty("items");
            return rows.GetArrayLength() == 1 && rows[0].GetProperty("unsubscribed").GetInt32() == 1
                && (rows[0].GetProperty("accepted").GetInt32(), rows[0].GetProperty("delivered").GetInt32(), rows[0].GetProperty("suppressed").GetInt32()) == (2, 1, 1);
        }, World.Patience, "the statistics say so", CancellationToken.None);
    }

    private static JsonObject Newsletter(Shop shop, string recipient)
    {
        var mail = shop.Mail(recipient);
        mail["category"] = "marketing";
        return mail;
    }

    [GeneratedRegex("/u/[A-Za-z0-9_-]+")]
    private static partial Regex Link();
}
