using System.Text;
using MailApi.Mail.Authentication;
using MailApi.Mail.Tests.Dkim;
using MailApi.Testing;
using static MailApi.Mail.Authentication.AuthenticationResult;

namespace MailApi.Mail.Tests.Authentication;

public sealed class AuthenticatorTests : IAsyncDisposable
{
    private const string Body = "To: ann@example.net\r\nSubject: Order\r\n\r\nHello Ann.\r\n";
    private readonly DnsZone zone = DnsZone.Start();
    private readonly Receiver receiver;

    public AuthenticatorTests()
    {
        receiver = new Receiver(zone);
        zone.Txt("_dmarc.shop.example", "v=DMARC1; p=reject").Txt("_dmarc.xn--fsqu00a.example", "v=DMARC1; p=reject").Txt("m1._domainkey.shop.example", Handmade.Record);
    }

    /// <summary>From fields and the domain that DMARC judges (RFC 9989 §5.3.1); "-" for none, and the beginning of the conclusion.</summary>
    [Theory]
    [InlineData("From: a@shop.example", "shop.example")]
    [InlineData("From: Shop <a@SHOP.example>", "shop.example")]
    [InlineData("from:<a@shop.example>", "shop.example")]
    [InlineData("From : \"Evil <x@evil.example>\" <a@shop.example>", "shop.example")]
    [InlineData("From: x@evil.example <a@shop.example>", "shop.example")]
    [InlineData("From: (x@evil.example) a@shop.example (\\) (nested) , b@evil.example)", "shop.example")]
    [InlineData("From: a @ shop . example", "shop.example")]
    [InlineData("From: Shop\r\n <a@\r\n shop.example>", "shop.example")]
    [InlineData("From: \"a@evil.example\"@shop.example", "shop.example")]
    [InlineData("From: <@relay.example,@other.example:a@shop.example>", "shop.example")]
    [InlineData("From: a@shop.example.", "shop.example")]
    [InlineData("From: a@例子.example", "xn--fsqu00a.example")]
    [InlineData("From: 店 <a@xn--fsqu00a.example>", "xn--fsqu00a.example")]
    [InlineData("From: =?utf-8?q?a=40evil.example?= <a@shop.example>", "shop.example")]
    [InlineData("From: a@shop.example, b@shop.example", "shop.example")]
    [InlineData("From: Team: a@shop.example, B <b@shop.example>;", "shop.example")]
    [InlineData("Subject: none", "-", "it has no From field.")]
    [InlineData("From: a@shop.example\r\nFrom: b@evil.example", "-", "it has more than one From field")]
    [InlineData("From: a@shop.example, b@evil.example", "-", "its From field names addresses of different domains")]
    [InlineData("From: Team: a@shop.example, b@evil.example;", "-", "its From field names addresses of different domains")]
    [InlineData("From: undisclosed-recipients:;", "-", "its From field holds no address.")]
    [InlineData("From:", "-", "its From field holds no address.")]
    [InlineData("From: ,;,<>", "-", "its From field holds no address.")]
    [InlineData("From: shop", "-", "its From address has no domain")]
    [InlineData("From: a@", "-", "its From address has no domain")]
    [InlineData("From: a@localhost", "-", "its From address has no domain")]
    [InlineData("From: a@[192.0.2.1]", "-", "its From address has no domain")]
    [InlineData("From: a@shop_example", "-", "its From address has no domain")]
    [InlineData("From: a@shop..example", "-", "its From address has no domain")]
    [InlineData("From: a@shop.example, root", "-", "its From address has no domain")]
    [InlineData("From: a@sh\u200Bop.exa mple\u202E", "-", "its From address has no domain")]
    public async Task The_author_is_found_or_the_message_says_none(string fields, string domain, string? conclusion = null)
    {
        var report = await receiver.Receives($"{fields}\r\n{Body}", "a@shop.example", Receiver.Stranger);
        Assert.Equal(domain == "-" ? ("", None) : (domain, Fail), (report.Dmarc.Domain, report.Dmarc.Result));
        Assert.False(report.WouldPass);
        if (conclusion is not null) Assert.StartsWith("A receiver cannot tell who wrote this message, and will probably refuse it: " + conclusion, report.Why[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_without_a_single_author_fails_whatever_SPF_says() =>
        Assert.False((await receiver.Receives($"From: a@shop.example, b@evil.example\r\n{Body}", "a@shop.example")).WouldPass);

    [Theory]
    [InlineData(Receiver.Server, true, "No DMARC policy applies to free.example, and the message is authenticated without one.")]
    [InlineData(Receiver.Stranger, false, "No DMARC policy applies to free.example, and neither SPF nor DKIM speaks for the message: large receivers refuse such mail or take it for spam.")]
    public async Task Without_a_policy_something_must_still_speak_for_it(string from, bool passes, string conclusion)
    {
        var report = await receiver.Receives($"From: a@free.example\r\n{Body}", "a@free.example", from);
        Assert.Equal((passes, None, conclusion), (report.WouldPass, report.Dmarc.Result, report.Why[0]));
        Assert.StartsWith("DMARC (none): there is no record at _dmarc.free.example or above it.", report.Why[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_its_owner_should_mend_is_said_even_where_it_passes()
    {
        zone.Txt("_dmarc.old.example", "v=DMARC1; p=quarantine; pct=50; t=y").Txt("_dmarc.two.example", "v=DMARC1; p=none").Txt("_dmarc.two.example", "v=DMARC1; p=reject")
            .Txt("t._domainkey.old.example", "v=DKIM1; t=y; " + Handmade.Record["v=DKIM1; ".Length..]).Txt("t._domainkey.old.example", "v=spf1 -all");
        var message = Handmade.Sign("v=1; a=rsa-sha256; c=relaxed/relaxed; h=from; d=old.example; s=t; l=5", $"From: a@old.example, b@old.example\r\n{Body}", 5);
        var old = await receiver.Receives(message, "a@old.example");
        Assert.True(old.WouldPass);
        Assert.Contains("DMARC: the record at _dmarc.old.example has pct=, which no longer means anything (RFC 9989). Correct that.", old.Why);
        Assert.Contains(old.Why, why => why.StartsWith("DMARC: the record at _dmarc.old.example says that its policy is a test (t=y)", StringComparison.Ordinal));
        Assert.Contains("From names 2 addresses of old.example; some receivers refuse more than one. Name one, and the others in Cc.", old.Why);
        Assert.Contains(old.Why, why => why.Contains("The key is published as a test (t=y)", StringComparison.Ordinal)
            && why.Contains("leaves the last 7 octets of the text unsigned (l=)", StringComparison.Ordinal) && why.Contains("2 TXT records stand at its selector", StringComparison.Ordinal));
        var two = await receiver.Receives($"From: a@two.example\r\n{Body}", "a@two.example");
        Assert.Contains("DMARC: several DMARC records stand at _dmarc.two.example, and receivers ignore them all. Leave one.", two.Why);
    }

    [Theory]
    [InlineData("Hello Ann", "Hello Bob", Fail, "The text was changed after it was signed")]
    [InlineData("Subject: Order", "Subject: Odder", Fail, "A signed header field was changed on the way")]
    [InlineData("v=1;", "v=2;", Neutral, "Correct the program that signs.")]
    [InlineData("a=rsa-sha256", "a=rsa-sha1", PermError, "Sign with rsa-sha256 and a key of 2,048 bits.")]
    [InlineData("s=m1", "s=slow", TempError, "Try again later")]
    public async Task Each_fault_of_a_signature_has_its_cure(string from, string to, AuthenticationResult result, string cure)
    {
        zone.Fail("slow._domainkey.shop.example", DnsFailure.ServFail);
        var message = Handmade.Sign("v=1; a=rsa-sha256; c=relaxed/relaxed; d=shop.example; s=m1; h=from:to:subject", $"From: a@shop.example\r\n{Body}");
        var report = await receiver.Receives(message.Replace(from, to, StringComparison.Ordinal), "a@evil.example", Receiver.Stranger);
        Assert.Equal(result, Assert.Single(report.Dkim).Result);
        Assert.Contains(report.Why, why => why.StartsWith($"DKIM ({result.Word()}): the signature of shop.example", StringComparison.Ordinal) && why.Contains(cure, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(None, "Publish a TXT record at shop.example that begins with v=spf1 and names the servers that send for it.")]
    [InlineData(PermError, "Correct the SPF record of shop.example: as it stands, receivers do not use it.")]
    [InlineData(TempError, "Try again later; if it lasts, ask whoever runs the name servers.")]
    public async Task Each_fault_of_SPF_has_its_cure(AuthenticationResult result, string cure)
    {
        receiver.Otherwise = result;
        var report = await receiver.Receives($"From: a@shop.example\r\n{Body}", "a@shop.example", Receiver.Stranger);
        Assert.Equal((result == TempError ? TempError : Fail, cure), (report.Dmarc.Result, report.Why[2]));
    }

    /// <summary>Random octets, and a message with pieces of header put in at random: every one gets a verdict.</summary>
    [Trait("Takes", "seconds")]
    [Fact]
    public async Task Hostile_messages_are_answered()
    {
        var random = new Random(8617);
        string[] pieces = ["\r\n", "\n", "\r", ":", ";", "=", ",", "<", ">", "(", ")", "\"", "\\", "@", "\0", "é", "From:", "DKIM-Signature: v=1; b=", "ARC-Seal: i=1; b=", "i=51;", "ARC-Authentication-Results: i=", "b=", " ", "\t"];
        for (var i = 0; i < 400; i++)
        {
            var message = Handmade.Seal($"From: a@shop.example\r\n{Body}", 1, "none");
            for (var n = random.Next(12); n >= 0; n--) message = message.Insert(random.Next(message.Length), pieces[random.Next(pieces.Length)]);
            var report = await receiver.Receives(message, pieces[random.Next(pieces.Length)]);
            Assert.NotEmpty(report.Why);
            Assert.All(report.Why, why => Assert.DoesNotContain(why, char.IsControl));
        }
    }

    [Fact]
    public async Task A_flood_of_everything_is_bounded()
    {
        var message = new StringBuilder();
        for (var i = 0; i < 20_000; i++) message.Append("DKIM-Signature: v=1; a=rsa-sha256; d=a").Append(i).Append(".example; s=s; h=from; bh=; b=\r\n");
        var report = await receiver.Receives($"From: {string.Join(',', Enumerable.Range(0, 50_000).Select(i => $"a@d{i}.example"))}\r\n{message}{Body}", "a@shop.example");
        Assert.True(zone.Questions.Count < 50, $"{zone.Questions.Count} questions");
        Assert.True(report.Why.Count < 30);
    }

    public ValueTask DisposeAsync() => zone.DisposeAsync();
}
