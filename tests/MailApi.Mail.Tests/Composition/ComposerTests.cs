using System.Text;
using MailApi.Mail.Composition;
using MimeKit;
using Xunit;
using static MailApi.Mail.Tests.Composition.Drafts;

namespace MailApi.Mail.Tests.Composition;

public class ComposerTests
{
    [Fact]
    public void A_plain_message_is_these_octets() => Assert.Equal(
        """
        From: Example Shop <orders@mail.shop.example>
        To: Ann <ann@example.net>
        Subject: Order 1001 is on its way
        Date: Fri, 20 Nov 2026 09:30:00 +0000
        Message-ID: <0198c0de@mail.shop.example>
        MIME-Version: 1.0
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: quoted-printable

        Hello Ann.

        """.ReplaceLineEndings("\r\n"), Encoding.ASCII.GetString(Composer.Compose(Plain)));

    [Theory]
    [InlineData("bounces.mail.shop.example", "CFBL-Address: feedback@bounces.mail.shop.example; report=arf")]
    [InlineData("bounces.orders-and-deliveries.mail.shop.example", "CFBL-Address: feedback@bounces.orders-and-deliveries.mail.shop.example;\r\n report=arf")]
    public void A_message_tells_where_complaints_go_and_how_they_name_it(string host, string address)
    {
        const string id = "ahwicm4fkvyhdokyl4jzkd7kf7q3gkzc4uxnmwoafrd2hjt5eabc";
        var octets = Composer.Compose(Plain with { FeedbackLoop = new FeedbackLoop("feedback@" + host, id) });
        Assert.Contains($"\r\n{address}\r\nCFBL-Feedback-ID: {id}\r\n", Encoding.ASCII.GetString(octets), StringComparison.Ordinal);
        Wire.AssertClean(octets);
    }

    [Fact]
    public void Random_drafts_come_out_clean_and_are_read_as_they_were_meant()
    {
        foreach (var draft in Drafts.Random(300))
        {
            var octets = Composer.Compose(draft);
            Wire.AssertClean(octets);
            AssertSame(draft, Wire.Read(octets));
        }
    }

    internal static void AssertSame(Draft draft, MimeMessage read)
    {
        foreach (var name in new[] { "From", "Date", "Message-ID", "MIME-Version", "Subject", "Content-Type", "To" })
        {
            var expected = name == "To" && draft.To.Count == 0 && draft.Cc.Count > 0 ? 0 : 1;
            Assert.Equal(expected, read.Headers.Concat(read.Body!.Headers).Count(header => header.Field.Equals(name, StringComparison.OrdinalIgnoreCase)));
        }
        AssertMailboxes([draft.From], read.From);
        AssertMailboxes(draft.To, read.To);
        AssertMailboxes(draft.Cc, read.Cc);
        AssertMailboxes(draft.ReplyTo, read.ReplyTo);
        Assert.Equal(draft.Subject, read.Subject);
        Assert.Equal(draft.Date, read.Date);
        Assert.Equal(draft.MessageId, read.MessageId);
        foreach (var (name, value) in draft.Headers) Assert.Equal(value, read.Headers[name]);
        Assert.Equal(draft.Text is null ? null : Wire.WithCrLf(draft.Text), Wire.Content(read, "plain"));
        Assert.Equal(draft.Html is null ? null : Wire.WithCrLf(draft.Html), Wire.Content(read, "html"));

        var files = read.BodyParts.OfType<MimePart>().Where(part => part.ContentDisposition is not null)
            .OrderBy(part => part.FileName).ThenBy(part => Convert.ToHexString(Wire.Decoded(part))).ToArray();
        var expectedFiles = draft.Attachments.OrderBy(file => file.FileName).ThenBy(file => Convert.ToHexString(file.Content)).ToArray();
        Assert.Equal(expectedFiles.Select(file => (file.FileName, file.ContentId, Convert.ToHexString(file.Content))),
            files.Select(part => (part.FileName!, part.ContentId, Convert.ToHexString(Wire.Decoded(part)))));
    }

    private static void AssertMailboxes(IReadOnlyList<Mailbox> expected, InternetAddressList read) =>
        Assert.Equal(expected.Select(mailbox => (mailbox.DisplayName ?? "", mailbox.Address.ToString())),
            read.Mailboxes.Select(mailbox => (mailbox.Name ?? "", mailbox.GetAddress(idnEncode: true))));

