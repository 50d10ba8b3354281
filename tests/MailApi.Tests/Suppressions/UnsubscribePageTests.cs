using System.Security.Cryptography;
using System.Text;
using MailApi.Api;
using MailApi.Suppressions;
using Xunit;

namespace MailApi.Tests.Suppressions;

public sealed class UnsubscribePageTests
{
    private static readonly LinkedMail Mail = new()
    {
        Envelope = PrefixedId.New<EnvelopeId>(),
        Message = PrefixedId.New<MessageId>(),
        Tenant = PrefixedId.New<TenantId>(),
        Category = Category.Marketing,
        Test = false,
        Recipient = "ann@example.net",
        Domain = "mail.shop.example",
    };

    [Fact]
    public void The_policy_admits_the_style_of_every_page_and_no_other()
    {
        foreach (var page in (string[])[UnsubscribePage.Ask(Mail), UnsubscribePage.Done(Mail), UnsubscribePage.Unknown()])
        {
            var style = page.Split("<style>")[1].Split("</style>")[0];
            Assert.Contains($"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(style)))}'", UnsubscribePage.ContentSecurityPolicy, StringComparison.Ordinal);
            Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void Only_the_question_has_a_form_and_no_page_shows_the_recipient()
    {
        Assert.Contains("<form method=\"post\">", UnsubscribePage.Ask(Mail), StringComparison.Ordinal);
        Assert.DoesNotContain("<form", UnsubscribePage.Done(Mail), StringComparison.Ordinal);
        Assert.DoesNotContain("ann@", UnsubscribePage.Ask(Mail) + UnsubscribePage.Done(Mail), StringComparison.Ordinal);
    }
}
