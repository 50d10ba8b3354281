using System.Text;
using MailApi.Mail.Reports;

namespace MailApi.Mail.Tests.Reports;

/// <summary>What a file is, and what a mail holds besides.</summary>
public sealed class PartsTests
{
    [Theory]
    [InlineData("<feedback/>", "it does not say for which domain it is")]
    [InlineData("From: a@b.example\r\n\r\nHello\r\n", "Nothing in the mail")]
    [InlineData("Just words: no mail", "neither XML nor JSON")]
    [InlineData("X:", "Nothing in the mail")]
    [InlineData("", "it is empty")]
    public void What_is_handed_in_without_a_label_is_a_mail_where_it_begins_like_one(string text, string reason)
    {
        var found = ReportAttachments.InEither(Encoding.UTF8.GetBytes(text));

        Assert.Contains(reason, Assert.IsType<ReportFinding.None>(found).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_several_attachments_the_first_that_is_a_report_is_taken()
    {
        var tls = File.ReadAllText(TestData.At("reports/google-tls.json"));
        var mail = $"""
            From: a@b.example
            MIME-Version: 1.0
            Content-Type: multipart/mixed; boundary=b

            --b
            Content-Type: application/xml

            <broken
            --b
            Content-Type: application/json

            {tls}
            --b--

            """;

        Assert.IsType<ReportFinding.Tls>(ReportAttachments.InMail(Encoding.ASCII.GetBytes(mail.ReplaceLineEndings("\r\n"))));
    }

    [Fact]
    public void A_report_in_pages_of_HTML_is_none()
    {
        var mail = "From: a@b.example\r\nContent-Type: text/html\r\n\r\n" + File.ReadAllText(TestData.At("reports/google.xml"));

        Assert.IsType<ReportFinding.None>(ReportAttachments.InMail(Encoding.UTF8.GetBytes(mail)));
    }
}
