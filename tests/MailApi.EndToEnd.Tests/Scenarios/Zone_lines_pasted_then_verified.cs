using System.Text.Json;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Zone_lines_pasted_then_verified(Worlds worlds)
{
    private const string Origin = "pasted.test";

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task A_new_user_pastes_the_printed_lines_and_nothing_else(Mode mode)
    {
        var tenant = await (await worlds.Zoned(mode)).NewPublisher(Origin);
        Assert.Equal("pending", tenant.Registered.GetProperty("state").GetString());
        Assert.All(Publisher.Records(tenant.Registered), record => Assert.Equal("missing", record.GetProperty("state").GetString()));
        using (var refused = await tenant.Shop.Post(tenant.Shop.Mail("ann@example.net"))) Assert.Equal(System.Net.HttpStatusCode.Forbidden, refused.StatusCode);

        await tenant.Publish(await tenant.Lines());
        var verified = await tenant.Verify();

        Assert.Equal("verified", verified.GetProperty("state").GetString());
        Assert.All(Publisher.Records(verified), record => Assert.Equal("ok", record.GetProperty("state").GetString()));
        await tenant.WaitForWebhook("domain.verified");
        await Sends(tenant);
    }

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task What_stands_in_the_zone_already_is_kept(Mode mode)
    {
        var tenant = await (await worlds.Zoned(mode)).NewPublisher("merged.test", """
            mail TXT "v=spf1 ip4:198.51.100.7 a:legacy.merged.test -all"
            mail TXT "another-service-verification=1"
            _dmarc.mail TXT "v=DMARC1; p=quarantine; rua=mailto:reports@merged.test; adkim=s"
            """);
        Assert.Equal("v=spf1 ip4:198.51.100.7 a:legacy.merged.test include:spf.service.test -all", Value(tenant.Registered, "spf"));
        Assert.Equal("v=DMARC1; p=quarantine; rua=mailto:reports@merged.test,mailto:dmarc@bounces.mail.merged.test; adkim=s", Value(tenant.Registered, "dmarc"));

        // The printed lines hold the merged values: they replace both records.
        await tenant.Publish("mail TXT \"another-service-verification=1\"\n" + await tenant.Lines());
        var verified = await tenant.Verify();

        Assert.Equal("verified", verified.GetProperty("state").GetString());
        Assert.All(Publisher.Records(verified), record => Assert.Equal("ok", record.GetProperty("state").GetString()));
        Assert.Equal((Value(tenant.Registered, "spf"), Value(tenant.Registered, "dmarc")), (Value(verified, "spf"), Value(verified, "dmarc")));
        await Sends(tenant);
    }

    private static async Task Sends(Publisher tenant)
    {
        var recipient = $"ann.{Guid.NewGuid():N}@example.net";
        await tenant.Shop.WaitFor(await tenant.Shop.Send(tenant.Shop.Mail(recipient)), "delivered");
        var mail = await tenant.Shop.World.Sink.WaitFor(recipient, World.Patience);
        Assert.Contains($"d={tenant.Shop.Domain};", mail.Header("DKIM-Signature"), StringComparison.Ordinal);
        Assert.EndsWith($"@bounces.{tenant.Shop.Domain}", mail.MailFrom, StringComparison.Ordinal);
    }

    private static string Value(JsonElement domain, string purpose) => Assert.Single(Publisher.Records(domain, purpose)).GetProperty("value").GetString()!;
}
