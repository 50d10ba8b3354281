namespace MailApi.Mail.Smtp.Listener;

/// <summary>A mail transaction (RFC 5321 §3.3), from MAIL to the end of its content.</summary>
internal sealed class Transaction(Sender sender, bool smtpUtf8)
{
    public Sender Sender => sender;
    public bool SmtpUtf8 => smtpUtf8;
    public List<MailPath> Recipients { get; } = [];

    /// <summary>Null until the first of it is expected.</summary>
    public Content? Content { get; private set; }

    public Content Begin(ReceptionLimits limits) => Content ??= new Content(limits);
}
