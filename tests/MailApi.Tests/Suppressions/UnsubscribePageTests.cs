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

    private static readonly Topic Topic = new() { Name = "weekly", Title = "<b>News & \"more\"", TitleZh = "每周\u2028新闻" };
    private static readonly MailChoices Subscribed = new(IsSubscribed: true, [(Topic, true), (Topic with { Name = "offers" }, false)]);
    private static readonly MailChoices Unsubscribed = new(IsSubscribed: false, []);

    private static readonly IReadOnlyList<string> Pages =
    [
        UnsubscribePage.Ask(Mail, Subscribed), UnsubscribePage.Ask(Mail, Unsubscribed), UnsubscribePage.Done(Mail), UnsubscribePage.Saved(Mail, Subscribed),
        UnsubscribePage.Saved(Mail, Unsubscribed), UnsubscribePage.Unknown(),
    ];

    [Fact]
    public void The_policy_admits_the_style_of_every_page_and_no_other()
    {
        foreach (var page in Pages)
        {
            var style = page.Split("<style>")[1].Split("</style>")[0];
            Assert.Contains($"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(style)))}'", UnsubscribePage.ContentSecurityPolicy, StringComparison.Ordinal);
            Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void Forms_post_to_the_page_itself_and_no_page_shows_the_recipient()
    {
        foreach (var page in Pages)
        {
            Assert.Equal(page.Split("<form").Length, page.Split("<form method=\"post\">").Length);
            Assert.DoesNotContain("ann@", page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_page_asks_as_long_as_there_is_something_to_leave()
    {
        Assert.Contains("value=\"One-Click\"", UnsubscribePage.Ask(Mail, Subscribed), StringComparison.Ordinal);
        Assert.DoesNotContain("value=\"One-Click\"", UnsubscribePage.Ask(Mail, Unsubscribed), StringComparison.Ordinal);
        Assert.Contains("value=\"resubscribe\"", UnsubscribePage.Ask(Mail, Unsubscribed), StringComparison.Ordinal);
    }

    [Fact]
    public void A_topic_has_a_labelled_box_that_is_ticked_when_it_is_wanted_and_its_titles_are_text()
    {
        var page = UnsubscribePage.Ask(Mail, Subscribed);

        Assert.Contains("<label><input type=\"checkbox\" name=\"topic\" value=\"weekly\" checked>&lt;b&gt;News &amp; &quot;more&quot;", page, StringComparison.Ordinal);
        Assert.Contains("name=\"topic\" value=\"offers\">", page, StringComparison.Ordinal);
        Assert.Contains("每周&#x2028;新闻", page, StringComparison.Ordinal);
    }
}
