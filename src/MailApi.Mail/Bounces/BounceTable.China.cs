using static MailApi.Mail.Bounces.BounceRow;

namespace MailApi.Mail.Bounces;

public static partial class BounceTable
{
    private const string Netease = "4xx 5xx";
    private const string WriteToPostmaster = "Register the return path's domain at the receiver's postmaster pages and ask there.";

    /// <summary>QQ Mail, Tencent Exmail, NetEase (163, 126, yeah.net), Alibaba Mail, Sina. Their limits come first: they look like bounces and are none.</summary>
    private static BounceRow[] ChineseReceivers =>
    [
        // QQ Mail and Tencent Exmail: secret limits a minute, hour and day.
        Limit("550", "sender frequency limited", "QQ has had too much of this sender for now."),
        Limit("550", "domain frequency limited", "QQ has had too much of this sending domain for now."),
        Limit("550", "ip frequency limited", "QQ has had too much of this sending address for now."),
        Limit("550", "connection frequency limited", "QQ has had too many connections for now."),
        Limit("550", "frequency limited", "QQ has had too much mail for now."),
        TooMuch("", "发信频率|发送频率|频率限制|发信过于频繁|超过发信限制", "The receiver has had too much mail for now."),
        Limit("550 554", "mail content denied|邮件内容被拒|mail content is denied", "QQ distrusts what the message says for now.",
            "Look at the message's links and wording; it is tried again.", BounceClass.BlockedContent),
        Content("550 554", "content rejected.http…mail.qq.com", "QQ distrusts what the message says."),
        Reputation("550 553 554", "suspected spam ip|suspected spam sender|suspected bounce attacks|ip in blacklist…qq.com|connection denied…qq.com", "QQ distrusts the sending address.", WriteToPostmaster),
        Content("550", "suspected spam|spam is embedded in the email", "QQ distrusts what the message says."),
        Limit("550", "mailbox unavailable or access denied", "QQ has no such mailbox, or refuses this sender to it for now: it does not say which.",
            "See whether other mail from you reaches QQ before you give up the address; it is tried again.", BounceClass.Policy),
        Rule("550", "mail is rejected by recipients|mail rejected by recipient", "The recipient refuses mail from this sender.", "Do not write to this recipient again unless asked."),
        Unproven("550", "dmarc check failed…qq.com|dkim check failed…qq.com|spf check failed…qq.com", "QQ found that SPF, DKIM or DMARC does not pass."),
        Unproven("550", "domain may not exist or dns check failed", "QQ cannot look up the return path's domain, or its SPF record.", "Let the return path's domain resolve and take mail, and publish SPF for it."),
        CertainlyDead("550", "the recipient may contain a non-existent account", "Nobody has this address at QQ."),
        Dead("550", "mailbox not found…qq.com|mailbox not found. http", "Nobody has this address at Tencent."),
        Full("550 552 452", "the recipients' mailbox is full|mailbox space not enough", "The recipient's mailbox is full."),

        // NetEase: a family (host, mail, data, reputation, whitelist) and a code. See help.163.com, "退信代码说明".
        Limit(Netease, "hl:rep", "NetEase sees many unknown recipients from this sending address.", "Clean your lists; NetEase takes mail again after a pause."),
        Limit(Netease, "hl:icc", "NetEase has too many connections from this sending address."),
        Limit(Netease, "hl:ifc", "NetEase has had too much from this sending address in a short time."),
        Limit(Netease, "hl:itc", "NetEase has had its fill from this sending address for today.", "Send less to NetEase in a day; tomorrow it takes mail again."),
        Limit(Netease, "hl:mep", "NetEase sees forged sending domains from this address.", "Check what else sends from it.", BounceClass.BlockedReputation),
        Limit(Netease, "hl:ihu|hl:ipb", "NetEase distrusts the sending address.", WriteToPostmaster, BounceClass.BlockedReputation),
        Limit(Netease, "dt:rbl", "The sending address is on a blocklist that NetEase asks.", "Have it removed there.", BounceClass.BlockedReputation),
        Limit(Netease, "mi:spb", "NetEase distrusts the sender.", WriteToPostmaster, BounceClass.BlockedReputation),
        Limit(Netease, "dt:spm", "NetEase finds that the message looks like spam, or its sender untidy.", "Look at the message's links and wording, and at SPF and DKIM; it is tried again.", BounceClass.BlockedContent),
        Limit(Netease, "dt:sum", "NetEase wants the envelope's sender and the one in From to agree.", "Align the return path with From.", BounceClass.Authentication),
        Limit(Netease, "mi:spf", "NetEase found that SPF does not pass.", "Publish SPF for the return path's domain.", BounceClass.Authentication),
        Limit(Netease, "mi:dma", "NetEase found that DMARC does not pass.", "Publish SPF, DKIM and DMARC so that they pass.", BounceClass.Authentication),
        Limit(Netease, "mi:dmc|rp:drc|mi:ccl|rp:ccl", "NetEase takes no more on this connection."),
        Limit(Netease, "mi:sfq", "NetEase has had too much of this sender in the last fifteen minutes."),
        Limit(Netease, "mi:stc|rp:orq|rp:trc|rp:rcl", "NetEase has had its fill of this sender for today.", "Send less to NetEase in a day; tomorrow it takes mail again."),
        Limit(Netease, "rp:qrc", "NetEase has had too many recipients of this sender in a short time."),
        Limit(Netease, "mi:cel|rp:cel", "NetEase has seen too many wrong commands or recipients.", "Clean your lists; NetEase takes mail again after a pause."),
        Limit(Netease, "wm:bli|wm:blu", "NetEase takes mail from listed senders only, and this one is not listed.", WriteToPostmaster, BounceClass.BlockedReputation),
        Limit(Netease, "hl:???|mi:???|dt:???|rp:???|wm:???", "NetEase has reached one of its limits for this sender."),
        Dead("550", "invalid user…163|user not found…163.com|user not found…126.com|user not found…yeah.net", "Nobody has this address at NetEase."),
        Disabled("550", "user suspended", "The receiver has suspended this mailbox."),
        Reputation("550 554", "user in blacklist|ip in blacklist|ip is rejected", "The receiver distrusts the sender.", WriteToPostmaster),
        TooMuchForOne("550 554", "too much recipient|too much recipients", "The message has more recipients than NetEase takes at a time.", "Send to fewer recipients at a time."),
        Rule("553", "no smtp mx only", "NetEase takes no mail from outside whose return path is at NetEase.", "Send with a return path of your own domain."),
        Rule("553", "null sender is not allowed", "The receiver takes no bounces."),
        Rule("552", "illegal attachment", "The receiver does not take such attachments.", "Send a link in the place of the attachment."),

        // Alibaba Mail (aliyun.com and mail.aliyun's customers).
        Reputation("554", "reject by behaviour spam", "Alibaba distrusts how this sender behaves.", WriteToPostmaster),
        Content("554", "reject by content spam|mail data refused by aisp|rejected by content filter…aliyun", "Alibaba distrusts what the message says."),
        Content("553", "mail data refused by aisp", "Alibaba distrusts what the message says."),
        CertainlyDead("550 553 554 559", "invalid rcptto|rcpt…dosn't exist", "Nobody has this address."),
        Dead("550 553 554 559", "rcpt…doesn't exist", "Nobody has this address."),
        Full("", "user space full|mailbox is full…aliyun|超出邮箱容量", "The recipient's mailbox is full."),
        TooMuch("4xx 554", "too many connections…aliyun|antispam_flow|sending too frequently", "The receiver has had too much for now."),

        // Sina.
        Dead("550", "user does not exist…sina|unknown user…sina|no such user…sina", "Nobody has this address at Sina."),
        Full("", "quota exceed the hard limit|exceed the hard limit for user", "The recipient's mailbox is full."),
        Reputation("4xx 5xx", "your ip is blocked…sina|spam ip…sina|ip is in black list…sina|blocked by sina", "Sina distrusts the sending address.", WriteToPostmaster),
        Content("5xx", "spam content rejected…sina|rejected as spam…sina|spam detected…sina", "Sina distrusts what the message says."),
    ];

