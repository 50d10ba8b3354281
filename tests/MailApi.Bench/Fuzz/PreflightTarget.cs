using MailApi.Mail.Authentication;
using MailApi.Mail.Preflight;
using MailApi.Testing.Fuzzing;

namespace MailApi.Bench.Fuzz;

/// <summary>Every check of a message that asks nobody: each has a name of its own, one answer, a reason that can be shown, and a cure where something is wrong.</summary>
internal static class PreflightTarget
{
    private static readonly DateTimeOffset Now = new(2026, 11, 30, 6, 0, 0, TimeSpan.Zero);
    private static readonly Check ReverseDns = Check.Pass("reverseDns", CheckGroup.Connection, "It has a name.");

    private static readonly PreflightFacts Facts = new()
    {
        IsMarketing = true,
        OrganizationalDomain = "shop.example",
        EgressAddress = null,
        HeloName = "mail.shop.example",
        SpfResult = AuthenticationResult.Pass,
        SpfAligned = true,
        Dkim = [new DkimFact("mail.shop.example", "s1", AuthenticationResult.Pass, Aligned: true)],
        DmarcResult = AuthenticationResult.Pass,
        DmarcPolicy = DmarcPolicy.None,
        TrackingHost = "t.shop.example",
    };

    public static readonly string[] Words =
    [
        "From: ", "To: ", "Subject: ", "Date: ", "Message-ID: <", "Content-Type: text/html; charset=utf-8\r\n", "Content-Type: multipart/mixed; boundary=b\r\n", "--b\r\n", "--b--\r\n", "Content-Type: message/rfc822\r\n", "Content-Type: application/zip; name=a.zip\r\n",
        "Content-Disposition: attachment; filename*=utf-8''%E2%80%AEgpj.exe\r\n", "Content-Transfer-Encoding: base64\r\n", "Content-Transfer-Encoding: quoted-printable\r\n", "charset=gb18030", "charset=utf-7", "List-Unsubscribe: <https://a/>, <mailto:b@c>\r\n", "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        "<a href=\"http://", "<a href='javascript:", "<img src=cid:1>", "<div style=\"display:none;font-size:0\">", "<style>", "</style>", "<!--", "-->", "<script>", "&#x202e;", "&nbsp;", "http://xn--", "https://user@", "https://[::1]/", "PK\u0003\u0004", "%PDF-", "=?utf-8?B?", "?=", "=\r\n", "\r\n\r\n", "\u202e", "\u200b", "\u0430", "\uD83D\uDE00",
    ];

    public static string Try(byte[] input)
    {
        var message = RenderedMessage.Read(input);
        var links = Link.Of(message);
        Check[] checks = [.. Inspection.Lint(message, links, Facts, Now), ReceiverRules.Gmail(message, Facts, ReverseDns), ReceiverRules.Yahoo(message, Facts, ReverseDns), ReceiverRules.Microsoft(message, Facts)];
        if (checks.Select(check => check.Name).Distinct().Count() != checks.Length) throw new InvalidOperationException("Two checks of one name.");
        foreach (var check in checks)
        {
            if (check.Reason is not { Length: > 0 and < 1000 } || check.Reason.Any(char.IsControl)) throw new InvalidOperationException($"{check.Name} cannot be shown: {check.Reason}");
            if (check.Result == CheckResult.Pass != check.Cure is null) throw new InvalidOperationException($"{check.Name} says {check.Result}, and to do: {check.Cure}");
        }
        return $"{message.Error is null} {string.Concat(checks.Select(check => (int)check.Result))}";
    }
}
