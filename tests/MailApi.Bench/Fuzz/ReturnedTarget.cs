using MailApi.Mail.Bounces;

namespace MailApi.Bench.Fuzz;

/// <summary>Mail that comes back: whatever it is, it is read, and what is read of it is within bounds.</summary>
internal static class ReturnedTarget
{
    public static readonly string[] Words =
    [
        "Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n", "Content-Type: message/rfc822\r\n\r\n", "Content-Type: message/delivery-status\r\n\r\n", "Content-Type: message/feedback-report\r\n\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", "Content-Transfer-Encoding: base64\r\n", "Content-Transfer-Encoding: quoted-printable\r\n", "charset=iso-2022-jp", "charset=gb18030", "charset=utf-7", "charset=utf-16", "--b\r\n", "--b--\r\n", "\r\n\r\n", "\n\n",
        "Final-Recipient: rfc822; a@b.example\r\n", "Final-Recipient: utf-8; \\x{7528}\\x{110000}@b.example\r\n", "Action: failed\r\n", "Action: delayed\r\n", "Status: 5.1.1\r\n", "Diagnostic-Code: smtp; 550-5.1.1 x\r\n 550 5.1.1 y\r\n", "Remote-MTA: dns; mx.example\r\n",
        "X-Failed-Recipients: a@b.example\r\n", "Subject: =?gbk?B?z7XNs83L0MU=?=\r\n", "=?utf-8?B?", "?=", "=?iso-2022-jp?B?GyRC?=", "From: MAILER-DAEMON@x.example\r\n", "<a@b.example>:\r\n", "550 5.1.1 User unknown", "退信", "邮箱已满", "\uD83D\uDE00", "Message-ID: <a@b>\r\n",
        "List-Unsubscribe: <https://a.example/>\r\n", "CFBL-Feedback-ID: ab\r\n cd\r\n", "Feedback-Type: abuse\r\n", "--- Below this line is a copy of the message.\r\n", "<html><br><!--", "&#x1F600;", "&#0;",
    ];

    public static string Try(byte[] input)
    {
        var returned = ReturnedMail.Read(input);
        Check(returned.About);
        if (returned is Returned.Complaint complaint && complaint.FeedbackType.Length is 0 or > 50) throw new InvalidOperationException("A feedback type without bounds.");
        if (returned is not Returned.Status status) return $"{returned.GetType().Name} {Shape(returned.About)}";
        if (status.Recipients.Count is 0 or > 100) throw new InvalidOperationException($"A status of {status.Recipients.Count} recipients.");
        foreach (var recipient in status.Recipients) Check(recipient);
        var first = status.Recipients[0];
        return $"{first.Action} {first.Verdict.Class} {first.Verdict.IsHard} {first.Reply.Code} {first.FinalRecipient is null} {Math.Min(3, status.Recipients.Count)} {Shape(returned.About)}";
    }

    private static string Shape(About about) => $"{Math.Min(2, about.ReturnPaths.Count)} {about.MessageId is null} {Math.Min(2, about.Unsubscribe.Count)} {about.FeedbackId is null}";

    private static void Check(RecipientStatus it)
    {
        if (it.Action is DeliveryAction.Failed or DeliveryAction.Delayed && it.Reply.Code is < 400 or > 599) throw new InvalidOperationException($"A failure with the code {it.Reply.Code}.");
        if (it.Reply.Text.Length > 1000 || it.Reply.Text.Any(char.IsControl)) throw new InvalidOperationException("A reply with control characters, or too long.");
        if (it.Verdict.IsHard && !it.Reply.IsPermanent) throw new InvalidOperationException("A hard verdict on a temporary reply.");
        if (it.Verdict.SuppressesAddress && !it.Verdict.IsHard) throw new InvalidOperationException("A soft verdict that suppresses.");
        foreach (var address in new[] { it.FinalRecipient, it.OriginalRecipient })
            if (address is not null) CheckText(address, 320);
        if (it.RemoteHost is not null) CheckText(it.RemoteHost, 320);
    }

    private static void Check(About it)
    {
        if (it.ReturnPaths.Count > 20 || it.Unsubscribe.Count > 10) throw new InvalidOperationException("More marks than are looked at.");
        foreach (var path in it.ReturnPaths) CheckText(path, 320);
        if (it.MessageId is not null) CheckText(it.MessageId, 998);
        if (it.FeedbackId is not null) CheckText(it.FeedbackId, 998);
        foreach (var link in it.Unsubscribe) CheckText(link, 16 << 10);
    }

    /// <summary>Text that can be stored and logged: no control character, no half of one beyond the first plane.</summary>
    private static void CheckText(string text, int charsMax)
    {
        if (text.Length is 0 || text.Length > charsMax) throw new InvalidOperationException($"A mark of {text.Length} characters.");
        for (var index = 0; index < text.Length; index++)
        {
            if (char.IsControl(text[index])) throw new InvalidOperationException("A control character.");
            if (char.IsSurrogate(text[index]) && !(index + 1 < text.Length && char.IsSurrogatePair(text[index], text[++index]))) throw new InvalidOperationException("Half a character.");
        }
    }
}
