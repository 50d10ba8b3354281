using static MailApi.Mail.Bounces.BounceRow;

namespace MailApi.Mail.Bounces;

public static partial class BounceTable
{
    private const string WarmUp = "Send less and more evenly; volume must grow over weeks.";

    /// <summary>Gmail and Google Workspace.</summary>
    private static BounceRow[] Google =>
    [
        Dead("5.1.1", "email account that you tried to reach does not exist|nosuchuser", "Nobody has this address at Google."),
        Disabled("5.2.1", "email account that you tried to reach is disabled|is inactive", "Google has disabled this account."),
        Full("x.2.2", "email account that you tried to reach is over quota|overquota|out of storage space|recipient's inbox is out of storage", "The recipient's Google account has no room."),
        TooMuchForOne("x.2.1", "receiving mail too quickly|receiving mail at a rate", "This recipient gets more mail at the moment than Google takes for one account."),
        Unproven("x.7.26", "", "The receiver wants the mail proved by SPF or DKIM, aligned with From.", "Publish SPF and DKIM for the domain in From, and a DMARC record."),
        Unproven("x.7.27", "spf|gsmtp", "SPF does not pass.", "Publish the sending addresses in the SPF record of the return path's domain."),
        Unproven("x.7.30", "dkim|gsmtp", "DKIM does not pass.", "Publish the DKIM key, and let nothing change mail after it was signed."),
        Unproven("x.7.25", "", "The sending address has no reverse name, or one that does not lead back.", "Set a PTR record and an address record that agree."),
        Unproven("x.7.24", "spf", "The SPF record lists hosts that the receiver distrusts.", "Narrow the SPF record."),
        Unproven("x.7.32", "gsmtp|align|aligned|alignment", "The domain in From is not the one that SPF or DKIM proves.", "Sign with the domain in From, or align the return path with it."),
        Unproven("x.7.31 x.7.40", "dmarc|gsmtp", "Google found no DMARC record.", "Publish one, p=none at least."),
        Unencrypted("x.7.29", "tls", "The receiver takes this mail over TLS only.", "Offer TLS on the way to it."),
        TooMuch("x.7.28", "", "The receiver sees an unusual rate of mail from this address, domain or pattern.", WarmUp),
        Reputation("5.7.1 4.7.0", "very low reputation|low reputation of the sending|reputation of the sending domain|reputation of the sending ip", "Google distrusts the sending domain or address.", "Look at Postmaster Tools; send only to those who read your mail until it recovers."),
        Reputation("5.7.1", "unusual rate of unsolicited mail", "Google has had unsolicited mail from the sending address, and blocks it.", "Look at Postmaster Tools; send only to those who read your mail until it recovers."),
        Unproven("5.7.1", "ipv6 sending guidelines", "The sending IPv6 address has no reverse name, or the mail is not proved.", "Set a PTR record and an address record that agree, and publish SPF and DKIM."),
        Content("5.7.1", "likely unsolicited mail|likely suspicious|gsmtp…unsolicited|violates…gsmtp|potential security issue", "Google holds the message for unsolicited mail."),
        Content("552 5.7.0", "message was blocked because its content presents a potential|our system detected an illegal attachment", "Google does not take such attachments.", "Send a link in the place of the attachment."),
        Unproven("5.7.1", "unauthenticated email from", "The domain in From demands DMARC, and it does not pass.", "Sign with the domain in From."),
        Unproven("550", "unauthenticated email from…not accepted due to domain's dmarc policy", "The domain in From demands DMARC, and it does not pass.", "Sign with the domain in From."),
        TooMuch("4.7.0 421", "unusual rate of unsolicited mail|try again later, closing connection…gsmtp", "Google slows this sender down.", WarmUp),
        TooMuch("5.4.5 5.7.1", "daily smtp relay|daily user sending|daily sending quota|email quota exceeded", "An account's daily limit at Google is used up.", "Send less in a day, or let Google raise the limit."),
        Rule("5.7.1", "relay denied…google", "Google's relay does not know the sending host or account.", "Look at the settings of the relay."),
        Rule("5.2.1 4.2.1", "not configured to receive|mailbox…does not accept mail from this sender", "The recipient's organization takes no mail from outside at this address."),
        TooLarge("5.3.4 552", "exceeded google's message size limits|message exceeded…google"),
        Else("4.3.0 4.4.2 451", "temporary system problem…gsmtp|mail server temporarily rejected…gsmtp", "Google has a problem of its own.", "Nothing: the mail is tried again."),
    ];

