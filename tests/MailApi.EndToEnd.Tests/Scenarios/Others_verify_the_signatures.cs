using System.Text.Json.Nodes;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Others_verify_the_signatures(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Dkimpy_and_OpenDKIM_accept_every_kind_of_mail_and_no_altered_one(Mode mode)
    {
        var world = await worlds.Shared(mode);
        var shop = await world.NewShop();
        var tag = Guid.NewGuid().ToString("N");
        var received = new List<SinkMessage>();
        foreach (var (recipient, change) in Kinds())
        {
            var mail = shop.Mail($"{recipient}.{tag}@example.net");
            change(mail);
            await shop.Send(mail);
            received.Add(await world.Sink.WaitFor($"{recipient}.{tag}@example.net", World.Patience));
        }
        Assert.Contains("SMTPUTF8", received.Single(it => !it.Recipient.All(char.IsAscii)).MailParameters, StringComparison.Ordinal);
        Assert.Contains("List-Unsubscribe-Post", received.Single(it => it.Recipient.StartsWith("marketing", StringComparison.Ordinal)).Text, StringComparison.Ordinal);

        var keys = await shop.DkimKeys();
        var whole = received.Select(it => it.Bytes).ToList();
        Assert.All(await Dkimpy.VerifyAsync(keys, whole, CancellationToken.None), verdict => Assert.Equal("pass", verdict));
        Assert.All(await OpenDkim.VerifyAsync(keys, whole, CancellationToken.None), verdict => Assert.Equal("pass", verdict));

        byte[][] altered = [.. whole.Select(bytes => (byte[])[.. "Subject: Another\r\n"u8, .. bytes]), .. whole.Select(bytes => (byte[])[.. bytes, .. "more\r\n"u8])];
        Assert.All(await Dkimpy.VerifyAsync(keys, altered, CancellationToken.None), verdict => Assert.StartsWith("fail", verdict));
        Assert.All(await OpenDkim.VerifyAsync(keys, altered, CancellationToken.None), verdict => Assert.Contains("signature verification failed", verdict));
    }

    private static IEnumerable<(string Recipient, Action<JsonObject> Change)> Kinds()
    {
        yield return ("plain", _ => { });
        yield return ("chinese", mail => (mail["subject"], mail["text"], mail["html"]) = ("您的订单 1001 已经发货", "您好，\n包裹今天早上已离开仓库。\n", "<p>您好，<br>包裹今天早上已离开仓库。</p>"));
        yield return ("attached", mail => mail["attachments"] = new JsonArray(
            Attachment("invoice.pdf", "application/pdf", 70_000, null), Attachment("发票.png", "image/png", 3_000, "logo")));
        yield return ("用户", mail => mail["text"] = "Grüße\n");
        yield return ("marketing", mail => mail["category"] = "marketing");
    }

    private static JsonObject Attachment(string name, string type, int bytes, string? contentId)
    {
        var content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        return new JsonObject { ["filename"] = name, ["contentType"] = type, ["content"] = Convert.ToBase64String(content), ["contentId"] = contentId };
    }
}
