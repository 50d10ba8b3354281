using static MailApi.Mail.Bounces.BounceRow;

namespace MailApi.Mail.Bounces;

public static partial class BounceTable
{
    /// <summary>What many receivers say: those who blame the sender before those who miss the mailbox, since some do both.</summary>
    private static BounceRow[] Words =>
    [
        Grey("4xx", "greylist|greylisted|greylisting|grey listed|grey-listed|graylist|graylisted|gray listed|postgrey|try again in…seconds|deferred due to greylisting"),
        TooMuch("4xx 5xx", "sending quota|sender quota|sender's quota|outgoing quota", "The sender has used up what the receiver takes of it in a time.", "Send less in a day; what was refused is worth another try later."),
        Full("", "mailbox full|mailbox is full|mailbox…is full|inbox is full|inbox full|mailbox over quota|over quota|overquota|quota exceeded|exceeded quota|exceeds quota|quota violation|exceeded storage|exceeded the storage|insufficient storage|storage limit|out of storage|disk quota|account is full|user has exhausted|mailbox has exceeded|not enough space in mailbox|mailbox size limit"),
        Full("", "メールボックスがいっぱい|メールボックスの容量|容量を超え|容量オーバー|受信箱がいっぱい", "The recipient's mailbox is full."),
        Dead("", "ユーザーが見つかりません|ユーザが見つかりません|宛先が見つかりません|存在しないアドレス|メールアドレスが存在しません|アドレスが存在しません|宛先不明|該当するユーザー|アドレスが見つかりません|宛先のメールアドレスが見つかり|存在しません", "Nobody has this address."),
        Content("", "迷惑メール|スパム", "The receiver distrusts what the message says."),
        TooLarge("", "メッセージが大きすぎ|サイズ制限"),
        Rule("", "受信拒否|受信を拒否", "The recipient refuses mail from this sender.", "Do not write to this recipient again unless asked."),

        Unproven("4xx 5xx", "dmarc|dmarc policy|dmarc check", "DMARC does not pass."),
        Unproven("4xx 5xx", "spf check|spf fail|spf failed|spf failure|spf validation|spf record|spf hard fail|spf: fail|spf…not permitted|sender policy framework|fails spf|failed spf|not allowed by spf|openspf", "SPF does not pass.", "Publish the sending addresses in the SPF record of the return path's domain."),
        Unproven("4xx 5xx", "dkim", "DKIM does not pass.", "Publish the DKIM key, and let nothing change mail after it was signed."),
        Unproven("4xx 5xx", "ptr record|ptr records|reverse dns|rdns|reverse hostname|reverse name|no ptr|client host rejected: cannot find your|cannot find your reverse|does not resolve to|forward-confirmed|hostname…does not match|helo command rejected", "The sending address has no reverse name, or one that does not lead back.", "Set a PTR record and an address record that agree."),
        Unproven("4xx 5xx", "unauthenticated|not authenticated mail|sender…not verified|sender verify failed|sender verification failed|sender address verification", "The receiver cannot verify the sender.", "Publish SPF, DKIM and DMARC, and let the return path take mail."),
        Rule("4xx 5xx", "authentication required|authentication is required|must authenticate|smtp auth|please authenticate", "The host takes mail from its own users only.", "Check the domain's MX record, or the login of the relay."),

        TooLarge("5xx 4xx", "message too large|message too big|message is too large|message is too big|message size exceeds|size exceeds|exceeds maximum message size|exceeded maximum message size|message exceeds|maximum message size|message file too big|exceeded mailsize limit|exceeds size limit|message size limit|too large to|body too large|over the maximum allowed size|attachment too large|fixed maximum message size"),
        TooMuchForOne("4xx", "too many recipients", "The message has more recipients than the receiver takes at a time.", "Send to fewer recipients at a time."),
        TooMuchForOne("4xx", "receiving too", "This recipient gets more mail at the moment than the receiver takes for one mailbox."),
        TooMuch("4xx", "too many connections|too many concurrent|too many sessions|too many simultaneous|connection limit|connection rate limit|too many messages|too many mails|too many emails|rate limit|rate limited|rate-limit|rate-limited|ratelimit|rate limit exceeded|throttled|throttling|too fast|too frequently|too much mail|exceeded the rate|sending rate|slow down|unusual rate|excessive|limit exceeded|exceeded…limit",
            "The receiver has had too much for now."),
        TooMuch("5xx", "too many connections|too many messages|too many mails|too many emails|rate limit exceeded|rate limited|rate-limited|throttled|exceeded the rate|exceeded your…rate|hourly limit|daily limit|sending limit", "The receiver has had too much for now."),

        Dead("", "not listed in domino directory|not listed in public name|not listed in directory", "Nobody has this address."),
        Content("4xx 5xx", "virus|infected|malware|phishing|trojan", "The receiver holds the message for malicious.", "Have the links and attachments checked."),
        Content("4xx 5xx", "message…spam|spam message|rejected due to spam|spam mail rejected|spam detected|spam content|spam score|detected as spam|classified as spam|considered spam|rejected as spam|looks like spam|identified as spam|appears to be spam|junk mail|unsolicited|content rejected|content filter|message content|bad content|blocked by content|attachment…not allowed|banned file|banned content|prohibited content|blacklisted url|url…blacklist|uribl|surbl|contains a url|high probability of spam|bulk mail rejected",
            "The receiver distrusts what the message says."),
        Reputation("4xx 5xx", "spamhaus|sbl.|xbl|pbl|zen.|spamcop|barracudacentral|barracuda|sorbs|uceprotect|rbl|dnsbl|dnswl|abuseat|cbl.|invaluement|spamrats|sendersscore|senderscore|proofpoint|cloudmark|blacklist|blacklisted|black list|black listed|blocklist|blocklisted|block list|block listed|blocked using|listed at|listed by|listed in|is listed|listed on|on our list",
            "The sending address or domain is on a blocklist.", "Have it removed there, once what put it there is over."),
        Reputation("4xx 5xx", "poor reputation|bad reputation|low reputation|reputation|blocked|blocked for|has been blocked|ip blocked|your ip|your ip address|sender blocked|sender is blocked|client host rejected|host rejected|connection refused…spam|spam source|spammer|abusive|banned|not accepted from|unwanted|untrusted|denied for|dynamic ip|residential|ip address…rejected",
            "The receiver distrusts the sending address or domain."),

        Rule("5xx 4xx", "relaying denied|relay denied|relay access denied|relaying not allowed|relay not permitted|unable to relay|not permitted to relay|we do not relay|do not relay|no relaying|relaying is not|does not relay|open relay|relaying prohibited|not a local recipient|not local domain|rcpthosts|local user only",
            "The host does not take mail for this domain.", "Check the domain's MX record and the spelling of the address."),
        Unproven("4xx 5xx", "sender domain|sender's domain|domain of sender|domain of the sender|sender address rejected|sender rejected|sender address…does not exist|return path", "The receiver does not take the sender's address.", "Let the return path's domain resolve and take mail."),
        Unnamed("5xx 4xx", "domain not found|the domain…does not exist|the domain…does not accept mail|no such domain|unknown domain|domain does not exist|host not found|host unknown|unknown host|domain name not found|nxdomain|name or service not known|name service error|all relevant mx records point to non-existent|no mx|nullmx|null mx|domain does not accept|domain doesn't accept|couldn't find any host|could not find any host|couldn't find a mail exchanger|mx lookup|bad destination host|illegal host|cannot resolve|could not resolve|no valid host|dns error|dns lookup|domain has no mail|domain isn't in my list",
            "The recipient's domain does not exist or takes no mail."),
        Unencrypted("4xx 5xx", "starttls|must issue a starttls|tls required|requires tls|tls is required|encryption required|tls handshake|certificate|dane|mta-sts|tlsa|encrypted connection|tls negotiation|ssl", "The receiver, or its domain's rules, demand an encryption that could not be had."),

        Dead("", "user not local; please try", "The mailbox has moved.", "Take the address off your lists, or write to the one that the reply names."),
        Dead("", "user unknown|unknown user|unknown recipient|recipient unknown|unknown address|address unknown|unknown mailbox|mailbox unknown|unknown or illegal alias|unknown local part|unknown local-part|unknown in virtual|unknown in local|unknown in relay|no such user|no such mailbox|no such recipient|no such address|no such account|no such person|no such email|no such local user|no mailbox here by that name|no mailbox by that name|no mailbox found|there is no such|no account by that|no valid recipients|no one here|nobody by that name",
            "Nobody has this address."),
        Dead("", "user not found|recipient not found|mailbox not found|address not found|account not found|recipient address not found|user…not found|mailbox…not found|recipnotfound|recipientnotfound|user does not exist|user doesn't exist|mailbox does not exist|mailbox doesn't exist|recipient does not exist|address does not exist|account does not exist|address doesn't exist|account doesn't exist|does not exist|doesn't exist|not exist|couldn't be found|could not be found|wasn't found|was not found|doesn't have an account|does not have an account|not a valid user|not a valid mailbox|not a known user|not a valid recipient|not known here|isn't a valid",
            "Nobody has this address."),
        Dead("", "invalid recipient|recipient invalid|invalid mailbox|invalid address|invalid user|invalid email|bad recipient|bad address|bad destination mailbox|recipient address rejected: user|undeliverable address|address is invalid|mailbox invalid|email address is invalid|wrong address|destination mailbox address invalid|user invalid|recipient is invalid", "Nobody has this address."),
        Dead("", "no longer valid|no longer available|no longer active|no longer in use|no longer exists|no longer on server|no longer works|no longer with|has left|account closed|account deleted|account is closed|mailbox closed|mailbox has been closed|deactivated|retired|address has been discontinued|discontinued",
            "Nobody has this address any more."),
        Disabled("", "account disabled|account is disabled|account has been disabled|mailbox disabled|mailbox is disabled|account inactive|account is inactive|mailbox is inactive|inactive mailbox|inactive user|user disabled|user is disabled|account suspended|mailbox suspended|account has been suspended|account is locked|account locked|mailbox is locked|mailbox currently unavailable|temporarily disabled|expired account|account expired|account has expired|recipient…disabled|user suspended",
            "The mailbox has been disabled."),

        Else("4xx", "try again|try later|temporarily unavailable|temporarily rejected|temporary failure|temporary error|temporary problem|local error in processing|system busy|server busy|service unavailable|service not available|insufficient system|system resources|too busy|resources temporarily|overload|overloaded|deferred|please retry|shutting down|queue…full", "The receiver cannot take the message now.", "Nothing: the mail is tried again."),
        Unreached("", "connection timed out|connection refused|connection reset|no route to host|network is unreachable|timed out|retry timeout exceeded|retry time not reached|operation timed out|unable to connect|could not connect|couldn't connect|connection lost|lost connection|delivery time expired|message expired|has been in the queue too long|queue lifetime|giving up|not been able to connect|too old|retry limit|couldn't be delivered in time",
            "The recipient's host could not be reached in time.", "Check the domain, and try again later."),
        Else("", "loop|too many hops|hop count|too many received|mail forwarding loop|routing loop|loops back to", "The receiver's hosts pass the message round in a circle.", "Tell the recipient's postmaster."),
        Rule("5xx", "access denied|policy|not authorized|not allowed|not permitted|permission|rejected by rule|rejected by the recipient|rejected by recipient|refused by|restricted|unauthorized|prohibited|administrative|administratively|local policy|disallowed|violation|security", "The receiver refuses the message by a rule."),
        Dead("", "unrouteable address|unroutable address|recipient address rejected|recipient rejected|address rejected|mailbox unavailable|mailbox not available|user rejected", "The receiver takes no mail for this address.", "Check the address; take it off your lists if it is right."),
    ];
}
