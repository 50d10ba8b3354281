using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>What readers and filters make of the HTML and of its plain text twin.</summary>
internal static class HtmlLint
{
    /// <summary>Gmail cuts the HTML off there ("Message clipped"), with the unsubscribe link at its end.</summary>
    public const int ClipBytes = 102 * 1024;

    /// <summary>A hidden preview line is usual; mail programs show about this much of it, often padded.</summary>
    private const int PreviewCharsMax = 400;

    private const int StyleCharsMax = 50_000;
    private const int FewWords = 20;
    private const double AlikeMin = 0.5;
    private const double AlikeLeast = 0.15;

    public static Check TextAlternative(RenderedMessage message) => (message.Html, message.Text) switch
    {
        (null, null) => Fail("textAlternative", Content, "The message has neither text nor HTML to read.", "Give it a text."),
        (null, _) => Pass("textAlternative", Content, "The message is plain text, which every mail program shows."),
        (_, null) => Warn("textAlternative", Content, "There is HTML but no plain text: watches, screen readers and some filters want both, and SpamAssassin counts HTML alone.",
            "Give the same content as text too."),
        _ => Pass("textAlternative", Content, "The message has HTML and plain text."),
    };

    public static Check TextParity(RenderedMessage message)
    {
        if (message.Html is not { } html || message.Text is not { } text) return Pass("textParity", Content, "There is one version only, so nothing to compare.");
        var shown = Words.Count(html.VisibleText);
        var plain = Words.Count(text);
        var (shownWords, plainWords) = (shown.Values.Sum(), plain.Values.Sum());
        if (shownWords == 0 || plainWords == 0)
            return shownWords == plainWords
                ? Pass("textParity", Content, "Neither version has words.")
                : Warn("textParity", Content, $"The {(plainWords == 0 ? "plain text" : "HTML")} has no words while the other version has some.",
                    "Give the same content in both.");

        var alike = Math.Min(Words.Shared(plain, shown), plainWords * 4 < shownWords && shownWords > FewWords * 4 ? (double)plainWords / shownWords : 1);
        var percent = $"{alike * 100:0} %";
        if (alike >= AlikeMin) return Pass("textParity", Content, "The plain text says what the HTML says.");
        return alike < AlikeLeast && shownWords >= FewWords && plainWords >= FewWords
            ? Fail("textParity", Content, $"The plain text and the HTML have next to nothing in common ({percent}): that is how filters are deceived, and they know it.",
                "Give the same content in both.")
            : Warn("textParity", Content, $"The plain text and the HTML say different things (alike to {percent}); filters compare them.",
                "Give the same content in both; not 'please view this mail in a browser'.");
    }

    public static Check ImageOnly(RenderedMessage message)
    {
        if (message.Html is not { } html) return Pass("imageOnly", Content, "There is no HTML.");
        var pictures = html.Images.Count(image => !image.IsPixel);
        var words = Words.Of(html.VisibleText).Take(FewWords).Count();
        if (pictures == 0 || words >= FewWords) return Pass("imageOnly", Content, "The HTML has text to read.");
        return words < 5
            ? Fail("imageOnly", Content, $"The HTML is {pictures} pictures with {words} words. Many mail programs show no pictures at first, and filters take such mail for spam.",
                "Write the message as text, and use pictures beside it.")
            : Warn("imageOnly", Content, $"The HTML has {pictures} pictures but only {words} words.", "Say in text what the pictures say.");
    }

    public static Check HtmlSize(RenderedMessage message)
    {
        if (message.HtmlSource is not { } html) return Pass("htmlSize", Size, "There is no HTML.");
        var bytes = System.Text.Encoding.UTF8.GetByteCount(html);
        if (bytes > ClipBytes)
            return Fail("htmlSize", Size, $"The HTML takes {Sizes.Text(bytes)}; Gmail cuts it off after {Sizes.Text(ClipBytes)} and hides the rest, such as the unsubscribe link.",
                "Shorten it: fewer rows, less inline style, no embedded pictures.");
        return bytes > ClipBytes * 9 / 10
            ? Warn("htmlSize", Size, $"The HTML takes {Sizes.Text(bytes)}; Gmail cuts off after {Sizes.Text(ClipBytes)}.",
                "Shorten it a little, so that longer orders fit too.")
            : Pass("htmlSize", Size, $"The HTML takes {Sizes.Text(bytes)}.");
    }

    public static Check HiddenText(RenderedMessage message)
    {
        var hidden = message.Html?.HiddenText.Count(c => !char.IsWhiteSpace(c) && c is not ('\u034F' or '\u200C' or '\u200B' or '\u00AD' or '\uFEFF')) ?? 0;
        if (hidden == 0) return Pass("hiddenText", Content, "No text is hidden.");
        var seen = message.Html!.VisibleText.Count(c => !char.IsWhiteSpace(c));
        return hidden > PreviewCharsMax || (hidden > seen && hidden > 50)
            ? Fail("hiddenText", Content, $"{hidden} characters of text are hidden from the reader (and {seen} are shown); filters take that for an attempt to deceive them.",
                "Take hidden text out; a preview line may have some 100 characters.")
            : Pass("hiddenText", Content, $"{hidden} characters are hidden, as much as a preview line has.");
    }

    public static Check ActiveContent(RenderedMessage message)
    {
        var active = message.Html?.Active ?? [];
        if (active.Count == 0) return Pass("activeContent", Content, "There are no scripts, forms or frames.");
        var scripted = active.Any(name => name is "script" or "iframe" or "frame" or "frameset" or "object" or "embed" or "applet" or "javascript:"
            || name.StartsWith("on", StringComparison.Ordinal));
        return scripted
            ? Fail("activeContent", Content, $"The HTML holds {Shown.List([.. active])}. Mail programs strip it and filters take it for an attack.",
                "Take it out, and link to a page of yours instead.")
            : Warn("activeContent", Content, $"The HTML holds {Shown.List([.. active])}, which many mail programs do not show.", "Link to a page of yours instead.");
    }

    public static Check ImageAlt(RenderedMessage message)
    {
        var without = message.Html?.Images.Count(image => image is { HasAlt: false, IsPixel: false }) ?? 0;
        return without == 0
            ? Pass("imageAlt", Content, "Every picture has a text for those who do not see it.")
            : Warn("imageAlt", Content, $"{without} pictures have no alt text; where pictures are blocked, the reader sees nothing.",
                "Give each <img> an alt text, or alt=\"\" where it is mere decoration.");
    }

    public static Check InlineStyle(RenderedMessage message)
    {
        var chars = message.Html?.StyleChars ?? 0;
        return chars <= StyleCharsMax
            ? Pass("inlineStyle", Content, "The styles are of a usual size.")
            : Warn("inlineStyle", Content, $"Styles take {Sizes.Text(chars)} of the HTML; Gmail ignores style elements beyond 8 KB and clips large messages.",
                "Use fewer and shorter styles.");
    }
}
