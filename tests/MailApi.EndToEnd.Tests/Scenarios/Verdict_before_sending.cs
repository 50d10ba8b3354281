using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Verdict_before_sending(Worlds worlds)
{
    private const string Origin = "verdict.test";

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task What_the_diagnosis_says_is_what_the_receiver_concludes(Mode mode)
    {
        var world = (await worlds.Zoned(mode)).World;
        var tenant = await (await worlds.Zoned(mode)).NewPublisher(Origin);
        // A change is to be seen at once, not when the hour of the printed lines is over.
        var lines = (await tenant.Lines()).Replace(" 3600 IN ", " 1 IN ", StringComparison.Ordinal);
        await tenant.Publish(lines);
        Assert.Equal("verified", (await tenant.Verify()).GetProperty("state").GetString());
        var recipient = $"ann.{Guid.NewGuid():N}@example.net";
        var mail = Order(tenant.Shop, recipient);

        var told = await Diagnose(tenant.Shop, mail);
        Assert.Equal(["pass", "pass", "pass"], Authentication(told));
        Assert.InRange(told.GetProperty("score").GetDouble(), 9, 10);

        await tenant.Publish(string.Join('\n', lines.Split('\n').Where(line => !line.Contains("._domainkey.", StringComparison.Ordinal))));
        var unsigned = await DiagnoseUntil(tenant.Shop, mail, ["pass", "fail", "pass"]);
        Assert.Contains($"Publish the DKIM record of {tenant.Shop.Domain}", Check(unsigned, "dkim").GetProperty("cure").GetString(), StringComparison.Ordinal);
        Assert.InRange(unsigned.GetProperty("score").GetDouble(), 0, 4);

        Assert.Empty((await World.Json(await tenant.Shop.Live.GetAsync("/messages"))).GetProperty("items").EnumerateArray());
        // An event is shown once no transaction of the whole cluster is older.
        await Eventually.HoldsAsync(
            async () => (await World.Json(await tenant.Shop.Live.GetAsync("/events"))).GetProperty("items").EnumerateArray().Select(it => it.GetProperty("type").GetString()).SequenceEqual(["domain.verified"]),
            World.Patience, "the one event is the domain's", CancellationToken.None);
        Assert.DoesNotContain(world.Sink.Messages, it => it.Recipient == recipient);

        await tenant.Publish(lines);
        await DiagnoseUntil(tenant.Shop, mail, ["pass", "pass", "pass"]);
        await tenant.Shop.Send(mail);
        var concluded = await Judge(tenant.Shop, await world.Sink.WaitFor(recipient, World.Patience));
        Assert.Equal(Verdict(told.GetProperty("authentication")), Verdict(concluded));
    }

    private static JsonObject Order(Shop shop, string recipient)
    {
        var mail = shop.Mail(recipient);
        mail["from"] = $"示例商店 <orders@{shop.Domain}>";
        mail["to"] = new JsonArray($"王小明 <{recipient}>");
        mail["subject"] = "您的订单 1001 已经发货";
        mail["text"] = "王先生，您好：\n\n您的订单 1001 今天上午已从我们的仓库发出，预计三天内送达。\n如有疑问，请直接回复本邮件，我们很乐意为您服务。\n\n示例商店\n";
        mail["html"] = "<!DOCTYPE html><html lang=\"zh-CN\"><head><title>订单 1001</title></head><body><p>王先生，您好：</p>"
            + "<p>您的订单 1001 今天上午已从我们的仓库发出，预计三天内送达。<br>如有疑问，请直接回复本邮件，我们很乐意为您服务。</p><p>示例商店</p></body></html>";
        return mail;
    }

    private static async Task<JsonElement> Diagnose(Shop shop, JsonObject mail) => await World.Json(await shop.Live.PostAsJsonAsync("/diagnose/send", mail));

    /// <summary>Asks until SPF, DKIM and DMARC come out like this.</summary>
    private static async Task<JsonElement> DiagnoseUntil(Shop shop, JsonObject mail, string[] expected)
    {
        JsonElement told = default;
        try
        {
            await Eventually.HoldsAsync(async () =>
            {
                told = await Diagnose(shop, mail);
                return Authentication(told).SequenceEqual(expected);
            }, World.Patience, string.Join(", ", expected), CancellationToken.None);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"{string.Join(", ", expected)} is expected, not {told}");
        }
        return told;
    }

    /// <summary>What the receiver of the very octets concludes.</summary>
    private static async Task<JsonElement> Judge(Shop shop, SinkMessage mail) => await World.Json(await shop.Live.PostAsJsonAsync("/diagnose/authentication", new
    {
        clientIp = ZonedWorld.EgressAddress,
        helo = mail.Session.Helo,
        mailFrom = mail.MailFrom,
        message = mail.Text,
    }));

    private static JsonElement Check(JsonElement told, string name) => told.GetProperty("checks").EnumerateArray().Single(check => check.GetProperty("name").GetString() == name);

    /// <summary>SPF, DKIM and DMARC.</summary>
    private static string[] Authentication(JsonElement told) => [.. ((string[])["spf", "dkim", "dmarc"]).Select(name => Check(told, name).GetProperty("result").GetString()!)];

    /// <summary>A report without what differs between two messages: their return paths.</summary>
    private static string Verdict(JsonElement report) => JsonSerializer.Serialize(new
    {
        spf = report.GetProperty("spf").GetProperty("result").GetString() + " " + report.GetProperty("spf").GetProperty("domain").GetString(),
        dkim = report.GetProperty("dkim"),
        dmarc = report.GetProperty("dmarc"),
        arc = report.GetProperty("arc"),
        wouldPass = report.GetProperty("wouldPass"),
        why = report.GetProperty("why"),
    });
}
