using System.Globalization;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Relay_takes_everything(Worlds worlds)
{
    private const string Host = "relay.example";
    private static readonly SinkCredentials Credentials = new("shop", "correct horse");

    [Theory, InlineData(Mode.Embedded, "StartTls", "Login"), InlineData(Mode.Distributed, "Implicit", null)]
    public async Task Mail_goes_to_the_relay_under_TLS_and_after_a_login(Mode mode, string tls, string? auth)
    {
        using var certificate = TestCertificate.For(Host);
        await using var relay = ScriptedSink.Start(new SinkOptions { Certificate = certificate, Tls = Enum.Parse<SinkTls>(tls), RequireAuth = Credentials });
        using var trust = new TempDirectory();
        var settings = Settings(relay, tls, trust.Write("ca.pem", certificate.ExportCertificatePem()));
        if (auth is not null) settings["Delivery__Relay__Auth"] = auth;
        await using var world = await worlds.Own(mode, settings);
        world.Dns.A(Host, "127.0.0.1");
        var shop = await world.NewShop();

        var id = await shop.Send(shop.Mail("ann@example.net", "bob@elsewhere.example"));
        await shop.WaitFor(id, "delivered", "delivered");
        Assert.Equal(["ann@example.net", "bob@elsewhere.example"], relay.Messages.Select(it => it.Recipient).Order());
        Assert.All(relay.Messages, it => AssertLogin(it, auth ?? "PLAIN"));
        Assert.Equal(0, world.Sink.ConnectionsEver);
    }

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task A_relay_that_refuses_the_login_or_lost_its_TLS_defers_mail_and_gets_it_when_it_is_well(Mode mode)
    {
        using var certificate = TestCertificate.For(Host);
        using var trust = new TempDirectory();
        var wrong = ScriptedSink.Start(new SinkOptions { Certificate = certificate, Tls = SinkTls.StartTls, RequireAuth = Credentials with { Password = "another" } });
        await using var world = await worlds.Own(mode, Settings(wrong, "StartTls", trust.Write("ca.pem", certificate.ExportCertificatePem())));
        world.Dns.A(Host, "127.0.0.1");
        var shop = await world.NewShop();
        var id = await shop.Send(shop.Mail("ann@example.net"));

        var deferred = await shop.WaitForWebhook("message.deferred", id);
        var reply = deferred.GetProperty("reply");
        Assert.Equal((535, "5.7.8", "wrong user or password"), (reply.GetProperty("code").GetInt32(), reply.GetProperty("enhanced").GetString(), reply.GetProperty("text").GetString()));
        Assert.Equal(Host, reply.GetProperty("mx").GetString());
        await wrong.DisposeAsync();

        // Someone on the way takes the offer of STARTTLS out: neither password nor mail may follow.
        var stripped = ScriptedSink.Start(wrong.Options with { EndPoint = wrong.EndPoint, Tls = SinkTls.Stripped, RequireAuth = Credentials });
        await Eventually.HoldsAsync(
            async () => (await shop.Message(id)).GetProperty("events").EnumerateArray().Any(it => it.GetRawText().Contains("STARTTLS", StringComparison.Ordinal)),
            World.Patience, "the missing STARTTLS is told", CancellationToken.None);
        Assert.DoesNotContain(stripped.Sessions.SelectMany(it => it.Transcript), line => line.StartsWith("C: AUTH", StringComparison.Ordinal) || line.StartsWith("C: MAIL", StringComparison.Ordinal));
        await stripped.DisposeAsync();

        await using var well = ScriptedSink.Start(wrong.Options with { EndPoint = wrong.EndPoint, RequireAuth = Credentials });
        await shop.WaitFor(id, "delivered");
        AssertLogin(Assert.Single(well.Messages), "PLAIN");
        Assert.Equal(0, world.Sink.ConnectionsEver);
    }

    private static void AssertLogin(SinkMessage mail, string mechanism)
    {
        Assert.Equal((true, Credentials.User), (mail.Session.IsSecure, mail.Session.User));
        Assert.Contains(mail.Session.Transcript, line => line.StartsWith($"C: AUTH {mechanism}", StringComparison.OrdinalIgnoreCase));
    }

    private static Dictionary<string, string> Settings(ScriptedSink relay, string tls, string trustedCertificates) => new()
    {
        ["Delivery__Relay__Host"] = Host,
        ["Delivery__Relay__Port"] = relay.Port.ToString(CultureInfo.InvariantCulture),
        ["Delivery__Relay__Tls"] = tls,
        ["Delivery__Relay__Username"] = Credentials.User,
        ["Delivery__Relay__Password"] = Credentials.Password,
        // Where .NET on Linux finds the authorities that it trusts.
        ["SSL_CERT_FILE"] = trustedCertificates,
    };
}
