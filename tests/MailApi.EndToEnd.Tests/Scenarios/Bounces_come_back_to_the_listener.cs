using System.Globalization;
using System.Net;
using System.Text.Json;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

/// <summary>Receivers that take everything and find out afterwards who is there.</summary>
public sealed class Bounces_come_back_to_the_listener(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Mail_that_Postfix_took_for_a_missing_user_bounces_at_the_webhook_and_suppresses_the_address(Mode mode)
    {
        var port = FreePort.Next();
        await using var postfix = await PostfixServer.StartAsync(new Dictionary<string, string>
        {
            ["smtpd_reject_unlisted_recipient"] = "no",
            ["default_transport"] = "smtp",
            ["relayhost"] = string.Create(CultureInfo.InvariantCulture, $"[127.0.0.1]:{port}"),
            ["smtp_tls_security_level"] = "may",
            // A bounce that the listener could not take at once comes again soon.
            ["minimal_backoff_time"] = "1s",
            ["queue_run_delay"] = "1s",
        }, CancellationToken.None);
        await Bounces(mode, port, PostfixServer.Domain, postfix.Port, () => postfix.Log, @class => Assert.Equal("no-mailbox", @class));
    }

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Mail_that_Exim_took_for_a_missing_user_bounces_at_the_webhook_and_suppresses_the_address(Mode mode)
    {
        var port = FreePort.Next();
        await using var exim = await EximServer.StartAsync(port, CancellationToken.None);
        await Bounces(mode, port, EximServer.Domain, exim.Port, () => exim.Log, @class => Assert.Equal("no-mailbox", @class));
    }

    private async Task Bounces(Mode mode, int port, string domain, int mxPort, Func<string> log, Action<string?> isClass)
    {
        await using var world = await worlds.Own(mode, new()
        {
            ["Receive__Smtp"] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"),
            ["Delivery__MxPort"] = mxPort.ToString(CultureInfo.InvariantCulture),
        });
        world.Dns.Mx(domain, 10, $"mx.{domain}").A($"mx.{domain}", "127.0.0.1");
        var shop = await world.NewShop();
        var gone = $"missing.bob@{domain}";
        var id = await shop.Send(shop.Mail($"ann@{domain}", gone));

        JsonElement bounced;
        try
        {
            await shop.WaitFor(id, "delivered", "bounced");
            bounced = await shop.WaitForWebhook("message.bounced", id);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{log()}");
        }
        Assert.Equal(gone, bounced.GetProperty("recipient").GetString());
        isClass(bounced.GetProperty("class").GetString());
        Assert.NotEmpty(bounced.GetProperty("explanation").GetString()!);
        Assert.InRange(bounced.GetProperty("reply").GetProperty("code").GetInt32(), 500, 599);
        Assert.Equal($"mx.{domain}", bounced.GetProperty("reply").GetProperty("mx").GetString());

        var events = (await shop.Message(id)).GetProperty("events").EnumerateArray()
            .Where(it => it.GetProperty("data").GetProperty("recipient").GetString() == gone).Select(it => it.GetProperty("type").GetString()).ToList();
        Assert.Equal(["message.accepted", "message.delivered", "message.bounced"], events);

        var suppressed = await World.Json(await shop.Live.GetAsync($"/suppressions?address={WebUtility.UrlEncode(gone)}"));
        Assert.Equal("hardBounce", Assert.Single(suppressed.GetProperty("items").EnumerateArray()).GetProperty("reason").GetString());
        await shop.WaitFor(await shop.Send(shop.Mail(gone)), "suppressed");
    }
}
