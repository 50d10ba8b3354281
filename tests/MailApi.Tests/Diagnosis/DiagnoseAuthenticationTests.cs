using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using MailApi.Mail.Dkim;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Diagnosis;

/// <summary><c>POST /diagnose/authentication</c> over HTTP, against a scripted zone.</summary>
public sealed class DiagnoseAuthenticationTests(TestHost host)
{
    private static readonly string[] Servers = ["198.51.100.1", "198.51.100.2", "198.51.100.3"];

    [Fact]
    public async Task The_answer_has_the_members_of_the_contract()
    {
        var shop = Shop();

        var report = await Ask(shop.Signed(), Servers[0], $"bounce@{shop.Name}");

        Assert.Equal(["arc", "dkim", "dmarc", "spf", "why", "wouldPass"], Members(report));
        Assert.Equal(["domain", "explanation", "lookups", "result"], Members(report.GetProperty("spf")));
        Assert.Equal(["disposition", "dkimAligned", "domain", "policy", "result", "spfAligned"], Members(report.GetProperty("dmarc")));
        var signature = Assert.Single(report.GetProperty("dkim").EnumerateArray());
        Assert.Equal(["algorithm", "domain", "reason", "result", "selector"], Members(signature));
        Assert.Equal((shop.Name, "ma1", "rsa-sha256", "pass"),
            (Text(signature, "domain"), Text(signature, "selector"), Text(signature, "algorithm"), Text(signature, "result")));
        Assert.True(report.GetProperty("wouldPass").GetBoolean());
        Assert.Equal(JsonValueKind.Null, signature.GetProperty("reason").ValueKind);
    }

