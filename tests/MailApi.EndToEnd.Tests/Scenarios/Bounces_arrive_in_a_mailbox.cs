using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

/// <summary>For those whose bounces arrive elsewhere: a real Dovecot has them.</summary>
public sealed class Bounces_arrive_in_a_mailbox(Worlds worlds)
{
    private const int Bounces = 400;
    private const int BeforeKill = 20;

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task A_bounce_in_a_domains_mailbox_turns_its_envelope_to_bounced_at_the_webhook(Mode mode)
    {
        await using var dovecot = await DovecotServer.StartAsync(tokens: null, imapCapabilities: null, CancellationToken.None);
        using var trust = new TempDirectory();
        await using var world = await worlds.Own(mode, Settings(dovecot, trust));
        world.Dns.A(DovecotServer.Host, "127.0.0.1");
        var shop = await world.NewShop();
        var path = await Name(shop, dovecot);
        var check = await World.Json(await shop.Live.PostAsync(path + "/check", null));
        Assert.True(check.GetProperty("ok").GetBoolean(), check.ToString());

        var id = await shop.Send(shop.Mail("gone@example.net"));
        await shop.WaitFor(id, "delivered");
        var sent = await world.Sink.WaitFor("gone@example.net", World.Patience);
        dovecot.Deliver(Answers.Bounce(sent.MailFrom, sent.Recipient, sent.MessageId));

        var bounced = await shop.WaitForWebhook("message.bounced", id);
        Assert.Equal(("gone@example.net", "no-mailbox"), (bounced.GetProperty("recipient").GetString(), bounced.GetProperty("class").GetString()));
        await Eventually.HoldsAsync(() => dovecot.Messages("Processed").Count == 1, World.Patience, "it is moved", CancellationToken.None);
        // That it was reached is noted once its first round is over.
        JsonElement shown = default;
        await Eventually.HoldsAsync(async () =>
        {
            shown = await World.Json(await shop.Live.GetAsync(path));
            return shown.GetProperty("state").TryGetProperty("lastConnectedAt", out _);
        }, World.Patience, "the mailbox was reached", CancellationToken.None);
        Assert.DoesNotContain(DovecotServer.Password, shown.ToString() + world.Api.Output, StringComparison.Ordinal);
    }

    [Trait("Takes", "minutes")]
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task What_was_read_when_the_process_is_killed_counts_once_and_nothing_is_lost(Mode mode)
    {
        await using var dovecot = await DovecotServer.StartAsync(tokens: null, imapCapabilities: null, CancellationToken.None);
        using var trust = new TempDirectory();
        await using var world = await worlds.Own(mode, Settings(dovecot, trust));
        world.Dns.A(DovecotServer.Host, "127.0.0.1");
        var shop = await world.NewShop(webhook: false);
        var ids = await Task.WhenAll(Enumerable.Range(0, Bounces).Select(index => shop.Send(shop.Mail($"gone{index}@example.net"))));
        await shop.WaitForAll(ids, "delivered", World.Patience);
        foreach (var mail in world.Sink.Messages) dovecot.Deliver(Answers.Bounce(mail.MailFrom, mail.Recipient, mail.MessageId));

        await Name(shop, dovecot);
        await Eventually.HoldsAsync(() => dovecot.Messages("Processed").Count >= BeforeKill, World.Patience, "some are read", CancellationToken.None);
        await world.Api.Kill9Async();
        Assert.InRange(dovecot.Messages("Processed").Count, BeforeKill, Bounces - 1);
        await world.Api.StartAgainAsync(CancellationToken.None);

        // The dead process's lease ends first.
        await shop.WaitForAll(ids, "bounced", 2 * World.Patience);
        await Eventually.HoldsAsync(() => dovecot.Messages("Processed").Count == Bounces, World.Patience, "all are moved", CancellationToken.None);
        foreach (var id in ids) Assert.Single((await shop.Message(id)).GetProperty("events").EnumerateArray(), it => it.GetProperty("type").GetString() == "message.bounced");
    }

    private static Dictionary<string, string> Settings(DovecotServer dovecot, TempDirectory trust) => new() { ["SSL_CERT_FILE"] = trust.Write("ca.pem", dovecot.Certificate.ExportCertificatePem()) };

    /// <summary>Names the shop's mailbox; answers its path.</summary>
    private static async Task<string> Name(Shop shop, DovecotServer dovecot)
    {
        var domain = (await World.Json(await shop.Live.GetAsync("/domains"))).GetProperty("items")[0].GetProperty("id").GetString()!;
        var path = $"/domains/{domain}/mailbox";
        JsonElement named = await World.Json(await shop.Live.PutAsJsonAsync(path, new
        {
            protocol = "imap",
            host = DovecotServer.Host,
            port = dovecot.Imaps,
            username = DovecotServer.User,
            password = DovecotServer.Password,
        }));
        Assert.Equal("move", named.GetProperty("after").GetString());
        return path;
    }
}
