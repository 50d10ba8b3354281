using System.Net.Http.Json;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Tenants_have_relays(Worlds worlds)
{
    private const string Host = "relay.example";
    private const string User = "shop@relay.example";

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task A_tenants_mail_goes_through_its_relay_with_OAuth_while_the_first_one_is_down(Mode mode)
    {
        using var certificate = TestCertificate.For(Host);
        using var trust = new TempDirectory();
        await using var tokens = await TokenServer.StartAsync(User);
        tokens.Rotates = true;
        await using var first = ScriptedSink.Start(new SinkOptions { Certificate = certificate, Tls = SinkTls.StartTls, RequireAuth = new SinkCredentials(User, "correct horse") });
        await using var second = ScriptedSink.Start(new SinkOptions { Certificate = certificate, Tls = SinkTls.Implicit, RequireToken = (user, token) => user == User && tokens.Accepts(token) });
        await first.StopAsync();
        await using var world = await worlds.Own(mode, new() { ["SSL_CERT_FILE"] = trust.Write("ca.pem", certificate.ExportCertificatePem()) });
        world.Dns.A(Host, "127.0.0.1");
        var (shop, other) = (await world.NewShop(), await world.NewShop());
        var primary = await Create(shop.Live, new { name = "first", host = Host, port = first.Port, username = User, password = "correct horse" });
        await Create(shop.Live, new
        {
            name = "second",
            host = Host,
            port = second.Port,
            tls = "implicit",
            username = User,
            priority = 10,
            oauth = new { provider = "custom", tokenEndpoint = tokens.Url, grant = "refreshToken", clientId = TokenServer.ClientId, clientSecret = TokenServer.ClientSecret, refreshToken = tokens.RefreshToken },
        });

        var id = await shop.Send(shop.Mail("ann@example.net"));
        var message = await shop.WaitFor(id, "delivered");
        Assert.Equal(1, message.GetProperty("recipients")[0].GetProperty("attempts").GetInt32());
        var mail = Assert.Single(second.Messages);
        Assert.Equal((true, User, "ann@example.net"), (mail.Session.IsSecure, mail.Session.User, mail.Recipient));

        // The token ends before its time: another is had with the refresh token that came with it, in the same attempt.
        tokens.RevokeAll();
        await second.StopAsync();
        second.Listen();
        id = await shop.Send(shop.Mail("bob@example.net"));
        Assert.Equal(1, (await shop.WaitFor(id, "delivered")).GetProperty("recipients")[0].GetProperty("attempts").GetInt32());
        Assert.Equal(["refresh-0", "refresh-1"], tokens.Requests.Select(form => form["refresh_token"]));

        // A relay that was changed is tried at once.
        first.Listen();
        await World.Json(await shop.Live.PatchAsJsonAsync($"/relays/{primary}", new { name = "repaired" }));
        await shop.WaitFor(await shop.Send(shop.Mail("eve@example.net")), "delivered");
        Assert.Equal((User, "eve@example.net"), (Assert.Single(first.Messages).Session.User, first.Messages[0].Recipient));

        Assert.Equal(0, world.Sink.ConnectionsEver);
        await other.WaitFor(await other.Send(other.Mail("ann@example.net")), "delivered");
        Assert.Equal((1, 2, 1), (first.Count, second.Count, world.Sink.Count));
    }

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task The_operators_relay_takes_everyones_mail_within_one_rate(Mode mode)
    {
        await using var relay = ScriptedSink.Start();
        await using var world = await worlds.Own(mode, []);
        world.Dns.A(Host, "127.0.0.1");
        Shop[] shops = [await world.NewShop(), await world.NewShop()];
        await Create(world.Api.Admin, new { name = "everyone's", host = Host, port = relay.Port, tls = "none", limits = new { perSecond = 3, burst = 1 } });

        var ids = await Task.WhenAll(shops.Select(shop => shop.Send(shop.Mail("ann@example.net", "bob@example.net", "eve@example.net", "joe@example.net"))));
        for (var i = 0; i < shops.Length; i++) await shops[i].WaitFor(ids[i], "delivered", "delivered", "delivered", "delivered");

        var times = relay.Messages.Select(mail => mail.Time).Order().ToList();
        Assert.Equal((8, 0), (times.Count, world.Sink.ConnectionsEver));
        // 2.3 s between leaving; the first may arrive late, when the machine is busy.
        Assert.InRange((times[^1] - times[0]).TotalSeconds, 1.2, World.Patience.TotalSeconds);
    }

    private static async Task<string> Create(HttpClient client, object relay) => (await World.Json(await client.PostAsJsonAsync("/relays", relay))).GetProperty("id").GetString()!;
}
