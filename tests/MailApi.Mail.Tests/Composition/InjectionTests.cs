using System.Text;
using MailApi.Mail.Composition;
using Xunit;
using static MailApi.Mail.Tests.Composition.Drafts;

namespace MailApi.Mail.Tests.Composition;

/// <summary>Every payload against every field that ends in a header: the rules refuse it, and if nobody asked them, the composer does.</summary>
public class InjectionTests
{
    private static readonly string[] Payloads =
    [
        "x\r\nBcc: victim@example.net", "x\nBcc: victim@example.net", "x\rBcc: victim@example.net", "\r\n\r\nbody", "x\r\n .\r\n", "x\0y", "x\u0085Bcc: y",
        "x\u2028Bcc: y", "x\u2029Bcc: y", "x\ty", "x\u000By", "x\u007F",
    ];

    private static readonly Dictionary<string, Func<string, Draft>> Fields = new()
    {
        ["subject"] = payload => Plain with { Subject = payload },
        ["from name"] = payload => Plain with { From = Plain.From with { DisplayName = payload } },
        ["to name"] = payload => Plain with { To = [new Mailbox(payload, Plain.From.Address)] },
        ["cc name"] = payload => Plain with { Cc = [new Mailbox(payload, Plain.From.Address)] },
        ["reply-to name"] = payload => Plain with { ReplyTo = [new Mailbox(payload, Plain.From.Address)] },
        ["header value"] = payload => Plain with { Headers = new Dictionary<string, string> { ["X-Order"] = payload } },
        ["header name"] = payload => Plain with { Headers = new Dictionary<string, string> { [payload] = "1" } },
        ["message id"] = payload => Plain with { MessageId = payload },
        ["content id"] = payload => Plain with { Html = "x", Attachments = [new("a.png", "image/png", [1], payload)] },
    };

    public static TheoryData<string, string> Matrix => [.. Fields.Keys.SelectMany(_ => Payloads, (name, payload) => (name, payload))];

    [Theory]
    [MemberData(nameof(Matrix))]
    public void No_payload_gets_into_a_header(string field, string payload)
    {
        Assert.NotNull(field switch
        {
            "header name" => HeaderRules.NameError(payload),
            "content id" => HeaderRules.ContentIdError(payload),
            _ => HeaderRules.ValueError(payload),
        });
        Assert.Throws<ArgumentException>(() => Composer.Compose(Fields[field](payload)));
    }

    [Theory]
    [InlineData("Subject")]
    [InlineData("from")]
    [InlineData("BCC")]
    [InlineData("DKIM-Signature")]
    [InlineData("CFBL-Feedback-ID")]
    public void A_second_copy_of_what_the_composer_writes_is_refused(string name) =>
        Assert.Throws<ArgumentException>(() => Composer.Compose(Plain with { Headers = new Dictionary<string, string> { [name] = "x" } }));

    [Fact]
    public void A_file_name_or_type_cannot_leave_its_field()
    {
        foreach (var payload in Payloads)
        {
            var octets = Composer.Compose(Plain with { Attachments = [new(payload, $"text/plain; x={payload}", [1], null)] });
            Wire.AssertClean(octets);
            Assert.DoesNotContain("\r\nBcc:", Encoding.ASCII.GetString(octets), StringComparison.OrdinalIgnoreCase);
            Assert.Single(Wire.Read(octets).Attachments);
        }
    }
}
