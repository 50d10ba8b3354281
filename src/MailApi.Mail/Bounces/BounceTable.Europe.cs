using static MailApi.Mail.Bounces.BounceRow;

namespace MailApi.Mail.Bounces;

public static partial class BounceTable
{
    /// <summary>Mail.ru (list.ru, bk.ru, inbox.ru) and Yandex.</summary>
    private static BounceRow[] RussianReceivers =>
    [
        CertainlyDead("550", "local mailbox…is unavailable: user not found|message was not accepted -- invalid mailbox…user not found", "Nobody has this address at Mail.ru."),
        Disabled("550", "local mailbox…is unavailable: account is disabled|local mailbox…account is blocked|message was not accepted -- invalid mailbox|local mailbox…invalid mailbox", "Mail.ru has closed this mailbox."),
        Full("", "local mailbox…mailbox is full|local mailbox…user is over quota|mailbox…over quota…mail.ru", "The recipient's mailbox at Mail.ru is full."),
        Content("550", "spam message rejected…mail.ru|spam message discarded…mail.ru", "Mail.ru distrusts what the message says.", "Report the error code at postmaster.mail.ru."),
        Reputation("550 554 5xx", "access from ip address…blocked|ip address…blocked…mail.ru|we do not accept mail from hosts with dynamic", "The receiver distrusts the sending address.", "Ask its postmaster."),
        TooMuchForOne("4xx", "ratelimit exceeded for mailbox", "This recipient gets more mail at the moment than Mail.ru takes for one mailbox."),
        TooMuch("4xx", "ratelimit exceeded|rate limit…mail.ru", "The receiver slows this sender down.", WarmUp),
        Grey("4xx", "try again later…mail.ru|greylist…mail.ru"),
        CertainlyDead("550 5.7.1", "no such user!", "Nobody has this address."),
        Content("554 5.7.1", "message rejected under suspicion of spam", "Yandex distrusts what the message says.", "Report the error code to Yandex's postmaster pages."),
        Rule("550 5.7.1", "policy rejection on the target address", "The recipient's organization at Yandex refuses the message."),
        Full("", "mailbox size limit exceeded", "The recipient's mailbox is full."),
        Else("451 4.7.1", "the service is currently unavailable. please come back later", "Yandex is busy, or does not know this sender yet.", "Nothing: the mail is tried again."),

        // What Russian systems say in Russian.
        Dead("", "нет такого пользователя|пользователь не найден|такого пользователя нет|адресат не найден|почтовый ящик не существует|ящик не существует|получатель не найден|несуществующий адрес|пользователь не существует|адрес не существует|не существует такого адреса",
            "Nobody has this address."),
        Disabled("", "ящик заблокирован|ящик отключен|ящик отключён|пользователь заблокирован|почтовый ящик удален|почтовый ящик удалён", "The mailbox has been closed or disabled."),
        Full("", "ящик переполнен|почтовый ящик переполнен|превышена квота|нет места в ящике|превышен размер ящика|ящик получателя переполнен", "The recipient's mailbox is full."),
        Content("", "похоже на спам|признано спамом|отклонено как спам|подозрение на спам|подозрительное содержимое", "The receiver distrusts what the message says."),
        Reputation("", "черный список|чёрный список|в черном списке|в чёрном списке|ip заблокирован", "The receiver distrusts the sender."),
        TooLarge("", "слишком большое письмо|размер письма превышает|превышен максимальный размер|превышает допустимый размер"),
        Unnamed("", "домен не найден|не найден домен|домен не существует|не удалось найти домен", "The recipient's domain does not exist or takes no mail."),
        TooMuch("", "слишком много писем|превышен лимит", "The receiver takes no more for now."),
    ];

    /// <summary>GMX, WEB.DE, T-Online.</summary>
    private static BounceRow[] GermanReceivers =>
    [
        TooMuch("421", "nemesis esmtp service not available…too many connections", "GMX or WEB.DE has too many connections from this sender.", WarmUp),
        Reputation("554 550 421", "nemesis esmtp service not available|no smtp service…ip address is|ip address is block listed|error-messages…c=bl|error-messages…c=rep|error-messages…c=ip", "GMX or WEB.DE distrusts the sending address.", "Ask at postmaster.gmx.net with the whole reply."),
        Unproven("554", "bad dns ptr resource record|no ptr resource record|no or bad dns", "The sending address has no reverse name, or a bad one.", "Set a PTR record and an address record that agree."),
        Unproven("550 554", "error-messages…c=dmarc|error-messages…c=spf|error-messages…c=dkim", "GMX or WEB.DE found that SPF, DKIM or DMARC does not pass."),
        Content("554 550", "error-messages…c=spam|error-messages…c=content|reject due to content|unacceptable content", "GMX or WEB.DE distrusts what the message says."),
        TooMuch("4xx", "error-messages…c=rate|reject due to policy restrictions…c=r|too many mails from", "GMX or WEB.DE slows this sender down.", WarmUp),
        Rule("5xx", "reject due to policy restrictions", "GMX or WEB.DE refuses the message by a rule.", "Ask at postmaster.gmx.net with the whole reply."),
        Else("4xx", "reject due to policy restrictions|service not available…gmx", "GMX or WEB.DE takes nothing from this sender for now.", "Nothing: the mail is tried again."),
        Dead("550", "requested action not taken: mailbox unavailable", "Nobody has this address, or it is closed."),
        Full("552", "requested mail action aborted: exceeded storage allocation|quota of the recipient", "The recipient's mailbox is full."),
        Grey("450 451", "mail greylisted|greylisted…gmx"),
        Reputation("554", "ask your postmaster for help or to contact tosa|t-online…a problem occurred|ip=…a problem occurred", "T-Online does not know the sending address, or distrusts it.", "Write to tosa@rx.t-online.de; its web site must name who runs the host."),

        // What German systems say in German.
        Dead("", "unbekannter empfänger|empfänger unbekannt|benutzer unbekannt|unbekannter benutzer|postfach existiert nicht|adresse existiert nicht|empfängeradresse existiert nicht|e-mail-adresse wurde nicht gefunden|empfänger wurde nicht gefunden|mailbox existiert nicht|konnte nicht gefunden werden|gibt es nicht",
            "Nobody has this address."),
        Disabled("", "postfach ist deaktiviert|postfach wurde deaktiviert|konto ist deaktiviert|postfach gesperrt|konto wurde gelöscht", "The mailbox has been closed or disabled."),
        Full("", "postfach ist voll|postfach voll|postfach des empfängers ist voll|speicherplatz…überschritten|postfach ist überfüllt|kontingent überschritten|quota überschritten", "The recipient's mailbox is full."),
        Content("", "als spam eingestuft|als spam erkannt|spamverdacht|enthält einen virus", "The receiver distrusts what the message says."),
        TooLarge("", "nachricht ist zu groß|nachricht zu groß|maximale nachrichtengröße|e-mail ist zu groß"),
        Unnamed("", "domain existiert nicht|domäne existiert nicht|domain wurde nicht gefunden|domäne wurde nicht gefunden", "The recipient's domain does not exist or takes no mail."),
        Rule("", "annahme verweigert|wurde abgelehnt|nicht berechtigt", "The receiver refuses the message by a rule."),
        Unreached("", "noch nicht zugestellt|zustellung verzögert|zustellung verzögert sich", "The message has not been taken yet.", "Nothing: the mail is tried again."),
    ];
}
