using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

/// <summary>MTA-STS, DANE and REQUIRETLS with a signed zone, a private authority, and someone on the way who takes STARTTLS out.</summary>
public sealed class Receivers_prove_themselves_or_get_nothing(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Proven_servers_get_the_mail_and_others_wait_for_it_without_a_word_of_it_in_the_clear(Mode mode)
    {
        using var certificate = TestCertificate.For("mx.dane.test", "mx.sts.test", "mx.stripped.test", "mta-sts.sts.test", "mta-sts.stripped.test");
        await using var sink = ScriptedSink.Start(new SinkOptions { Certificate = certificate, Tls = SinkTls.StartTls, OfferRequireTls = true });
        var onTheWay = new SinkOptions { Certificate = certificate, Tls = SinkTls.Stripped, EndPoint = new IPEndPoint(IPAddress.Parse("127.0.0.2"), sink.Port) };
        var stripped = ScriptedSink.Start(onTheWay);
        await using var web = PolicyHost.Start(certificate, PolicyHost.Policy("enforce", "mx.sts.test", "mx.stripped.test"));
        using var signer = new ZoneSigner();
        using var trust = new TempDirectory();
        var key = await signer.KeyAsync(".", "ECDSAP256SHA256", CancellationToken.None);
        var digest = Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));
        await using var dns = await NsdServer.StartAsync(CancellationToken.None, [(".", await signer.SignAsync(".", Zone(digest), key, CancellationToken.None))]);
        await using var world = await worlds.Own(mode, new()
        {
            ["Dns__Servers"] = dns.Address,
            ["Dns__TrustAnchors__0"] = key.Digest,
            ["Delivery__MxPort"] = sink.Port.ToString(CultureInfo.InvariantCulture),
            ["Delivery__Tls__MtaStsPort"] = web.Port.ToString(CultureInfo.InvariantCulture),
            ["SSL_CERT_FILE"] = trust.Write("ca.pem", certificate.ExportCertificatePem()),
        });
        var shop = await world.NewShop();

        var waiting = await shop.Send(shop.Mail("ann@stripped.test"));
        var forged = await shop.Send(shop.Mail("ann@forged.test"));
        await shop.WaitFor(await shop.Send(shop.Mail("ann@dane.test", "ann@sts.test")), "delivered", "delivered");
        Assert.All(sink.Messages, mail => Assert.True(mail.Session.IsSecure));
        Assert.Contains("starttls-not-supported", await Told(shop, waiting), StringComparison.Ordinal);
        Assert.Contains("certificate-not-trusted", await Told(shop, forged), StringComparison.Ordinal);

        var required = shop.Mail("bob@dane.test", "bob@stripped.test");
        required["requireTls"] = true;
        await shop.WaitFor(await shop.Send(required), "delivered", "bounced");
        Assert.Contains("REQUIRETLS", Assert.Single(sink.Messages, mail => mail.Recipient == "bob@dane.test").MailParameters, StringComparison.Ordinal);
        Assert.Empty(stripped.Messages);
        Assert.DoesNotContain(stripped.Sessions.SelectMany(session => session.Transcript), line => line.StartsWith("C: MAIL", StringComparison.Ordinal));
        Assert.DoesNotContain(sink.Messages, mail => mail.Recipient == "ann@forged.test");

        await stripped.DisposeAsync();
        await using var mended = ScriptedSink.Start(onTheWay with { Tls = SinkTls.StartTls });
        await shop.WaitFor(waiting, "delivered");
        Assert.True(Assert.Single(mended.Messages).Session.IsSecure);

        await Eventually.HoldsAsync(async () => ((string[])["dane.test tlsa success", "sts.test sts success", "stripped.test sts starttls-not-supported", "forged.test tlsa certificate-not-trusted"])
            .Except(await Counted(world)).Any() is false, World.Patience, "TLS is counted as it came out", CancellationToken.None);
    }

    private static string Zone(string digest) => $"""
        $TTL 60
        @ IN SOA ns. hostmaster. 1 3600 600 86400 60
        @ IN NS ns.
        ns. A 127.0.0.1
        dane.test. MX 10 mx.dane.test.
        mx.dane.test. A 127.0.0.1
        _25._tcp.mx.dane.test. TLSA 3 1 1 {digest}
        forged.test. MX 10 mx.forged.test.
        mx.forged.test. A 127.0.0.1
        _25._tcp.mx.forged.test. TLSA 3 1 1 {new string('0', 64)}
        sts.test. MX 10 mx.sts.test.
        mx.sts.test. A 127.0.0.1
        mta-sts.sts.test. A 127.0.0.1
        _mta-sts.sts.test. TXT "v=STSv1; id=1;"
        stripped.test. MX 10 mx.stripped.test.
        mx.stripped.test. A 127.0.0.2
        mta-sts.stripped.test. A 127.0.0.1
        _mta-sts.stripped.test. TXT "v=STSv1; id=1;"

        """;

    /// <summary>Why a message was deferred.</summary>
    private static async Task<string> Told(Shop shop, string id) => (await shop.WaitForWebhook("message.deferred", id)).GetRawText();

    private static async Task<List<string>> Counted(World world) =>
        [.. (await World.Json(await world.Api.Admin.GetAsync("/tls-results"))).GetProperty("items").EnumerateArray().Select(Line)];

    private static string Line(JsonElement item) => $"{item.GetProperty("domain").GetString()} {item.GetProperty("policyType").GetString()} {item.GetProperty("resultType").GetString()}";
}
