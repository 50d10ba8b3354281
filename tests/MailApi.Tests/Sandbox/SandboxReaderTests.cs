using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MailApi.Api;
using MailApi.Mail.Authentication;
using MailApi.Mail.Composition;
using MailApi.Mail.Dkim;
using MailApi.Sandbox;

namespace MailApi.Tests.Sandbox;

public sealed class SandboxReaderTests
{
    private static readonly byte[] Pdf = [0x25, 0x50, 0x44, 0x46, 0, 1, 2, 255];

    [Fact]
    public void A_composed_message_is_shown_as_it_was_meant()
    {
        var raw = Composer.Compose(new Draft
        {
            MessageId = "1@mail.shop.example",
            Date = new DateTimeOffset(2026, 12, 1, 9, 0, 0, TimeSpan.Zero),
            From = Read("\"Grüße, Ann\" <orders@mail.shop.example>"),
            To = [Read("Bob Builder <bob@example.net>"), Read("carol@example.net")],
            Cc = [Read("dave@example.net")],
            ReplyTo = [Read("help@shop.example")],
            Subject = "Bestellung 1001 · unterwegs",
            Text = "Guten Tag\r\n",
            Html = "<p>Guten Tag</p>",
            Headers = new Dictionary<string, string> { ["X-Order"] = "1001" },
            Attachments = [new Attachment("Rechnung ü.pdf", "application/pdf", Pdf, null), new Attachment("logo.png", "image/png", [1, 2, 3], "logo")],
        });
        var json = Show(raw);

        Assert.Equal("\"Grüße, Ann\" <orders@mail.shop.example>", json.GetProperty("from").GetString());
        Assert.Equal(["Bob Builder <bob@example.net>", "carol@example.net"], Texts(json, "to"));
        Assert.Equal(["dave@example.net"], Texts(json, "cc"));
        Assert.Equal(["help@shop.example"], Texts(json, "replyTo"));
        Assert.Equal("Bestellung 1001 · unterwegs", json.GetProperty("subject").GetString());
        Assert.Equal("2026-12-01T09:00:00+00:00", json.GetProperty("date").GetString());
        Assert.Equal("Guten Tag", json.GetProperty("text").GetString()!.Trim());
        Assert.Equal("<p>Guten Tag</p>", json.GetProperty("html").GetString()!.Trim());
        var headers = json.GetProperty("headers").EnumerateArray().Select(header => (Name: header.GetProperty("name").GetString(), Value: header.GetProperty("value").GetString())).ToList();
        Assert.Equal(["From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "X-Order", "MIME-Version", "Content-Type"], headers.Select(header => header.Name));
        Assert.Contains(("Subject", "Bestellung 1001 · unterwegs"), headers);
        Assert.Equal(Encoding.UTF8.GetString(raw), json.GetProperty("raw").GetString());
        Assert.Equal(raw.Length, json.GetProperty("size").GetInt32());

        var attachments = json.GetProperty("attachments").EnumerateArray().ToDictionary(attachment => attachment.GetProperty("contentType").GetString()!);
        Assert.Equal(["application/pdf", "image/png"], attachments.Keys.Order());
        var pdf = attachments["application/pdf"];
        Assert.Equal(("Rechnung ü.pdf", Pdf.Length), (pdf.GetProperty("filename").GetString(), pdf.GetProperty("size").GetInt32()));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Pdf)), pdf.GetProperty("sha256").GetString());
        Assert.False(pdf.TryGetProperty("contentId", out _));
        Assert.Equal("logo", attachments["image/png"].GetProperty("contentId").GetString());
    }

    [Fact]
    public void A_summary_needs_only_the_beginning_of_a_message()
    {
        var raw = Encoding.UTF8.GetBytes($"From: Ann <ann@example.net>\r\nSubject: Hi\r\nX-Long: {new string('x', 500)}\r\n\r\nBody\r\n");
        for (var length = "From: Ann <ann@example.net>\r\nSubject: Hi\r\n".Length; length <= raw.Length; length++)
        {
            var summary = SandboxReader.Summary(Row(raw[..length]) with { Size = raw.Length });
            Assert.Equal(("Ann <ann@example.net>", "Hi", raw.Length), (summary.From, summary.Subject, summary.Size));
        }
    }

    [Fact]
    public void A_message_inside_a_message_is_an_attachment()
    {
        var json = Show(Encoding.ASCII.GetBytes(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee below\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n--b--\r\n"));
        Assert.Equal("message/rfc822", Assert.Single(json.GetProperty("attachments").EnumerateArray()).GetProperty("contentType").GetString());
        Assert.Equal("See below", json.GetProperty("text").GetString()!.Trim());
    }

    [Theory]
    [InlineData("")]
    [InlineData("\r\n")]
    [InlineData("no header at all")]
    [InlineData("no header at all\r\n\r\n")]
    [InlineData("\0\u00FF\u00FE\r\n:\r\n")]
    [InlineData("From: \r\nDate: never\r\nSubject\r\n\r\n")]
    [InlineData("Content-Type: multipart/mixed\r\n\r\n--\r\n")]
    public void Whatever_came_can_be_shown(string raw)
    {
        var json = Show(Encoding.Latin1.GetBytes(raw));
        Assert.Equal("", json.GetProperty("from").GetString());
        Assert.Equal("", json.GetProperty("subject").GetString());
        Assert.False(json.TryGetProperty("date", out _));
        Assert.Equal(raw.Length, json.GetProperty("size").GetInt32());
    }

    [Theory]
    [InlineData("parts in parts", 5_000)]
    [InlineData("parts", 100_000)]
    [InlineData("fields of a part", 1_000_000)]
    [InlineData("fields", 1_000_000)]
    public void What_goes_beyond_what_mail_has_is_shown_without_being_taken_apart(string what, int count)
    {
        const string Multipart = "Subject: Hi\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n";
        var raw = Encoding.ASCII.GetBytes(what switch
        {
            "parts in parts" => "Subject: Hi\r\n" + string.Concat(Enumerable.Range(0, count).Select(depth => $"Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n")),
            "parts" => Multipart + string.Concat(Enumerable.Repeat("\r\nx\r\n--b\r\n", count)),
            "fields of a part" => Multipart + string.Concat(Enumerable.Repeat("a:\r\n", count)),
            _ => "Subject: Hi\r\n" + string.Concat(Enumerable.Repeat("a:\r\n", count)),
        });
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var message = SandboxReader.Message(Row(raw), []);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;

        Assert.Equal(("Hi", "", raw.Length), (message.Subject, message.Text ?? "", message.Raw.Length));
        Assert.Empty(message.Attachments);
        Assert.InRange(allocated, 0, (160 << 20) + (2 * raw.Length));
    }

    private static Mailbox Read(string text) => Mailbox.TryParse(text, out var mailbox) ? mailbox : throw new ArgumentException(text);

    private static SandboxRow Row(byte[] raw) => new(
        PrefixedId.New<SandboxMessageId>(), PrefixedId.New<MessageId>(), PrefixedId.New<EnvelopeId>(), "tag@bounces.mail.shop.example", "bob@example.net", DateTimeOffset.UnixEpoch, raw.Length, raw);

    private static JsonElement Show(byte[] raw) =>
        JsonSerializer.SerializeToElement(SandboxReader.Message(Row(raw), [new SignatureVerdict("mail.shop.example", "s1", "rsa-sha256", AuthenticationResult.Pass, null)]), SandboxJson.Default.SandboxMessage);

    private static IEnumerable<string?> Texts(JsonElement json, string name) => json.GetProperty(name).EnumerateArray().Select(text => text.GetString());
}
