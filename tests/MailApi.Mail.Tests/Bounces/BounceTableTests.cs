using MailApi.Mail.Bounces;
using MailApi.Mail.Smtp;
using Xunit;

namespace MailApi.Mail.Tests.Bounces;

public class BounceTableTests
{
    [Theory]
    // The address is dead.
    [InlineData(550, "5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address", true, true)]
    [InlineData(550, "5.1.1 <ann@example.net>: Recipient address rejected: User unknown in virtual mailbox table", true, true)]
    [InlineData(550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ann@example.net not found by SMTP address lookup", false, true)]
    [InlineData(550, "5.1.1 no such user", false, true)]
    [InlineData(554, "5.1.1 no such user", true, true)]
    [InlineData(550, "No such user here", true, true)]
    [InlineData(551, "User not local; please try <bo@example.org>", true, true)]
    [InlineData(553, "5.1.2 no such domain", true, true)]
    [InlineData(550, "User not found: ann@163.com", true, true)]
    // Without an enhanced code only an answer to RCPT is about the address.
    [InlineData(550, "No such user here", false, false)]
    [InlineData(554, "delivery error: this user doesn't have an account", true, false)]
    [InlineData(554, "No such user", true, false)]
    // The mailbox, the system, the route, the content, the policy.
    [InlineData(552, "5.2.2 mailbox full", true, false)]
    [InlineData(550, "5.2.2 mailbox full", true, false)]
    [InlineData(550, "mailbox full", true, false)]
    [InlineData(552, "5.1.1 too large", true, false)]
    [InlineData(550, "5.2.1 mailbox disabled", true, false)]
    [InlineData(550, "5.3.4 message too big", true, false)]
    [InlineData(550, "5.4.1 Recipient address rejected", true, false)]
    [InlineData(550, "5.6.0 bad content", true, false)]
    [InlineData(550, "5.7.1 not allowed", true, false)]
    [InlineData(550, "5.7.515 Access denied, sending domain does not meet the required authentication level", true, false)]
    [InlineData(550, "5.7.26 unauthenticated", true, false)]
    [InlineData(553, "5.1.8 sender's domain does not exist", true, false)]
    [InlineData(550, "5.1.0 sender rejected", true, false)]
    // The words say that it is us.
    [InlineData(550, "5.1.1 blocked", true, false)]
    [InlineData(550, "Message rejected as spam", true, false)]
    [InlineData(550, "Mailbox unavailable or access denied", true, false)]
    [InlineData(550, "relaying denied", true, false)]
    [InlineData(550, "we do not relay", true, false)]
    [InlineData(550, "your address is listed at sbl.example", true, false)]
    [InlineData(550, "DMARC check failed", true, false)]
    [InlineData(550, "Domain frequency limited", true, false)]
    [InlineData(550, "RP:ORQ", true, false)]
    // Not permanent.
    [InlineData(450, "4.1.1 try again", true, false)]
    [InlineData(250, "2.1.5 ok", true, false)]
    public void Only_a_refusal_that_means_the_address_suppresses_it(int code, string text, bool atRecipient, bool expected) =>
        Assert.Equal(expected, BounceTable.Classify(Reply.From(code, text), atRecipient).SuppressesAddress);

    [Theory]
    [InlineData(550, "Sender frequency limited", true)]
    [InlineData(550, "Domain frequency limited. http://service.mail.qq.com/", true)]
    [InlineData(550, "Ip frequency limited", true)]
    [InlineData(550, "Connection frequency limited", true)]
    [InlineData(421, "HL:ICC 163 mx5,xx http://mail.163.com/help", true)]
    [InlineData(421, "HL:REP 163", true)]
    [InlineData(450, "MI:DMC 163", true)]
    [InlineData(450, "RP:DRC 163", true)]
    [InlineData(451, "DT:SPM 163", true)]
    [InlineData(451, "MI:SFQ 163", true)]
    [InlineData(554, "DT:SPM 163", true)]
    [InlineData(554, "HL:ITC 163", true)]
    [InlineData(550, "RP:ORQ 163", true)]
    [InlineData(550, "Mail content denied", false)]
    [InlineData(550, "User not found: ann@163.com", false)]
    [InlineData(554, "5.7.1 spam", false)]
    [InlineData(421, "4.7.0 try again later", false)]
    [InlineData(250, "HL:ICC", false)]
    [InlineData(552, "DT:SPM", false)]
    public void Limits_of_QQ_and_NetEase_are_told_from_refusals(int code, string text, bool expected) =>
        Assert.Equal(expected, BounceTable.Classify(Reply.From(code, text), atRecipient: true).IsRateSignal);
}
