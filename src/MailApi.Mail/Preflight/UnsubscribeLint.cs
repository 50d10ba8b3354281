using System.Text;
using MailApi.Mail.Authentication;
using MailApi.Mail.Composition;
using MailApi.Mail.Dkim;
using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>One-click unsubscribing (RFC 8058, RFC 2369) and the link that the reader sees.</summary>
internal static class UnsubscribeLint
{
    private static readonly string[] Words =
    [
        "unsubscribe", "opt out", "opt-out", "manage preferences", "email preferences", "stop receiving", "退订", "取消订阅", "退訂", "取消訂閱", "配信停止", "購読解除", "수신거부", "구독 취소",
        "abmelden", "abbestellen", "austragen", "désabonner", "desabonner", "désinscrire", "darse de baja", "cancelar la suscripción", "annulla l'iscrizione", "disiscri", "uitschrijven",
        "afmelden", "wypisz", "отписаться", "إلغاء الاشتراك",
    ];

    public static Check OneClick(RenderedMessage message, PreflightFacts facts)
    {
        if (!facts.IsMarketing && !message.Has("list-unsubscribe") && !message.Has("list-unsubscribe-post"))
            return Pass("oneClickUnsubscribe", Unsubscribe, "Mail about an order needs no unsubscribe header.");
        if (OneClickError(message, facts) is not { } error) return Pass("oneClickUnsubscribe", Unsubscribe,
            "Readers can unsubscribe with one click, and the headers for it are signed.");
        const string cure = "Set List-Unsubscribe to <https://…> of your own, List-Unsubscribe-Post to 'List-Unsubscribe=One-Click', "
            + "and let DKIM sign both (the service does it for marketing mail).";
        return facts.IsMarketing
            ? Fail("oneClickUnsubscribe", Unsubscribe, $"{error} Gmail and Yahoo demand one-click unsubscribing of marketing mail.", cure)
            : Warn("oneClickUnsubscribe", Unsubscribe, error, cure);
    }

    /// <summary>Why no receiver would show its unsubscribe button, a whole sentence; null when it would.</summary>
    public static string? OneClickError(RenderedMessage message, PreflightFacts facts)
    {
        if (message.Values("list-unsubscribe").FirstOrDefault() is not { } list) return "There is no List-Unsubscribe header.";
        if (OneClickFields.HttpsAddress(list) is null) return $"List-Unsubscribe, '{Shown.Text(list)}', names no https address in angle brackets.";
        if (message.Values("list-unsubscribe-post").FirstOrDefault() is not { } post) return "There is no List-Unsubscribe-Post header, so that the address is not for one click.";
        if (!post.Equals(OneClickFields.PostValue, StringComparison.OrdinalIgnoreCase)) return $"List-Unsubscribe-Post says '{Shown.Text(post)}' instead of '{OneClickFields.PostValue}'.";
        if (!facts.DkimPasses) return "No DKIM signature passes, which RFC 8058 §4 demands of the unsubscribe headers.";
        return PassingSignatures(message, facts).Any(names => names.Contains("list-unsubscribe") && names.Contains("list-unsubscribe-post"))
            ? null
            : "No passing DKIM signature covers both List-Unsubscribe and List-Unsubscribe-Post (RFC 8058 §4).";
    }

    public static Check UnsubscribeLink(RenderedMessage message, IReadOnlyList<Link> links, bool isMarketing)
    {
        if (!isMarketing) return Pass("unsubscribeLink", Unsubscribe, "Mail about an order needs no unsubscribe link.");
        var target = message.Values("list-unsubscribe").Select(OneClickFields.HttpsAddress).FirstOrDefault();
        var found = links.Any(link => link.Target == target || Speaks(link.Shown) || Speaks(link.Target));
        // A plain text, or a link of which only the sentence around it speaks: "To unsubscribe, click here".
        found |= links.Count > 0 && Speaks(message.VisibleText);
        return found
            ? Pass("unsubscribeLink", Unsubscribe, "The text offers a way to unsubscribe.")
            : Fail("unsubscribeLink", Unsubscribe, "The text offers no link to unsubscribe, which Gmail, Yahoo and the law of many countries demand of marketing mail.",
                "Put a visible link such as 'Unsubscribe' at the end.");
    }

    private static bool Speaks(string text) => Words.Any(word => text.Contains(word, StringComparison.OrdinalIgnoreCase));

    /// <summary>The lists <c>h=</c> of those signatures that the facts say pass, in lower case.</summary>
    private static IEnumerable<HashSet<string>> PassingSignatures(RenderedMessage message, PreflightFacts facts)
    {
        foreach (var field in message.Fields.Where(field => field.Name == "dkim-signature").Take(Verifier.SignaturesMax))
        {
            if (!TagList.TryParse(Encoding.UTF8.GetString(field.Value.Span), out var tags)) continue;
            var (domain, selector) = (tags.Compact("d"), tags.Compact("s"));
            var passes = facts.Dkim.Any(fact => fact.Result == AuthenticationResult.Pass
                && fact.Domain.Equals(domain, StringComparison.OrdinalIgnoreCase) && fact.Selector.Equals(selector, StringComparison.OrdinalIgnoreCase));
            if (passes) yield return [.. (tags.List("h") ?? []).Select(name => name.ToLowerInvariant())];
        }
    }
}