    /// <summary>What Chinese systems say in Chinese.</summary>
    private static BounceRow[] ChineseWords =>
    [
        Full("", "邮箱已满|邮箱空间已满|邮箱空间不足|容量已满|空间已满|容量不足|超过邮箱容量|郵箱已滿|信箱已滿|超出配额", "The recipient's mailbox is full."),
        Dead("", "收件人不存在|用户不存在|邮箱不存在|收件人地址不存在|收件人邮箱不存在|该收件人地址不存在|帐号不存在|账号不存在|地址不存在|查无此人|不存在该用户|无此用户|收件人帐号不存在|使用者不存在|收件者不存在|收信人不存在",
            "Nobody has this address."),
        Disabled("", "邮箱已停用|邮箱被禁用|帐号被禁用|账号被禁用|帐号被冻结|账号被冻结|邮箱已注销|账号已注销|帐号已注销|长期未登录", "The mailbox has been closed or disabled."),
        Reputation("", "ip被列入|黑名单|ip信誉|发信ip|被屏蔽|发件人被拒", "The receiver distrusts the sender."),
        Content("", "垃圾邮件|反垃圾|内容被拒|敏感|涉嫌|含有病毒|病毒邮件", "The receiver distrusts what the message says."),
        TooLarge("", "邮件过大|邮件太大|超过大小|附件过大|超出大小限制|信件过大|邮件大小超过"),
        Unnamed("", "域名不存在|域名解析失败|找不到收件人域名|无法解析|域名无效|找不到域名", "The recipient's domain does not exist or takes no mail."),
        Rule("", "拒收|拒绝接收|被对方拒绝|收信规则", "The recipient or its system refuses this sender's mail.", "Do not write to this recipient again unless asked."),
        TooMuch("", "连接数过多|超过限制", "The receiver takes no more for now."),
        Unreached("", "连接超时|无法连接|对方服务器|网络故障|投递超时|请稍后再试|暂时无法", "The recipient's host could not be reached in time.", "Try again later, and check the domain."),
    ];
}