    [Theory]
    [InlineData("您的订单已发货")]
    [InlineData("Grüße aus Köln")]
    [InlineData("=?utf-8?B?QQ==?=")]
    [InlineData("a  b   c")]
    [InlineData("a                    b")]
    [InlineData("")]
    [InlineData("🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀")]
    public void A_subject_arrives_as_it_was(string subject)
    {
        var octets = Composer.Compose(Plain with { Subject = subject });
        Wire.AssertClean(octets);
        Assert.Equal(subject, Wire.Read(octets).Subject ?? "");
    }

    [Fact]
    public void A_word_that_no_line_can_hold_is_split_into_encoded_words()
    {
        var word = new string('x', 3900);
        var octets = Composer.Compose(Plain with { Subject = word, Headers = new Dictionary<string, string> { ["X-Long"] = word } });
        Wire.AssertClean(octets);
        Assert.Equal(word, Wire.Read(octets).Subject);
        Assert.Equal(word, Wire.Read(octets).Headers["X-Long"]);
    }

    [Fact]
    public void A_word_that_ends_with_a_colon_is_followed_by_a_fold_like_any_other()
    {
        Mailbox[] to = [Read("carol@example.net"), Read($"\"Re: {new string('w', 200)}\" <ann@example.net>")];
        var octets = Composer.Compose(Plain with { To = to, Subject = $"Re: {new string('s', 200)}" });
        Wire.AssertClean(octets);
        AssertMailboxes(to, Wire.Read(octets).To);
    }

