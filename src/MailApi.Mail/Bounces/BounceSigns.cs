namespace MailApi.Mail.Bounces;

/// <summary>What tells a bounce that is no report from what people and their machines answer. Lists in lower case, in the languages of the receivers that write them.</summary>
/// <param name="IsCertain">It needs no words that say so.</param>
/// <param name="IsPossible">It is one if its words say so.</param>
internal readonly record struct BounceSigns(bool IsCertain, bool IsPossible)
{
    private static readonly string[] SystemAddresses =
    [
        "mailer-daemon", "mailerdaemon", "mail-daemon", "maildaemon", "postmaster", "mdaemon", "double-bounce", "mailsystem", "mail-system", "mailadmin", "mail.daemon", "microsoftexchange", "noreply-mail-system", "abuse", "hostmaster", "webmaster", "admin", "support", "helpdesk", "noreply", "no-reply", "root",
    ];

    /// <summary>Of those, the ones that write bounces.</summary>
    private const int DaemonCount = 13;

    private static readonly string[] SystemNames =
    [
        "mail delivery s", "mailer-daemon", "mail delivery system", "mail delivery subsystem", "mail deliver", "system administrator", "microsoft outlook", "microsoft exchange", "internet mail delivery", "postmaster", "系统管理员", "邮件系统", "邮件投递", "почтовая система", "mail system", "mailservice",
    ];

    private static readonly string[] Subjects =
    [
        "undeliver", "non-deliver", "nondeliver", "not delivered", "returned mail", "returned to sender", "return to sender", "mail returned", "delivery status notification", "delivery notification", "failure notice", "failure delivery", "delivery failure", "delivery failed", "delivery has failed", "delivery error", "delivery problem",
        "mail delivery fail", "message delivery fail", "could not be delivered", "could not deliver", "couldn't be delivered", "cannot be delivered", "can not be delivered", "unable to deliver", "mail system error", "mail status report", "bounced mail", "bounce message", "message bounced", "rejected mail", "message rejected", "mail error",
        "warning: could not send", "could not send message", "message status - undeliverable", "delivery delay", "delayed mail", "message delayed", "delivery delayed", "mail delivery delay", "delivery report", "user unknown", "nicht zugestellt", "unzustellbar", "zustellung fehlgeschlagen", "zustellfehler", "unzustellbare", "zustellung verzögert", "rückläufer",
        "fehler bei der zustellung", "退信", "退回", "投递失败", "发送失败", "无法投递", "投递状态", "投递延迟", "未送达", "无法送达", "传送失败", "傳送失敗", "郵件退回", "寄送失敗", "не доставлен", "недоставлен", "не может быть доставлено", "ошибка доставки", "не удалось доставить", "возврат письма", "задержка доставки",
        "配信不能", "配信エラー", "送信エラー", "配送エラー", "配信できません", "届きませんでした", "配信失敗", "未配信", "non remis", "échec de la remise", "non distribu", "no entregado", "no se puede entregar", "error de entrega", "mancata consegna", "não entregue", "falha na entrega",
    ];

    private static readonly string[] Failures =
    [
        "could not be delivered", "couldn't be delivered", "could not deliver", "wasn't able to deliver", "was not able to deliver", "unable to deliver", "cannot be delivered", "can't be delivered", "undeliverable", "was not delivered", "not delivered", "delivery failed", "delivery has failed", "failed to deliver", "delivery to the following",
        "permanent error", "fatal errors", "fatal error", "returned to sender", "did not reach", "was undeliverable", "has been rejected", "was rejected", "bounced", "delivery attempt", "not yet been delivered", "still being", "has not been delivered", "user unknown", "rejected your message", "rejected the message", "message was not accepted",
        "退信", "投递失败", "发送失败", "无法投递", "无法送达", "未能送达", "被退回", "未能投递", "投递不成功", "没有发送成功", "无法发送到", "传送失败", "延迟", "无法传递", "退回", "не доставлено", "не может быть доставлено", "не удалось доставить", "не было доставлено", "доставить не удалось", "доставка невозможна", "отклонено",
        "nicht zugestellt", "unzustellbar", "konnte nicht", "zustellung", "配信できません", "配信できなかった", "届けることができません", "お届けできません", "送信できません", "届きませんでした", "配信に失敗", "配送できません", "n'a pas pu être", "no se pudo entregar", "non è stato possibile",
    ];

    private static readonly string[] Delays =
    [
        "will be retried", "will retry", "will keep trying", "still trying", "keep trying", "continue to try", "continue trying", "do not need to resend", "don't need to resend", "no need to resend", "not need to resend", "not yet been delivered", "not yet delivered", "has been delayed", "is delayed", "delivery delayed", "warning message only", "this is a warning",
        "will be attempted", "attempts to deliver the message will continue", "continue to attempt", "noch nicht zugestellt", "weitere zustellversuche", "wird weiter versucht", "继续尝试", "系统会继续", "将继续", "稍后重试", "继续重试", "投递延迟", "将在", "попытки доставки будут", "попытки продолж", "будет предпринят", "задерживается", "задержка доставки", "再送を", "引き続き", "再試行",
    ];

    public static BounceSigns Of(FieldBlock header)
    {
        var subject = (header["Subject"] ?? "").Trim().ToLowerInvariant();
        var from = header["From"] ?? header["Sender"] ?? "";
        if (header.Has("X-Failed-Recipients")) return new(IsCertain: true, IsPossible: true);
        // An answer to a bounce, or a bounce passed on, is a person's.
        if (subject.StartsWith("re:", StringComparison.Ordinal) || subject.StartsWith("fw:", StringComparison.Ordinal) || subject.StartsWith("fwd:", StringComparison.Ordinal) || subject.StartsWith("aw:", StringComparison.Ordinal)
            || subject.StartsWith("wg:", StringComparison.Ordinal) || subject.StartsWith("回复", StringComparison.Ordinal) || subject.StartsWith("转发", StringComparison.Ordinal)) return default;

        var isHeaded = Array.Exists(Subjects, it => subject.Contains(it, StringComparison.Ordinal));
        var isByDaemon = IsDaemon(from);
        // The null return path (RFC 5321 §4.5.5) is that of every automatic answer.
        return new(IsCertain: isHeaded && (isByDaemon || header["Return-Path"]?.Trim() == "<>"), IsPossible: isHeaded || (isByDaemon && !AutoReplies.IsHeadedSo(header)));
    }

    /// <summary>An address of those who run a mail system.</summary>
    public static bool IsSystem(string address) => Array.Exists(SystemAddresses, it => LocalPartIs(address, it));

    public static bool SaysSo(string text) => Holds(text, Failures);

    public static bool IsDelay(string subject, string text) => Holds(subject, Delays) || Holds(subject, ["delay", "warning", "延迟", "verzögert", "задержк", "遅延"]) || Holds(text, Delays);

    private static bool IsDaemon(string from)
    {
        var address = Marks.AddressIn(from) ?? from;
        if (SystemAddresses.AsSpan(0, DaemonCount).ToArray().Any(it => LocalPartIs(address, it))) return true;
        var name = from.Split('<')[0].Trim(' ', '"').ToLowerInvariant();
        return Array.Exists(SystemNames, it => name.StartsWith(it, StringComparison.Ordinal));
    }

    private static bool LocalPartIs(string address, string name) =>
        address.StartsWith(name, StringComparison.OrdinalIgnoreCase) && (address.Length == name.Length || !char.IsLetterOrDigit(address[name.Length]) || name == "microsoftexchange");

    private static bool Holds(string text, string[] phrases)
    {
        var lower = text.ToLowerInvariant();
        return Array.Exists(phrases, it => lower.Contains(it, StringComparison.Ordinal));
    }
}
