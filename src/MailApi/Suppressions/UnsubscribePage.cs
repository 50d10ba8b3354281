using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using MailApi.Api;

namespace MailApi.Suppressions;

/// <summary>What a recipient sees behind an unsubscribe link: self-contained pages in English and Chinese, without script.</summary>
internal static class UnsubscribePage
{
    private const string Style = "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem}";

    /// <summary>Nothing but this style and a form to this host, in no frame.</summary>
    public static readonly string ContentSecurityPolicy = string.Join("; ",
        "default-src 'none'", $"style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'",
        "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'");

    /// <summary>Asks; the button posts to the page's own address.</summary>
    public static string Ask(LinkedMail mail)
    {
        var (english, chinese, sender) = Words(mail);
        return Page("Unsubscribe · 退订", $"""
            <h1>Unsubscribe?</h1>
            <p>You will get no more {english} from <b>{sender}</b>.</p>
            <p lang="zh-Hans">退订后，您将不再收到 <b>{sender}</b> 发送的{chinese}。</p>
            <form method="post">
            <input type="hidden" name="List-Unsubscribe" value="One-Click">
            <button type="submit">Unsubscribe · <span lang="zh-Hans">退订</span></button>
            </form>
            """);
    }

    public static string Done(LinkedMail mail)
    {
        var (english, chinese, sender) = Words(mail);
        return Page("Unsubscribed · 已退订", $"""
            <h1>You are unsubscribed.</h1>
            <p>You will get no more {english} from <b>{sender}</b>.</p>
            <p lang="zh-Hans">您已退订，将不再收到 <b>{sender}</b> 发送的{chinese}。</p>
            """);
    }

    public static string Unknown() => Page("Unknown link · 链接无效", """
        <h1>This link is not known.</h1>
        <p>It may have been shortened or altered on its way. Please use the link in the mail itself.</p>
        <p lang="zh-Hans">链接无效或已被改动，请使用邮件中的原始链接。</p>
        """);

    private static (string English, string Chinese, string Sender) Words(LinkedMail mail)
    {
        var (english, chinese) = mail.Category switch
        {
            Category.Marketing => ("newsletters and offers", "营销邮件"),
            Category.Notification => ("notifications", "通知邮件"),
            _ => ("support mail", "客服邮件"),
        };
        return (english, chinese, HtmlEncoder.Default.Encode(mail.Domain ?? "this sender"));
    }

    private static string Page(string title, string body) => $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="robots" content="noindex">
        <title>{title}</title>
        <style>{Style}</style>
        </head>
        <body>
        {body}
        </body>
        </html>
        """;
}
