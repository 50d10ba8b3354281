using System.Globalization;
using MailApi.Mail.Bounces;
using MailApi.Mail.Shaping;
using MailApi.Mail.Smtp;
using MailApi.Testing.Fuzzing;
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
    [InlineData(554, "delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0] - mta4123.mail.bf1.yahoo.com", false, true)]
    [InlineData(559, "Invalid rcptto [@sm070102]", false, true)]
    [InlineData(554, "RCPT (x@aliyun.com) dosn't exist", false, true)]
    [InlineData(550, "The recipient may contain a non-existent account, please check the recipient address.", false, true)]
    // Whatever the address and the hosts are called.
    [InlineData(550, "5.1.1 <missing@blocked.example>: user unknown", true, true)]
    [InlineData(550, "5.1.1 <full@shop.example>: Recipient address rejected: User unknown", true, true)]
    [InlineData(550, "5.1.1 <\"mail box full\"@shop.example>: Recipient address rejected: User unknown", true, true)]
    [InlineData(550, "5.1.1 User unknown: spam-policy+quota.limit@dmarc.rate.example, asked at relay.example.net.", true, true)]
    [InlineData(550, "5.1.1 User unknown at spf.relay.spam.example", true, true)]
    [InlineData(550, "5.1.1 User unknown at relay.example.net (blocked)", true, false)]
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
    [InlineData(550, "5.1.1 No such user or denied.Contact postmaster", true, false)]
    [InlineData(550, "5.1.1 Message refused: <bob@spam.example>: user unknown", true, true)]
    [InlineData(550, "Message rejected as spam", true, false)]
    [InlineData(550, "Mailbox unavailable or access denied", true, false)]
    [InlineData(550, "relaying denied", true, false)]
    [InlineData(550, "we do not relay", true, false)]
    [InlineData(550, "your address is listed at sbl.example", true, false)]
    [InlineData(550, "DMARC check failed", true, false)]
    [InlineData(550, "Domain may not exist or DNS check failed [MAn2ccjsT8 IP: 198.51.100.38]", true, false)]
    [InlineData(550, "5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered", true, false)]
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
    [InlineData(550, "Mail content denied", true)]
    [InlineData(550, "Mailbox unavailable or access denied", true)]
    [InlineData(550, "User not found: ann@163.com", false)]
    [InlineData(554, "5.7.1 spam", false)]
    [InlineData(421, "4.7.0 try again later", false)]
    [InlineData(250, "HL:ICC", false)]
    [InlineData(552, "DT:SPM", true)]
    [InlineData(553, "MI:SPB 163 smtp", true)]
    public void Limits_of_QQ_and_NetEase_are_told_from_refusals(int code, string text, bool expected) =>
        Assert.Equal(expected, BounceTable.Classify(Reply.From(code, text), atRecipient: true).IsRateSignal);

    [Theory]
    [InlineData(550, "Ip frequency limited", BounceClass.RateLimited, false)]
    [InlineData(554, "DT:SPM 163 mx4", BounceClass.BlockedContent, false)]
    [InlineData(550, "MI:SPF 163 mx4", BounceClass.Authentication, false)]
    [InlineData(550, "5.7.26 This mail has been blocked because the sender is unauthenticated", BounceClass.Authentication, true)]
    [InlineData(550, "5.7.515 Access denied, sending domain x does not meet the required authentication level", BounceClass.Authentication, true)]
    [InlineData(421, "4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints", BounceClass.RateLimited, false)]
    [InlineData(451, "4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation", BounceClass.RateLimited, false)]
    [InlineData(550, "5.7.620 Access denied, banned sending IP", BounceClass.BlockedReputation, false)]
    [InlineData(550, "5.7.650 x", BounceClass.Policy, true)]
    [InlineData(450, "4.7.1 Greylisted, see http://postgrey.example", BounceClass.Greylisted, false)]
    [InlineData(452, "4.2.2 Mailbox full", BounceClass.MailboxFull, false)]
    [InlineData(552, "5.2.2 Mailbox full", BounceClass.MailboxFull, false)]
    [InlineData(552, "5.3.4 x", BounceClass.Size, true)]
    [InlineData(556, "5.1.10 Recipient address has null MX", BounceClass.Dns, true)]
    [InlineData(550, "5.1.2 x", BounceClass.Dns, true)]
    // Our own router's.
    [InlineData(550, "5.1.2 the domain nosuch.example does not exist", BounceClass.Dns, true)]
    [InlineData(556, "5.1.10 the domain null.example does not accept mail (null MX)", BounceClass.Dns, true)]
    [InlineData(550, "5.4.4 no mail host of hidden.example has an address", BounceClass.Dns, true)]
    [InlineData(451, "4.4.3 the mail hosts of slow.example cannot be looked up now: timeout", BounceClass.Dns, false)]
    [InlineData(550, "5.7.27 Sender address has null MX", BounceClass.Dns, true)]
    [InlineData(530, "5.7.0 Must issue a STARTTLS command first", BounceClass.Tls, true)]
    [InlineData(550, "5.7.1 x", BounceClass.Policy, true)]
    [InlineData(554, "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", BounceClass.BlockedReputation, false)]
    [InlineData(554, "5.6.0 Message contained spam", BounceClass.BlockedContent, true)]
    [InlineData(550, "收件人不存在", BounceClass.NoMailbox, true)]
    [InlineData(550, "Почтовый ящик переполнен", BounceClass.MailboxFull, false)]
    [InlineData(550, "Postfach existiert nicht", BounceClass.NoMailbox, true)]
    [InlineData(550, "メールボックスがいっぱいです", BounceClass.MailboxFull, false)]
    [InlineData(554, "delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0]", BounceClass.NoMailbox, true)]
    [InlineData(559, "Invalid rcptto [@sm070102]", BounceClass.NoMailbox, true)]
    [InlineData(550, "The recipient may contain a non-existent account, please check the recipient address.", BounceClass.NoMailbox, true)]
    [InlineData(550, "5.1.1 <missing@blocked.example>: user unknown", BounceClass.NoMailbox, true)]
    [InlineData(550, "5.1.1 blacklist@example.net: user unknown", BounceClass.NoMailbox, true)]
    [InlineData(550, "Invalid user: ann@163.com", BounceClass.NoMailbox, true)]
    [InlineData(550, "dkim@例子.中国: 收件人不存在", BounceClass.NoMailbox, true)]
    [InlineData(550, "收件人ann@qq.com不存在的邮箱已满", BounceClass.MailboxFull, false)]
    // The proof of the sender.
    [InlineData(550, "Domain may not exist or DNS check failed [MAn2ccjsT8 IP: 198.51.100.38]", BounceClass.Authentication, true)]
    [InlineData(554, "5.7.1 Your message was rejected due to shop.example's DMARC policy. See https://support.apple.com/en-us/HT204137 for", BounceClass.Authentication, true)]
    [InlineData(554, "5.7.1 [HME1] This message was blocked for failing both SPF and DKIM authentication checks. See https://support.apple.com/en-us/HT204137", BounceClass.Authentication, true)]
    [InlineData(550, "5.7.1 [2001:db8::1] Our system has detected that this message does not meet IPv6 sending guidelines regarding PTR records and authentication. gsmtp", BounceClass.Authentication, true)]
    [InlineData(550, "5.7.1 [198.51.100.38] The sending IP does not have a PTR record. gsmtp", BounceClass.Authentication, true)]
    [InlineData(550, "5.7.9 This mail has been blocked because the sender is unauthenticated. Yahoo requires all senders to authenticate with either SPF or DKIM.", BounceClass.Authentication, true)]
    // Distrust of the sender, and of the message.
    [InlineData(554, "5.7.1 [HM08] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137", BounceClass.BlockedReputation, false)]
    [InlineData(554, "5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137", BounceClass.BlockedContent, true)]
    [InlineData(550, "5.7.1 Our system has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail sent from your IP address has been blocked. gsmtp", BounceClass.BlockedReputation, false)]
    [InlineData(550, "5.7.501 Access denied, spam abuse detected", BounceClass.BlockedReputation, false)]
    [InlineData(550, "5.7.506 Access Denied, Bad HELO", BounceClass.Policy, true)]
    [InlineData(550, "Suspected spam ip. http://service.mail.qq.com", BounceClass.BlockedReputation, false)]
    [InlineData(550, "Suspected spam sender. http://service.mail.qq.com", BounceClass.BlockedReputation, false)]
    [InlineData(550, "Suspected spam. http://service.mail.qq.com", BounceClass.BlockedContent, true)]
    [InlineData(550, "Spam is embedded in the email http://service.mail.qq.com", BounceClass.BlockedContent, true)]
    [InlineData(550, "Rejected due to spam", BounceClass.BlockedContent, true)]
    [InlineData(554, "Spam mail rejected", BounceClass.BlockedContent, true)]
    [InlineData(450, "WM:BLI 163 mx4", BounceClass.BlockedReputation, false)]
    [InlineData(450, "WM:BLU 163 mx4", BounceClass.BlockedReputation, false)]
    [InlineData(553, "Requested action not taken: no smtp MX only", BounceClass.Policy, true)]
    [InlineData(554, "Your IP is blocked due to spam", BounceClass.BlockedReputation, false)]
    [InlineData(452, "4.3.1 message size limit exceeded", BounceClass.Size, false)]
    // Too much, and not of what the mailbox holds.
    [InlineData(550, "5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered", BounceClass.RateLimited, false)]
    [InlineData(450, "User is receiving mail too quickly", BounceClass.RateLimited, false)]
    [InlineData(421, "Max message per connection reached, closing transmission channel", BounceClass.RateLimited, false)]
    [InlineData(550, "5.4.5 Daily user sending quota exceeded. gsmtp", BounceClass.RateLimited, false)]
    [InlineData(550, "5.4.5 Daily sending quota exceeded. gsmtp", BounceClass.RateLimited, false)]
    [InlineData(550, "5.7.1 Email quota exceeded. gsmtp", BounceClass.RateLimited, false)]
    [InlineData(550, "5.7.1 Daily SMTP relay limit exceeded for customer. gsmtp", BounceClass.RateLimited, false)]
    [InlineData(550, "sending quota exceeded", BounceClass.RateLimited, false)]
    [InlineData(550, "5.2.2 quota exceeded", BounceClass.MailboxFull, false)]
    [InlineData(550, "Requested mail action not taken: too much recipient", BounceClass.RateLimited, false)]
    [InlineData(451, "4.7.850 Access denied, please try again later", BounceClass.RateLimited, false)]
    [InlineData(421, "gmx.net (mxgmx016) Nemesis ESMTP Service not available Too many connections", BounceClass.RateLimited, false)]
    [InlineData(554, "gmx.net (mxgmx016) Nemesis ESMTP Service not available No SMTP service IP address is block listed", BounceClass.BlockedReputation, false)]
    [InlineData(554, "whatever", BounceClass.Other, true)]
    [InlineData(451, "whatever", BounceClass.Other, false)]
    public void A_refusal_has_a_class_and_is_hard_or_soft(int code, string text, BounceClass expected, bool isHard)
    {
        var verdict = BounceTable.Classify(Reply.From(code, text), atRecipient: true);
        Assert.Equal((expected, isHard), (verdict.Class, verdict.IsHard));
    }

    [Theory]
    [InlineData("overquota", "is over the quotation", BounceClass.Other)]
    [InlineData("words end where they end", "the sslippery road", BounceClass.Other)]
    [InlineData("a full stop ends one", "User unknown.", BounceClass.NoMailbox)]
    [InlineData("case does not matter", "USER UNKNOWN", BounceClass.NoMailbox)]
    public void Words_are_whole_words(string _, string text, BounceClass expected) => Assert.Equal(expected, BounceTable.Classify(new Reply(554, null, text), atRecipient: true).Class);

    /// <summary>Whatever it says, a limit of the two also slows the site: the two tables must not drift apart.</summary>
    [Theory]
    [InlineData(550, "Sender frequency limited")]
    [InlineData(421, "HL:REP")]
    [InlineData(421, "HL:ICC")]
    [InlineData(450, "MI:DMC")]
    [InlineData(450, "RP:DRC")]
    [InlineData(451, "DT:SPM")]
    [InlineData(451, "MI:SFQ")]
    [InlineData(554, "DT:SPM")]
    [InlineData(554, "HL:IPB")]
    [InlineData(550, "MI:SPF")]
    [InlineData(550, "RP:ORQ")]
    [InlineData(550, "MI:XYZ")]
    [InlineData(450, "WM:BLI")]
    [InlineData(450, "WM:BLU")]
    public void A_rate_signal_slows_its_site_and_is_never_hard(int code, string text)
    {
        var reply = Reply.From(code, text);
        var verdict = BounceTable.Classify(reply, atRecipient: true);
        Assert.True(verdict.IsRateSignal);
        Assert.False(verdict.IsHard || verdict.SuppressesAddress);
        Assert.NotNull(RateSignals.Find(reply));
    }

    /// <summary>A site that is said to get too much slows down; one whose mailbox, or message, is said to does not.</summary>
    [Fact]
    public void Every_phrase_that_means_too_much_of_all_slows_the_site_and_none_of_one_mailbox_does()
    {
        var violations = new List<string>();
        foreach (var row in BounceTable.Rows.Where(row => row.Class == BounceClass.RateLimited || row.SlowsSite))
        {
            foreach (var (code, enhanced) in Codes(row))
                foreach (var text in Texts(row))
                {
                    var reply = new Reply(code, enhanced, text);
                    if (BounceTable.Find(reply) == row && RateSignals.Find(reply) is not null != row.SlowsSite) violations.Add($"{reply}: {row.Means}");
                }
        }
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    [Fact]
    public void Every_row_says_what_it_means_and_what_to_do_in_a_sentence()
    {
        Assert.InRange(BounceTable.Rows.Count, 150, 400);
        Assert.All(BounceTable.Rows, row =>
        {
            Assert.Matches(@"^([A-Z]|iCloud)[^\n]{10,200}\.$", row.Means);
            Assert.Matches(@"^[A-Z][^\n]{10,200}\.$", row.Cure);
        });
    }

    /// <summary>What stands behind a row that takes it all is never read.</summary>
    [Fact]
    public void Every_phrase_and_every_code_of_every_row_is_reached_by_some_reply()
    {
        var violations = new List<string>();
        foreach (var row in BounceTable.Rows)
        {
            var (texts, replies) = (Texts(row), Codes(row));
            foreach (var text in texts)
                if (!replies.Exists(reply => Finds(reply, text, row))) violations.Add($"{row.Class} [{string.Join(' ', row.Codes)}] '{text}': {string.Join(", ", replies.Select(reply => BounceTable.Find(new Reply(reply.Code, reply.Enhanced, text)).Means).Distinct())}");
            foreach (var reply in replies)
                if (!texts.Exists(text => Finds(reply, text, row))) violations.Add($"{row.Class} {reply} of '{row.Means}'");
        }
        Assert.True(violations.Count == 0, string.Join("\n", violations));

        static bool Finds((int Code, string? Enhanced) reply, string text, BounceRow row) => BounceTable.Find(new Reply(reply.Code, reply.Enhanced, text)) == row;
    }

    private static List<string> Texts(BounceRow row) => row.Phrases.Count == 0 ? ["x"] : row.Phrases.Select(pieces => string.Join(" any ", pieces).Replace('?', 'x')).ToList();

    private static List<(int Code, string? Enhanced)> Codes(BounceRow row) => row.Codes.Count == 0 ? [(550, "5.9.9"), (450, "4.9.9")] : row.Codes.Select(Example).ToList();

    private static (int Code, string? Enhanced) Example(string pattern)
    {
        if (!pattern.Contains('.', StringComparison.Ordinal)) return (int.Parse(pattern.Replace('x', '0'), CultureInfo.InvariantCulture), null);
        var enhanced = pattern.Replace("x.", "5.", StringComparison.Ordinal).Replace("*", "99", StringComparison.Ordinal).Split('-')[0];
        return (enhanced[0] == '5' ? 550 : 450, enhanced);
    }

    /// <summary>S-25: each beginning of a row's words, over and over, and nothing that ends it.</summary>
    [Theory]
    [InlineData("email account that you tried to reach ")]
    [InlineData("a")]
    [InlineData("user ")]
    [InlineData("mailbox ")]
    [InlineData("messages from ")]
    [InlineData("local mailbox ")]
    [InlineData("收件人")]
    [InlineData("HL:HL:")]
    [InlineData("5.1.1 ")]
    [InlineData("a@")]
    [InlineData("\"@")]
    [InlineData("@.")]
    [InlineData(".")]
    [InlineData("a.a")]
    public void Long_text_made_to_be_slow_is_not(string piece)
    {
        var text = string.Concat(Enumerable.Repeat(piece, (64 << 10) / piece.Length));
        BounceTable.Classify(new Reply(550, "5.1.1", text), atRecipient: true);
        var taken = Enumerable.Range(0, 5).Min(_ =>
        {
            var began = ThreadTime.Now;
            BounceTable.Classify(new Reply(550, "5.7.999", text), atRecipient: true);
            return ThreadTime.Now - began;
        });
        Assert.True(taken < TimeSpan.FromMilliseconds(500), $"{taken}");
    }
}
