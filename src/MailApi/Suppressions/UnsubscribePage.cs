using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using MailApi.Api;

namespace MailApi.Suppressions;

/// <summary>
/// What a recipient sees behind an unsubscribe link: self-contained pages in English and Chinese, without script. None shows the address, so that a forwarded
/// mail tells nobody whose it was.
/// </summary>
internal static class UnsubscribePage
{
    /// <summary>Which form was sent; the one-click of mail programs (RFC 8058 §3.2) has no such field.</summary>
    public const string ActionField = "action";
    public const string TopicField = "topic";

    private const string Style = """
        body{font:1rem/1.6 system-ui,"PingFang SC","Microsoft YaHei",sans-serif;color:#1b1b1b;background:#fff;max-width:34rem;margin:0 auto;padding:3rem 1rem}
        h1{font-size:1.5rem;line-height:1.3;margin:0 0 1rem}h2,legend{font-size:1.1rem;font-weight:600;margin:0;padding:0}
        form{margin:1.5rem 0}fieldset{border:1px solid #767676;border-radius:.4rem;margin:0 0 1rem;padding:1rem}
        label{display:block;padding:.35rem 0}input{width:1.2rem;height:1.2rem;margin:0 .6rem 0 0;vertical-align:-.2rem}
        button{font:inherit;padding:.6rem 1.2rem;border:1px solid #0b57d0;border-radius:.4rem;background:#0b57d0;color:#fff;cursor:pointer}
        button.second{background:#fff;color:#0b57d0}:focus-visible{outline:3px solid #b35900;outline-offset:2px}
        [role=status]{border-left:.3rem solid #146c2e;padding-left:.8rem}hr{border:0;border-top:1px solid #ccc;margin:2rem 0}
        @media(prefers-color-scheme:dark){body{color:#eee;background:#1b1b1b}button.second{background:#1b1b1b;color:#a8c7fa;border-color:#a8c7fa}:focus-visible{outline-color:#ffb870}[role=status]{border-color:#6dd58c}}
        """;

    // Chinese is written as it is; what HTML gives a meaning to is not.
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    /// <summary>Nothing but this style and a form to this host, in no frame.</summary>
    public static readonly string ContentSecurityPolicy = string.Join("; ",
        "default-src 'none'", $"style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'",
        "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'");

    /// <summary>Asks; the forms post to the page's own address.</summary>
    public static string Ask(LinkedMail mail, MailChoices choices)
    {
        if (!choices.IsSubscribed) return Done(mail);
        var (english, chinese, sender) = Words(mail);
        return Page("Unsubscribe · 退订", $"""
            <h1>Unsubscribe? · <span lang="zh-Hans">退订？</span></h1>
            <p>You will get no more {english} from <b>{sender}</b>.</p>
            <p lang="zh-Hans">退订后，您将不再收到 <b>{sender}</b> 发送的{chinese}。</p>
            <form method="post">
            <input type="hidden" name="List-Unsubscribe" value="One-Click">
            <button type="submit">Unsubscribe · <span lang="zh-Hans">退订</span></button>
            </form>
            {Topics(choices, "Or choose topics", "或选择主题")}
            """);
    }

    public static string Done(LinkedMail mail)
    {
        var (english, chinese, sender) = Words(mail);
        return Page("Unsubscribed · 已退订", $"""
            <h1>You are unsubscribed. · <span lang="zh-Hans">您已退订。</span></h1>
            <div role="status">
            <p>You will get no more {english} from <b>{sender}</b>.</p>
            <p lang="zh-Hans">您将不再收到 <b>{sender}</b> 发送的{chinese}。</p>
            </div>
            <hr>
            <h2>Was it a mistake? · <span lang="zh-Hans">不小心退订了？</span></h2>
            <form method="post">
            <input type="hidden" name="{ActionField}" value="{UnsubscribeAction.Resubscribe.ToText()}">
            <button type="submit" class="second">Subscribe again · <span lang="zh-Hans">重新订阅</span></button>
            </form>
            """);
    }

    /// <summary>After a choice of topics, or a new subscription.</summary>
    public static string Saved(LinkedMail mail, MailChoices choices)
    {
        if (!choices.IsSubscribed) return Done(mail);
        var (english, chinese, sender) = Words(mail);
        var hasRefused = choices.Topics.Any(choice => !choice.IsWanted);
        return Page("Saved · 已保存", $"""
            <h1>Your choice is saved. · <span lang="zh-Hans">您的选择已保存。</span></h1>
            <div role="status">
            <p>You asked for {english} from <b>{sender}</b>{(hasRefused ? ", but not on the topics that are not ticked" : "")}.</p>
            <p lang="zh-Hans">您已选择接收 <b>{sender}</b> 发送的{chinese}{(hasRefused ? "（未勾选的主题除外）" : "")}。</p>
            </div>
            {Topics(choices, "Choose topics", "选择主题")}
            <hr>
            <form method="post">
            <input type="hidden" name="List-Unsubscribe" value="One-Click">
            <button type="submit" class="second">Unsubscribe from everything of this kind · <span lang="zh-Hans">全部退订</span></button>
            </form>
            """);
    }

    public static string Unknown() => Page("Unknown link · 链接无效", """
        <h1>This link is not known. · <span lang="zh-Hans">链接无效。</span></h1>
        <p>It may have been shortened or altered on its way. Please use the link in the mail itself.</p>
        <p lang="zh-Hans">链接无效或已被改动，请使用邮件中的原始链接。</p>
        """);

    private static string Topics(MailChoices choices, string english, string chinese) => choices.Topics.Count == 0 ? "" : $"""
        <form method="post">
        <input type="hidden" name="{ActionField}" value="{UnsubscribeAction.Topics.ToText()}">
        <fieldset>
        <legend>{english} · <span lang="zh-Hans">{chinese}</span></legend>
        {string.Join('\n', choices.Topics.Select(choice => Box(choice.Topic, choice.IsWanted)))}
        </fieldset>
        <button type="submit" class="second">Save · <span lang="zh-Hans">保存</span></button>
        </form>
        """;

    private static string Box(Topic topic, bool isWanted)
    {
        var chinese = topic.TitleZh is { } title ? $""" · <span lang="zh-Hans">{Encoder.Encode(title)}</span>""" : "";
        return $"""<label><input type="checkbox" name="{TopicField}" value="{topic.Name}"{(isWanted ? " checked" : "")}>{Encoder.Encode(topic.Title!)}{chinese}</label>""";
    }

    private static (string English, string Chinese, string Sender) Words(LinkedMail mail)
    {
        var (english, chinese) = mail.Category switch
        {
            Category.Marketing => ("newsletters and offers", "营销邮件"),
            Category.Notification => ("notifications", "通知邮件"),
            _ => ("support mail", "客服邮件"),
        };
        return (english, chinese, Encoder.Encode(mail.Domain ?? "this sender"));
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
        <main>
        {body}
        </main>
        </body>
        </html>
        """;
}
