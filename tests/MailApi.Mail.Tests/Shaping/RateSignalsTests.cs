using MailApi.Mail.Shaping;
using MailApi.Mail.Smtp;
using Xunit;

namespace MailApi.Mail.Tests.Shaping;

public sealed class RateSignalsTests
{
    [Theory]
    // Yahoo.
    [InlineData(421, "4.7.0 [TSS04] Messages from 203.0.113.7 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1", "pause 02:00:00")]
    [InlineData(421, "4.7.0 [TS04] Messages from 203.0.113.7 temporarily deferred", "pause 02:00:00")]
    [InlineData(421, "4.7.0 [TSS05] Messages from 203.0.113.7 temporarily deferred", "pause 04:00:00")]
    [InlineData(451, "4.7.0 [TSS05] Messages from 203.0.113.7 temporarily deferred", "pause 04:00:00")]
    [InlineData(421, "4.7.0 [TS02] Messages from 203.0.113.7 temporarily deferred", "rate 0.0167")]
    [InlineData(421, "4.7.0 [TS03] Messages from 203.0.113.7 temporarily deferred", "rate 0.1667")]
    [InlineData(421, "4.7.0 [TS01] Messages from 203.0.113.7 temporarily deferred", "slow")]
    [InlineData(553, "5.7.1 [BL21] Connections will not be accepted from 203.0.113.7", null)]
    // QQ: permanent by its digit, temporary by its meaning.
    [InlineData(550, "Ip frequency limited. http://service.mail.qq.com/", "pause 01:00:00")]
    [InlineData(550, "Domain frequency limited", "pause 01:00:00")]
    [InlineData(550, "Sender frequency limited", "pause 01:00:00")]
    [InlineData(550, "Connection frequency limited", "pause 01:00:00")]
    [InlineData(550, "Mail content denied", "slow")]
    [InlineData(550, "邮件内容被拒", "slow")]
    [InlineData(550, "Mailbox unavailable or access denied", "slow")]
    // NetEase.
    [InlineData(451, "DT:SPM 163 mx9,RMCowACn", "pause 00:02:00")]
    [InlineData(554, "DT:SPM 163 mx9,RMCowACn", "pause 00:02:00")]
    [InlineData(451, "MI:SFQ 163 mx9,RMCowACn", "pause 00:15:00")]
    [InlineData(550, "RP:ORQ 163", "pause 04:00:00")]
    [InlineData(554, "HL:ITC 163", "pause 04:00:00")]
    [InlineData(421, "HL:ICC 163 mx5", "connections")]
    [InlineData(421, "HL:IFC 163 mx5", "slow")]
    [InlineData(421, "HL:REP 163 mx5", "slow")]
    [InlineData(450, "MI:DMC 163 mx5", "slow")]
    [InlineData(450, "RP:DRC 163 mx5", "slow")]
    [InlineData(450, "WM:BLI 163 mx5", "slow")]
    [InlineData(550, "User not found: ann@163.com", null)]
    // Gmail.
    [InlineData(421, "4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address", "slow")]
    [InlineData(450, "4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered", null)]
    [InlineData(452, "4.2.2 The recipient's inbox is out of storage space", null)]
    [InlineData(452, "4.5.3 Your message has too many recipients", null)]
    [InlineData(421, "4.7.0 Too many concurrent SMTP connections; please try again later", "connections")]
    [InlineData(550, "5.7.26 Your email has been blocked because the sender is unauthenticated", null)]
    // Microsoft.
    [InlineData(451, "4.7.500 Server busy. Please try again later from [203.0.113.7]. (S77714)", "slow")]
    [InlineData(421, "RP-001 (BAY004-MC1F2) Unfortunately, some messages from 203.0.113.7 weren't sent", "slow")]
    [InlineData(421, "RP-003 (BAY004-MC1F2) The mail server IP connecting to Outlook.com server has exceeded the connection limit allowed", "connections")]
    [InlineData(550, "5.7.515 Access denied, sending domain does not meet the required authentication level", null)]
    // Everyone.
    [InlineData(421, "4.3.2 try again later", "slow")]
    [InlineData(421, "4.4.2 idle for too long", null)]
    [InlineData(451, "4.7.1 rate limited, slow down", "slow")]
    [InlineData(450, "4.2.0 Throttled - try again later. Please see postmaster.comcast.net", "slow")]
    [InlineData(450, "4.2.0 mailbox busy", null)]
    [InlineData(450, "4.7.1 slow down", "slow")]
    [InlineData(451, "sending rate exceeded", "slow")]
    [InlineData(451, "4.7.0 [TM01] Too many messages", "slow")]
    [InlineData(450, "Requested mail action not taken: see https://postmaster.gmx.net/en/error-messages?c=rate", "slow")]
    [InlineData(550, "5.4.5 Daily user sending quota exceeded. gsmtp", "slow")]
    [InlineData(421, "4.7.0 Too many connections", "connections")]
    [InlineData(421, "4.7.0 connection rate limit exceeded", "slow")]
    [InlineData(451, "4.7.1 connection rate limit exceeded", "slow")]
    [InlineData(452, "4.7.1 connection limit exceeded", "connections")]
    [InlineData(450, "User is receiving mail too quickly", null)]
    [InlineData(550, "5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered", null)]
    [InlineData(550, "5.2.121 Recipient's per hour message receive limit exceeded", null)]
    [InlineData(452, "too many recipients", null)]
    [InlineData(452, "4.3.1 message size limit exceeded", null)]
    [InlineData(550, "Requested mail action not taken: too much recipient", null)]
    [InlineData(452, "4.3.1 too many messages on this connection", "slow")]
    [InlineData(451, "4.7.1 Greylisting in action, please come back in 5 minutes", null)]
    [InlineData(451, "4.3.0 local error, try again later", null)]
    [InlineData(450, "4.1.1 mailbox not known yet", null)]
    [InlineData(550, "5.1.1 no such user", null)]
    [InlineData(554, "5.7.1 too many complaints", null)]
    [InlineData(250, "HL:ICC is fine", null)]
    public void Known_replies_ask_for_what_they_mean(int code, string text, string? expected) => Assert.Equal(expected, RateSignals.Find(Reply.From(code, text)) switch
    {
        null => null,
        SignalEffect.Pause pause => FormattableString.Invariant($"pause {pause.Time:c}"),
        SignalEffect.RateOf rate => FormattableString.Invariant($"rate {rate.PerSecond:0.0000}"),
        SignalEffect.FewerConnections => "connections",
        _ => "slow",
    });
}