    [Fact]
    public void A_long_unsubscribe_address_is_left_whole()
    {
        var value = $"<https://track.shop.example/u/{new string('t', 700)}>, <mailto:u@shop.example?subject=unsubscribe>";
        var octets = Composer.Compose(Plain with { Headers = new Dictionary<string, string> { ["List-Unsubscribe"] = value, ["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click" } });
        Wire.AssertClean(octets);
        Assert.Equal($"List-Unsubscribe: {value}", Assert.Single(Wire.Fields(octets, "List-Unsubscribe")));
    }

    [Fact]
    public void A_thousand_recipients_fit()
    {
        var to = Enumerable.Range(0, 1000).Select(i => Read($"收件人 {i} <recipient{i}@example.net>")).ToArray();
        var octets = Composer.Compose(Plain with { To = to });
        Wire.AssertClean(octets);
        AssertMailboxes(to, Wire.Read(octets).To);
    }

    [Fact]
    public void Blind_copies_alone_go_to_undisclosed_recipients() =>
        Assert.Equal(["To: undisclosed-recipients:;"], Wire.Fields(Composer.Compose(Plain with { To = [] }), "To"));

    [Theory]
    [InlineData("您的订单已发货，感谢您的购买。\n", ContentEncoding.Base64)]
    [InlineData("Viele Grüße aus Köln, und bis bald\n", ContentEncoding.QuotedPrintable)]
    [InlineData("Plain\n", ContentEncoding.QuotedPrintable)]
    public void The_shorter_encoding_is_taken(string text, ContentEncoding expected)
    {
        var octets = Composer.Compose(Plain with { Text = text });
        Assert.Equal(expected, ((MimePart)Wire.Read(octets).Body!).ContentTransferEncoding);
        Assert.All(Encoding.ASCII.GetString(octets).Split("\r\n"), line => Assert.True(line.Length <= 78));
    }

    [Fact]
    public void Inline_images_are_related_to_the_html_and_files_are_mixed_around()
    {
        var message = Wire.Read(Composer.Compose(Plain with
        {
            Html = "<img src=\"cid:logo\">",
            Attachments = [new("logo.png", "image/png", [1, 2, 3], "logo"), new("发票.pdf", "application/pdf", [4, 5], null)],
        }));

        var mixed = Assert.IsType<Multipart>(message.Body);
        var alternative = Assert.IsType<MultipartAlternative>(mixed[0]);
        Assert.True(alternative[0].ContentType.IsMimeType("text", "plain"));
        var related = Assert.IsType<MultipartRelated>(alternative[1]);
        Assert.True(related.Root!.ContentType.IsMimeType("text", "html"));
        var image = Assert.IsType<MimePart>(related[1]);
        Assert.Equal(("logo", "inline", "logo.png", "image/png"), (image.ContentId, image.ContentDisposition?.Disposition, image.FileName, image.ContentType.MimeType));
        var file = Assert.IsType<MimePart>(mixed[1]);
        Assert.Equal(("发票.pdf", "attachment", "application/pdf"), (file.FileName, file.ContentDisposition?.Disposition, file.ContentType.MimeType));
        Assert.Equal(ContentEncoding.Base64, file.ContentTransferEncoding);
    }

    [Fact]
    public void A_file_name_beyond_ASCII_is_written_after_RFC_2231()
    {
        var octets = Composer.Compose(Plain with { Attachments = [new("发票 2026年11月 最终版本 给财务部门.pdf", "application/pdf", [1], null)] });
        Wire.AssertClean(octets);
        Assert.Contains("filename*0*=utf-8''%E5%8F%91", Encoding.ASCII.GetString(octets), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_html_a_content_id_makes_no_inline_image() =>
        Assert.IsType<Multipart>(Wire.Read(Composer.Compose(Plain with { Attachments = [new("a.png", "image/png", [1], "a")] })).Body);

    [Fact]
    public void The_same_file_twice_is_two_attachments()
    {
        var file = new Attachment("a.pdf", "application/pdf", [1], null);
        Assert.Equal(2, Wire.Read(Composer.Compose(Plain with { Attachments = [file, file] })).Attachments.Count());
    }

    [Theory]
    [InlineData("message/rfc822")]
    [InlineData("Message/Delivery-Status")]
    [InlineData("multipart/mixed; boundary=x")]
    [InlineData("multipart/signed")]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("text/plain\r\nX-Evil: 1")]
    [InlineData("text/plain; name=\"a\r\nX-Evil: 1\"")]
    public void A_type_that_would_nest_or_is_none_becomes_octets(string type)
    {
        var octets = Composer.Compose(Plain with { Attachments = [new("a.eml", type, "Subject: x\n\n.\n"u8.ToArray(), null)] });
        Wire.AssertClean(octets);
        var file = Assert.IsType<MimePart>(Assert.Single(Wire.Read(octets).Attachments));
        Assert.Equal("application/octet-stream", file.ContentType.MimeType);
        Assert.DoesNotContain("X-Evil", Encoding.ASCII.GetString(octets), StringComparison.Ordinal);
    }

    [Fact]
    public void A_type_keeps_its_parameters()
    {
        var octets = Composer.Compose(Plain with { Attachments = [new("a.ics", "text/calendar; method=REQUEST; charset=utf-8", [1], null)] });
        var type = Assert.Single(Wire.Read(octets).Attachments).ContentType;
        Assert.Equal(("text/calendar", "REQUEST", "utf-8"), (type.MimeType, type.Parameters["method"], type.Charset));
    }

    [Fact]
    public void Only_an_address_that_needs_SMTPUTF8_makes_the_header_8_bit()
    {
        var draft = Plain with { To = [Read("小明 <小明@例子.中国>")], Subject = "您的订单", Text = "您好", Attachments = [new("发票.pdf", "application/pdf", [1], null)] };
        Assert.True(Composer.NeedsSmtpUtf8(draft));
        var octets = Composer.Compose(draft);
        Wire.AssertClean(octets, mayHold8Bit: true);
        Assert.Equal(["To: 小明 <小明@xn--fsqu00a.xn--fiqs8s>"], Wire.Fields(octets, "To"));
        Assert.Equal(["Subject: 您的订单"], Wire.Fields(octets, "Subject"));
        var text = Encoding.Latin1.GetString(octets);
        Assert.True(Ascii.IsValid(text.AsSpan(text.IndexOf("\r\n\r\n", StringComparison.Ordinal))));
        Assert.Equal("您的订单", Wire.Read(octets).Subject);

        Assert.False(Composer.NeedsSmtpUtf8(draft with { To = [Read("小明 <a@例子.中国>")] }));
        Assert.True(Composer.NeedsSmtpUtf8(Plain with { From = Read("小明@example.net") }));
        Assert.True(Composer.NeedsSmtpUtf8(Plain with { Cc = [Read("小明@example.net")] }));
        Assert.True(Composer.NeedsSmtpUtf8(Plain with { ReplyTo = [Read("小明@example.net")] }));
    }

    [Fact]
    public void An_8_bit_header_keeps_its_lines_within_998_octets()
    {
        var octets = Composer.Compose(Plain with { To = [Read("小明@example.net")], Subject = new string('中', 2000) });
        Wire.AssertClean(octets, mayHold8Bit: true);
        Assert.Equal(new string('中', 2000), Wire.Read(octets).Subject);
    }

    [Fact]
    public void Neither_text_nor_html_is_no_message() => Assert.Throws<ArgumentException>(() => Composer.Compose(Plain with { Text = null }));
}