    [Theory]
    [InlineData("a listed server, aligned return path", 1, "shop", "pass", "pass", "none", true)]
    [InlineData("a listed server, a return path of others", 1, "other", "pass", "fail", "reject", false)]
    [InlineData("an unlisted server", 9, "shop", "fail", "fail", "reject", false)]
    [InlineData("an unlisted server, a return path of others that list it", 9, "other", "pass", "fail", "reject", false)]
    public async Task Three_servers_two_keys_and_reject_the_fate_of_an_unsigned_message_depends_on_server_and_return_path(
        string which, int server, string returnPath, string spf, string dmarc, string disposition, bool wouldPass)
    {
        var shop = Shop();
        var other = $"newsletter-{Guid.NewGuid():N}.example";
        host.Dns.Txt(other, "v=spf1 ip4:198.51.100.0/24 -all");

        var report = await Ask(shop.Unsigned, $"198.51.100.{server}", $"bounce@{(returnPath == "shop" ? shop.Name : other)}");

        Assert.Equal((which, spf, dmarc, disposition, wouldPass), (which, Text(report.GetProperty("spf"), "result"), Text(report.GetProperty("dmarc"), "result"),
            Text(report.GetProperty("dmarc"), "disposition"), report.GetProperty("wouldPass").GetBoolean()));
        Assert.Equal("reject", Text(report.GetProperty("dmarc"), "policy"));
        Assert.Empty(report.GetProperty("dkim").EnumerateArray());
        var why = string.Join('\n', report.GetProperty("why").EnumerateArray().Select(reason => reason.GetString()));
        Assert.Contains("signature", why, StringComparison.OrdinalIgnoreCase);
        if (!wouldPass) Assert.Contains(returnPath == "shop" ? "198.51.100.9" : other, why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Either_key_of_a_rotation_verifies_from_any_server()
    {
        var shop = Shop();

        foreach (var selector in (string[])["ma1", "ma2"])
        {
            var report = await Ask(shop.Signed(selector), "203.0.113.200", "someone@forwarder.invalid");
            Assert.Equal(("pass", "pass", true), (Text(report.GetProperty("dkim")[0], "result"), Text(report.GetProperty("dmarc"), "result"), report.GetProperty("wouldPass").GetBoolean()));
        }
    }

    [Fact]
    public async Task A_changed_message_and_a_key_that_is_gone_are_told_apart()
    {
        var shop = Shop();
        var signed = shop.Signed();
        host.Dns.Remove($"ma2._domainkey.{shop.Name}", DnsType.Txt);

        var changed = (await Ask(signed.Replace("Hello", "Hallo", StringComparison.Ordinal), Servers[0], "")).GetProperty("dkim")[0];
        var gone = (await Ask(shop.Signed("ma2"), Servers[0], "")).GetProperty("dkim")[0];

        Assert.Equal(("fail", "the body hash does not match the body"), (Text(changed, "result"), Text(changed, "reason")));
        Assert.Equal(("permerror", "no key for signature"), (Text(gone, "result"), Text(gone, "reason")));
    }

    [Fact]
    public async Task A_DNS_that_does_not_answer_is_a_temperror_and_no_verdict()
    {
        var shop = Shop();
        host.Dns.Fail($"*.{shop.Name}", DnsFailure.ServFail).Fail(shop.Name, DnsFailure.ServFail);

        var report = await Ask(shop.Signed(), Servers[0], $"bounce@{shop.Name}");

        Assert.Equal(("temperror", "temperror", "temperror", "none"), (Text(report.GetProperty("spf"), "result"), Text(report.GetProperty("dkim")[0], "result"),
            Text(report.GetProperty("dmarc"), "result"), Text(report.GetProperty("dmarc"), "disposition")));
        Assert.False(report.GetProperty("wouldPass").GetBoolean());
    }

    [Theory]
    [InlineData("""{"clientIp":"198.51.100","message":""}""", "clientIp,message")]
    [InlineData("""{"clientIp":"nonsense","message":"x"}""", "clientIp")]
    [InlineData("""{}""", "clientIp,message")]
    public async Task All_that_is_wrong_with_a_question_is_told_at_once(string body, string fields)
    {
        var tenant = await host.AnyTenant();

        using var response = await tenant.Live.PostAsync("/diagnose/authentication", new StringContent(body, Encoding.UTF8, "application/json"));

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.Equal(fields, string.Join(',', Members(JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("errors"))));
    }

    [Fact]
    public async Task A_header_beyond_the_bound_is_refused_and_a_body_of_the_same_length_is_not()
    {
        var tenant = await host.AnyTenant();
        var text = string.Concat(Enumerable.Repeat("X-Filler: mail\r\n", 17_000));
        using var refused = await tenant.Live.PostAsJsonAsync("/diagnose/authentication", new { clientIp = "192.0.2.1", message = text + "\r\nHello" });
        using var taken = await tenant.Live.PostAsJsonAsync("/diagnose/authentication", new { clientIp = "192.0.2.1", message = "From: a@shop.example\r\n\r\n" + text });

        Assert.Equal((HttpStatusCode.UnprocessableEntity, HttpStatusCode.OK), (refused.StatusCode, taken.StatusCode));
        Assert.Contains("header", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\0\0\0")]
    [InlineData("no header at all")]
    [InlineData("From: a@x.example, b@y.example\r\nFrom: c@z.example\r\n\r\n")]
    [InlineData("DKIM-Signature: v=1; a=rsa-sha256; b=; bh=; d=x.example; s=s; h=from\r\nFrom: a@x.example\r\n\r\n")]
    [InlineData("ARC-Seal: i=999\r\nARC-Seal: i=1; cv=none\r\nFrom: <@>\r\n\r\n")]
    public async Task Whatever_the_message_is_there_is_an_answer(string message)
    {
        var report = await Ask(message, "2001:db8::1", "<>");

        Assert.False(report.GetProperty("wouldPass").GetBoolean());
        Assert.NotEmpty(report.GetProperty("why").EnumerateArray());
    }

    /// <summary>The shop of the question: three servers, two keys in rotation, reject.</summary>
    private Mailer Shop()
    {
        var shop = new Mailer($"shop-{Guid.NewGuid():N}.example");
        host.Dns.Txt(shop.Name, $"v=spf1 {string.Join(' ', Servers.Select(address => "ip4:" + address))} -all").Txt($"_dmarc.{shop.Name}", "v=DMARC1; p=reject");
        foreach (var (selector, key) in Mailer.Keys) host.Dns.Txt($"{selector}._domainkey.{shop.Name}", SigningKey.Record(key.ExportPublic()));
        return shop;
    }

    private async Task<JsonElement> Ask(string message, string clientIp, string mailFrom) => await TestHost.Json(
        await (await host.AnyTenant()).Live.PostAsJsonAsync("/diagnose/authentication", new { clientIp, helo = "mx.shop.example", mailFrom, message }));

    private static string? Text(JsonElement element, string member) => element.GetProperty(member).GetString();

    private static IEnumerable<string> Members(JsonElement element) => element.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal);

    private sealed record Mailer(string Name)
    {
        public static readonly Dictionary<string, SigningKey> Keys = new() { ["ma1"] = SigningKey.Generate(), ["ma2"] = SigningKey.Generate() };

        public string Unsigned => $"From: Shop <orders@{Name}>\r\nTo: ann@example.net\r\nSubject: Order 1001\r\nDate: Tue, 01 Dec 2026 09:00:00 +0000\r\nMessage-ID: <1@{Name}>\r\n\r\nHello\r\n";

        public string Signed(string selector = "ma1") =>
            Encoding.ASCII.GetString(new Signer(Name, selector, Keys[selector], TimeProvider.System).Sign(Encoding.ASCII.GetBytes(Unsigned))) + Unsigned;
    }
}
