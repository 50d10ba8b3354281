using System.Net;
using System.Net.Http.Json;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Lost_key_record_stops_signing(Worlds worlds)
{
    private const string Origin = "lost.test";
    private const string KeyName = "ma1._domainkey.mail." + Origin;

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task A_domain_without_its_key_record_refuses_mail_and_sends_none_unsigned_until_it_is_back(Mode mode)
    {
        var world = (await worlds.Zoned(mode)).World;
        var tenant = await (await worlds.Zoned(mode)).NewPublisher(Origin);
        Assert.Equal("verified", (await tenant.PublishAndVerify()).GetProperty("state").GetString());
        var hold = new { domain = tenant.Shop.Domain };
        await world.Api.Admin.PostAsJsonAsync("/queue/suspend", hold);
        var recipient = $"ann.{Guid.NewGuid():N}@example.net";
        var accepted = await tenant.Shop.Send(tenant.Shop.Mail(recipient));

        var lines = await tenant.Lines();
        await tenant.Publish(string.Join('\n', lines.Split('\n').Where(line => !line.StartsWith(KeyName, StringComparison.Ordinal))));
        var failing = await tenant.Verify();

        Assert.Equal("failing", failing.GetProperty("state").GetString());
        Assert.Equal("missing", Assert.Single(Publisher.Records(failing, "dkim")).GetProperty("state").GetString());
        Assert.Contains($"TXT {KeyName}: There is no TXT record", (await tenant.WaitForWebhook("domain.failing")).GetProperty("reason").GetString(), StringComparison.Ordinal);
        using (var refused = await tenant.Shop.Post(tenant.Shop.Mail("ann@example.net")))
        {
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            var detail = (await refused.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>()).GetProperty("detail").GetString();
            Assert.Equal($"{tenant.Shop.Domain} no longer has the records that it needs. GET /domains/{tenant.Id} shows what is missing; mend it and POST /domains/{tenant.Id}/verify.", detail);
        }

        // What was accepted before waits: it must not leave unsigned.
        await world.Api.Admin.PostAsJsonAsync("/queue/resume", hold);
        await tenant.Shop.WaitFor(accepted, "deferred");
        Assert.DoesNotContain(world.Sink.Messages, it => it.Recipient == recipient);

        await tenant.Publish(lines);
        Assert.Equal("verified", (await tenant.Verify()).GetProperty("state").GetString());
        await tenant.WaitForWebhook("domain.verified", count: 2);
        await tenant.Shop.WaitFor(accepted, "delivered");
        Assert.Contains("s=ma1;", (await world.Sink.WaitFor(recipient, World.Patience)).Header("DKIM-Signature"), StringComparison.Ordinal);
        await tenant.Shop.WaitFor(await tenant.Shop.Send(tenant.Shop.Mail($"ann.{Guid.NewGuid():N}@example.net")), "delivered");
    }
}