    /// <summary>Exchange Online and Outlook.com (hotmail.com, live.com, msn.com).</summary>
    private static BounceRow[] Microsoft =>
    [
        Unproven("5.7.515", "", "The sending domain does not prove its mail as Outlook.com demands of who sends more than 5,000 a day.", "Publish SPF, DKIM and DMARC, all passing and aligned with From."),
        Unproven("5.7.509 5.7.514", "", "The domain in From demands DMARC, and it does not pass.", "Sign with the domain in From."),
        Unproven("5.7.23 4.7.23", "", "SPF does not pass.", "Publish the sending addresses in the SPF record of the return path's domain."),
        Unproven("5.7.1", "spf…fail…outlook", "SPF does not pass at Microsoft."),
        Reputation("5.7.606-649", "", "Microsoft has banned the sending address.", "Ask for its removal at sender.office.com."),
        Reputation("5.7.501 5.7.502 5.7.503", "", "Microsoft has seen the sending account or address abused, and bans it.", "Find out who sends from it, then ask Microsoft's support."),
        Rule("5.7.506", "", "Microsoft does not believe the name that the sending host greets it with.", "Greet with the host's own name, and let that lead to its address."),
        Reputation("5.7.511 5.7.512 5.7.513", "", "Microsoft has banned the sender.", "Write to delist@microsoft.com with the whole reply."),
        Reputation("5.7.1 550", "s3150|s3140|s3114|block list…messages from…weren't sent|messages from…weren't sent", "The sending address is on Outlook.com's block list.", "Ask for its removal at olcsupport.office.com, and join SNDS."),
        Reputation("5xx", "ou-001|ou-002|sc-001|sc-002|sc-003|sc-004|dy-001|dy-002", "Outlook.com distrusts the sending address.", "Ask for its removal at olcsupport.office.com, and join SNDS."),
        TooMuch("4.7.650 4.7.651 4.7.652", "", "Microsoft slows the sending address down for its reputation.", WarmUp),
        TooMuch("4.7.500-699 4.7.850", "", "Microsoft slows this sender down.", WarmUp),
        TooMuch("421", "rp-001|rp-002|rp-003", "Outlook.com slows the sending address down for its reputation.", WarmUp),
        TooMuchForOne("5.2.121 5.2.122 4.2.121 4.2.122", "", "This recipient has had as much in an hour as Microsoft takes for one mailbox."),
        Reputation("5.7.708 5.7.750 5.7.705", "", "Microsoft lets this sender send no more.", "Ask its support; the account or domain is restricted."),
        Dead("5.1.10", "resolver|recipient…not found|recipientnotfound", "Microsoft has no such recipient."),
        CertainlyDead("550", "requested action not taken: mailbox unavailable (s2017062302|requested action not taken: mailbox unavailable…s20170623", "Nobody has this address at Outlook.com."),
        CertainlyDead("5.5.0", "requested action not taken: mailbox unavailable", "Nobody has this address at Outlook.com."),
        Dead("5.4.1", "recipient address rejected", "The recipient's organization at Microsoft has no such address, or takes no mail for it.", "Check the address; take it off your lists if it is right."),
        Dead("5.1.1 5.1.351 5.1.90", "resolver.adr|recipnotfound|recipientnotfound", "Microsoft has no such recipient."),
        Full("x.2.2 x.2.3 5.2.0", "storedrv.deliver…quota|quotaexceeded|mailbox full…outlook", "The recipient's mailbox at Microsoft is full."),
        Rule("5.7.124 5.7.129 5.7.133 5.7.134 5.7.136", "", "The recipient takes mail from known senders only.", "Ask the recipient to allow your address."),
        Rule("5.7.1", "resolver.rst|not authorized to send to the recipient|recipientnotauthorized|delivery not authorized", "The recipient takes mail from known senders only.", "Ask the recipient to allow your address."),
        Rule("5.7.64 5.7.54", "", "The host is not set up to take mail for this domain.", "Check the domain's MX record."),
        Content("5.7.1 5.6.11 5.7.520", "message rejected due to content restrictions|transport.rules|rejected by a transport rule|invalid characters", "A rule of the recipient's organization refuses the message."),
        Size("5.2.3 5.3.4", "resolver.rst.recipsizelimit|recipsizelimit|sendsizelimit|message size exceeds"),
        Else("4.3.2 4.4.2", "storedrv|hubtransport|connectionfiltering", "Microsoft has a problem of its own.", "Nothing: the mail is tried again."),
    ];

    private static BounceRow Size(string codes, string words) => TooLarge(codes, words, "The message is larger than the recipient's organization takes.");

