using System.Globalization;
using System.Text;
using MailApi.Testing;
using MimeKit;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Postfix_receives(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task A_real_MTA_gets_the_mail_under_TLS_whole_and_signed_and_is_quoted_where_it_refuses(Mode mode)
    {
        await using var postfix = await PostfixServer.StartAsync(new Dictionary<string, string>(), CancellationToken.None);
        await using var world = await worlds.Own(mode, new() { ["Delivery__MxPort"] = postfix.Port.ToString(CultureInfo.InvariantCulture) });
        world.Dns.Mx(PostfixServer.Domain, 10, $"mx.{PostfixServer.Domain}").A($"mx.{PostfixServer.Domain}", "127.0.0.1");
        var shop = await world.NewShop();
        var mail = shop.Mail($"Ann Ünal <ann@{PostfixServer.Domain}>", $"missing.bob@{PostfixServer.Domain}");
        mail["subject"] = "订单 1001 已发货 – Order 1001";
        mail["text"] = ".\r\nFrom the first line on:\r\n..two dots\r\nGrüße\r\n";
        var id = await shop.Send(mail);

        await shop.WaitFor(id, "delivered", "bounced");
        var file = await postfix.WaitForFile(it => it.Headers["Delivered-To"] == $"ann@{PostfixServer.Domain}", World.Patience);
        var delivered = MimeMessage.Load(new MemoryStream(file));
        Assert.Equal($"\"Example Shop\" <orders@{shop.Domain}>", delivered.From.ToString());
        Assert.Equal([("Ann Ünal", $"ann@{PostfixServer.Domain}"), ("", $"missing.bob@{PostfixServer.Domain}")], delivered.To.Mailboxes.Select(to => (to.Name ?? "", to.Address)));
        Assert.Equal("订单 1001 已发货 – Order 1001", delivered.Subject);
        Assert.EndsWith($"@{shop.Domain}", delivered.MessageId);
        Assert.Equal(".\nFrom the first line on:\n..two dots\nGrüße\n", delivered.TextBody?.ReplaceLineEndings("\n"));
        Assert.Contains("using TLSv1.3", delivered.Headers["Received"], StringComparison.Ordinal);
        Assert.EndsWith($"@bounces.{shop.Domain}>", delivered.Headers["Return-Path"]);
        Assert.Equal(["pass"], await Dkimpy.VerifyAsync(await shop.DkimKeys(), [OnTheWire(file)], CancellationToken.None));

        var bounced = (await shop.WaitForWebhook("message.bounced", id)).GetProperty("reply");
        Assert.Equal((550, "5.1.1"), (bounced.GetProperty("code").GetInt32(), bounced.GetProperty("enhanced").GetString()));
        Assert.Contains("User unknown in virtual mailbox table", bounced.GetProperty("text").GetString());
        Assert.Equal($"mx.{PostfixServer.Domain}", bounced.GetProperty("mx").GetString());
    }

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Each_recipient_has_its_own_end_at_a_real_MTA_that_greylists_one_and_refuses_another(Mode mode)
    {
        await using var greylist = new Greylist();
        await using var postfix = await PostfixServer.StartAsync(
            new Dictionary<string, string> { ["smtpd_recipient_restrictions"] = $"reject_unauth_destination, {greylist.Restriction}" }, CancellationToken.None);
        await using var world = await worlds.Own(mode, new() { ["Delivery__MxPort"] = postfix.Port.ToString(CultureInfo.InvariantCulture) });
        world.Dns.Mx(PostfixServer.Domain, 10, $"mx.{PostfixServer.Domain}").A($"mx.{PostfixServer.Domain}", "127.0.0.1");
        var shop = await world.NewShop();
        var mail = shop.Mail($"ann@{PostfixServer.Domain}", $"missing.bob@{PostfixServer.Domain}", $"greylisted.eve@{PostfixServer.Domain}");
        var id = await shop.Send(mail, idempotencyKey: "order-1001");
        Assert.Equal(id, await shop.Send(mail, idempotencyKey: "order-1001"));

        var message = await shop.WaitFor(id, "delivered", "bounced", "delivered");
        Assert.Equal([1, 1, Greylist.Refusals + 1], message.GetProperty("recipients").EnumerateArray().Select(it => it.GetProperty("attempts").GetInt32()));
        var deferred = (await shop.WaitForWebhook("message.deferred", id)).GetProperty("reply");
        Assert.Equal((451, "4.7.1"), (deferred.GetProperty("code").GetInt32(), deferred.GetProperty("enhanced").GetString()));
        Assert.Contains("Greylisted, come back later", deferred.GetProperty("text").GetString());
        foreach (var taken in (string[])["ann", "greylisted.eve"]) await postfix.WaitFor(it => it.Headers["Delivered-To"] == $"{taken}@{PostfixServer.Domain}", World.Patience);
        Assert.Equal(2, postfix.Files().Count);
    }

    /// <summary>A maildir has bare LFs; what Postfix put in front is signed by nobody.</summary>
    private static byte[] OnTheWire(byte[] file) => Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(file).Replace("\n", "\r\n", StringComparison.Ordinal));
}
