using System.Security.Cryptography;
using System.Text;
using MailApi.Mail.Composition;
using MailApi.Mail.Dkim;
using MailApi.Mail.Tests.Composition;
using Xunit;
using static MailApi.Mail.Authentication.AuthenticationResult;
using static MailApi.Mail.Tests.Composition.Drafts;

namespace MailApi.Mail.Tests.Dkim;

public class SignerTests
{
    [Fact]
    [Trait("Takes", "seconds")]
    public async Task Random_messages_verify_here_and_in_MimeKit()
    {
        foreach (var draft in Drafts.Random(60))
        {
            var message = Signed.Sign(draft);
            Wire.AssertClean(message);
            var verdict = await Signed.Verdict(message);
            Assert.Equal((Signed.Domain, Signed.Selector, "rsa-sha256", Pass, null), (verdict.Domain, verdict.Selector, verdict.Algorithm, verdict.Result, verdict.Reason));
            Assert.True(Signed.MimeKitAccepts(message));
        }
    }

    [Fact]
    public async Task An_8_bit_header_is_signed_too()
    {
        var message = Signed.Sign(Plain with { To = [Read("小明 <小明@例子.中国>")], Subject = "您的订单 已发货" });
        Assert.Equal(Pass, (await Signed.Verdict(message)).Result);
    }

    [Fact]
    public void The_field_says_what_it_must_and_no_more()
    {
        var field = Encoding.ASCII.GetString(new Signer("mail.shop.example", "m1", Signed.Key, FixedTime.Now).Sign(Composer.Compose(Plain)));
        Assert.EndsWith("\r\n", field, StringComparison.Ordinal);
        Assert.All(field.Split("\r\n"), line => Assert.True(line.Length <= 78, line));
        var tags = field["DKIM-Signature:".Length..].ReplaceLineEndings("").Split(';')
            .Select(tag => tag.Trim().Split('=', 2)).ToDictionary(tag => tag[0], tag => tag[1].Replace("\t", "", StringComparison.Ordinal));
        Assert.Equal(["a", "b", "bh", "c", "d", "h", "s", "t", "v", "x"], tags.Keys.Order());
        Assert.Equal(("1", "rsa-sha256", "relaxed/relaxed", "mail.shop.example", "m1"), (tags["v"], tags["a"], tags["c"], tags["d"], tags["s"]));
        var now = FixedTime.Now.GetUtcNow().ToUnixTimeSeconds();
        Assert.Equal((now, now + 14 * 86400), (long.Parse(tags["t"]), long.Parse(tags["x"])));
        Assert.Equal(
            "From:From:To:To:Cc:Subject:Subject:Date:Date:Reply-To:Message-ID:Message-ID:MIME-Version:MIME-Version:Content-Type:Content-Type:"
            + "Content-Transfer-Encoding:Content-Transfer-Encoding:List-Unsubscribe:List-Unsubscribe-Post:CFBL-Address:CFBL-Feedback-ID", tags["h"]);
    }

    [Theory]
    [InlineData("From: x@evil.example")]
    [InlineData("To: x@evil.example")]
    [InlineData("Cc: x@evil.example")]
    [InlineData("Subject: another")]
    [InlineData("Date: Fri, 20 Nov 2026 10:30:00 +0000")]
    [InlineData("Reply-To: x@evil.example")]
    [InlineData("Message-ID: <2@evil.example>")]
    [InlineData("MIME-Version: 1.0")]
    [InlineData("Content-Type: text/html")]
    [InlineData("Content-Transfer-Encoding: 7bit")]
    [InlineData("List-Unsubscribe: <https://evil.example>")]
    [InlineData("List-Unsubscribe-Post: List-Unsubscribe=One-Click")]
    [InlineData("CFBL-Address: x@evil.example; report=arf")]
    [InlineData("CFBL-Feedback-ID: 1")]
    public async Task A_field_added_in_front_or_behind_breaks_the_signature(string field)
    {
        var message = Encoding.ASCII.GetString(Signed.Sign(Plain));
        var end = message.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        foreach (var altered in new[] { $"{field}\r\n{message}", $"{message[..end]}\r\n{field}{message[end..]}" })
        {
            Assert.Equal(Fail, (await Signed.Verdict(Encoding.ASCII.GetBytes(altered))).Result);
            Assert.False(Signed.MimeKitAccepts(Encoding.ASCII.GetBytes(altered)));
        }
    }

    [Theory]
    [InlineData("Subject: Order 1001", "Subject: Order 1002", "the signature does not match the header")]
    [InlineData("Reply-To: <support@shop.example>\r\n", "", "the signature does not match the header")]
    [InlineData("\r\nFeedback-ID: 1", "\r\nFeedback-ID: 2", "the signature does not match the header")]
    [InlineData("feedback@bounces.", "feedback@other.", "the signature does not match the header")]
    [InlineData("CFBL-Feedback-ID: 1001", "CFBL-Feedback-ID: 1002", "the signature does not match the header")]
    [InlineData("Hello Ann.", "Hello Bo.", "the body hash does not match the body")]
    [InlineData("Hello Ann.", "Hello Ann.\r\nmore", "the body hash does not match the body")]
    public async Task A_change_breaks_the_signature(string from, string to, string reason)
    {
        var message = Encoding.ASCII.GetString(Signed.Sign(Plain with
        {
            ReplyTo = [Read("support@shop.example")],
            Headers = new Dictionary<string, string> { ["Feedback-ID"] = "1" },
            FeedbackLoop = new FeedbackLoop("feedback@bounces.mail.shop.example", "1001"),
        })).Replace("Reply-To: support@", "Reply-To: <support@", StringComparison.Ordinal);
        from = from.Replace("<support@shop.example>", "<support@shop.example", StringComparison.Ordinal);
        Assert.Contains(from, message, StringComparison.Ordinal);
        var verdict = await Signed.Verdict(Encoding.ASCII.GetBytes(message.Replace(from, to, StringComparison.Ordinal)));
        Assert.Equal((Fail, reason), (verdict.Result, verdict.Reason));
    }

    [Fact]
    public async Task A_signature_expires_after_its_validity()
    {
        var message = Signed.Sign(Plain);
        Assert.Equal(Pass, (await Signed.Verdict(message, FixedTime.Now.Later(Signer.Validity))).Result);
        Assert.Equal(Fail, (await Signed.Verdict(message, FixedTime.Now.Later(Signer.Validity + TimeSpan.FromSeconds(1)))).Result);
    }

    [Fact]
    public async Task Many_sign_with_one_key_at_once()
    {
        var verdicts = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(() => Signed.Verdict(Signed.Sign(Plain with { Subject = $"{i}" })))));
        Assert.All(verdicts, verdict => Assert.Equal(Pass, verdict.Result));
    }

    [Fact]
    public async Task An_exported_key_signs_as_before()
    {
        using var again = SigningKey.Import(Signed.Key.ExportPrivate());
        Assert.Equal(Signed.Key.ExportPublic(), again.ExportPublic());
        var message = Composer.Compose(Plain);
        Assert.Equal(Pass, (await Signed.Verdict([.. new Signer(Signed.Domain, Signed.Selector, again, FixedTime.Now).Sign(message), .. message])).Result);
    }

    [Fact]
    public void A_short_key_or_none_is_refused()
    {
        using var weak = RSA.Create(1024);
        Assert.Throws<CryptographicException>(() => SigningKey.Import(weak.ExportPkcs8PrivateKey()));
        Assert.ThrowsAny<CryptographicException>(() => SigningKey.Import([1, 2, 3]));
    }
}