    /// <summary>Yahoo, AOL, and those that they host.</summary>
    private static BounceRow[] Yahoo =>
    [
        TooMuch("4xx", "[ts01]|[ts02]|[ts03]|[tss02]|[tss03]|[tss04]|[tss05]|[tss01]|[ts04]", "Yahoo slows this sender down: unexpected volume, or complaints.", WarmUp),
        TooMuch("4xx", "temporarily deferred due to unexpected volume|temporarily deferred due to user complaints|messages from…temporarily deferred", "Yahoo slows this sender down: unexpected volume, or complaints.", WarmUp),
        TooMuchForOne("4xx", "user is receiving mail too quickly", "This recipient gets more mail at the moment than Yahoo takes for one account."),
        TooMuch("421", "max message per connection reached|max messages per connection", "Yahoo takes no more on this connection."),
        Reputation("5xx", "[ts01]|[ts02]|[ts03]|[tss04]|[tss05]|[tss06]|[tss07]|[tss09]|[tss11]|[tss12]|[tss13]", "Yahoo distrusts this sender.", "Look at complaints in Sender Hub; send only to those who read your mail."),
        Reputation("5xx", "[bl21]|[bl23]|[bl20]|[bl22]|[bl24]|because the ip is in spamhaus's list", "The sending address is on a blocklist that Yahoo asks.", "Have it removed there."),
        CertainlyDead("5xx", "delivery error: dd this user doesn't have|doesn't have a yahoo", "Nobody has this address at Yahoo."),
        Dead("5xx", "this user doesn't have an account|this user doesn't have a…account", "Nobody has this address at Yahoo."),
        Disabled("5xx", "account has been disabled or discontinued|mailbox is disabled…yahoo", "Yahoo has closed this account."),
        Dead("5xx", "delivery error: dd not a valid recipient|dd requested mail action aborted, mailbox not found|delivery error: dd…mailbox not found", "Nobody has this address at Yahoo."),
        Full("5xx 4xx", "delivery error: dd requested mail action aborted, exceeded|delivery error: dd…over quota|dd over quota", "The recipient's mailbox at Yahoo is full."),
        Unproven("5.7.9", "dmarc|authentication|unauthenticated", "SPF, DKIM or DMARC does not pass."),
        Rule("5.7.9", "", "The receiver refuses the message by a rule: it is unproven, or its content is distrusted.", "Check SPF, DKIM and DMARC first, then the message's links."),
        Content("554 5xx", "[ph01]|email not accepted for policy reasons", "Yahoo distrusts a link or the wording of the message."),
        Else("451 4xx", "resources temporarily not available", "Yahoo is busy.", "Nothing: the mail is tried again."),
    ];

    /// <summary>iCloud (icloud.com, me.com, mac.com).</summary>
    private static BounceRow[] Apple =>
    [
        Unproven("5.7.1 5.7.0", "rejected due to…dmarc|failing both spf and dkim", "iCloud found that SPF, DKIM or DMARC does not pass."),
        Content("5.7.1 554", "[cs01]", "iCloud distrusts what the message says."),
        Reputation("5.7.1 5.7.0 550 554", "[pr01]|[pr02]|[hm07]|[hm08]|mail from ip…was rejected due to listing", "iCloud distrusts the sending address.", "Have it removed from blocklists, then write to icloudadmin@apple.com."),
        Rule("5.1.1 550", "[hme1]|hide my email", "The recipient has switched this hidden address off.", TakeOff),
        TooMuch("4xx", "[tm01]|too many messages…icloud|icloud…too many", "iCloud slows this sender down.", WarmUp),
    ];

    /// <summary>Comcast (xfinity).</summary>
    private static BounceRow[] Comcast =>
    [
        TooMuch("421 4.1.0 4.2.0", "throttled - try again later|comcast…throttled", "Comcast slows this sender down.", WarmUp),
        TooMuch("4xx", "rl000001|rl000002|rl000003|rl000010", "Comcast has had too much from the sending address in an hour.", WarmUp),
        Reputation("5xx", "comcast blocked for spam|bl000000|bl000001|bl000010|comcast…blocked", "Comcast distrusts the sending address.", "Ask for its removal at spa.xfinity.com."),
        Unproven("5xx 4xx", "ptr lookup failure|comcast requires that all mail servers must have a ptr|comcast…ptr record", "The sending address has no reverse name.", "Set a PTR record and an address record that agree."),
        Content("5xx", "ph000001|phishing…comcast|comcast…phishing", "Comcast holds the message for phishing."),
        Dead("5.1.1", "not our customer|comcast…does not exist|recipient rejected…comcast", "Nobody has this address at Comcast."),
    ];
}
