using System.Collections.Frozen;
using System.Text;
using AngleSharp.Dom;
using AngleSharp.Html.Parser;

namespace MailApi.Mail.Preflight;

/// <summary>A link as it is shown and where it leads.</summary>
internal sealed record HtmlLink(string Target, string Shown);

/// <summary>An image; <paramref name="Source"/> may be <c>cid:</c>.</summary>
/// <param name="IsPixel">One point wide or high, or hidden: it counts openings and shows nothing.</param>
internal sealed record HtmlImage(string Source, bool HasAlt, bool IsPixel);

/// <summary>
/// What the checks need of an HTML part, gathered in one walk over the tree that AngleSharp builds. Nothing is fetched and no script runs.
/// </summary>
internal sealed class HtmlContent
{
    /// <summary>Mail of more elements than these takes an HTML parser's quadratic ways; what is beyond is not looked at.</summary>
    public const int TagsMax = 20_000;
    public const int CharsMax = 1_000_000;
    private const int FindingsMax = 2_000;
    private const int LinkCharsMax = 300;

    /// <summary>They do not part words.</summary>
    private static readonly FrozenSet<string> Inline = new[]
    {
        "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "em", "font", "i", "mark", "q", "s", "small", "span", "strong", "sub", "sup", "u", "wbr",
    }.ToFrozenSet();

    private static readonly FrozenSet<string> Unread = new[] { "script", "style", "title", "template", "noscript", "object", "iframe" }.ToFrozenSet();

    private static readonly FrozenSet<string> Blocked = new[]
    {
        "script", "form", "input", "button", "textarea", "select", "iframe", "frame", "frameset", "object", "embed", "applet", "audio", "video", "base", "svg",
    }.ToFrozenSet();

    private readonly StringBuilder visible = new();
    private readonly StringBuilder hidden = new();
    private readonly List<LinkText> texts = [];
    private readonly List<HtmlLink> links = [];
    private readonly List<HtmlImage> images = [];
    private readonly SortedSet<string> active = new(StringComparer.Ordinal);

    private HtmlContent()
    {
    }

    public string VisibleText => visible.ToString();

    /// <summary>Text that is there for filters, or as a preview, and that no reader sees.</summary>
    public string HiddenText => hidden.ToString();

    public IReadOnlyList<HtmlLink> Links => links;

    public IReadOnlyList<HtmlImage> Images => images;

    /// <summary>What mail programs strip or block: <c>script</c>, <c>form</c>, <c>onclick</c> …</summary>
    public IReadOnlyCollection<string> Active => active;

    /// <summary>Characters in <c>style</c> attributes and elements.</summary>
    public int StyleChars { get; private set; }

    public static HtmlContent Read(string html)
    {
        var content = new HtmlContent();
        using var document = new HtmlParser(new HtmlParserOptions { IsScripting = false }).ParseDocument(Bounded(html));
        content.Walk(document);
        return content;
    }

    /// <summary>The beginning that is looked at.</summary>
    private static string Bounded(string html)
    {
        var end = Math.Min(html.Length, CharsMax);
        var tags = 0;
        for (var at = html.IndexOf('<', StringComparison.Ordinal); at >= 0 && at < end; at = html.IndexOf('<', at + 1))
        {
            if (++tags > TagsMax) return html[..at];
        }
        return html[..end];
    }

    /// <summary>In document order, without recursion: the tree may be as deep as it has elements.</summary>
    private void Walk(IDocument document)
    {
        var left = new Stack<(INode Node, HtmlStyle Style, LinkText? Link)>([(document, default, null)]);
        while (left.TryPop(out var next))
        {
            var (node, style, link) = next;
            if (node is IText text) Append(text.Data, style.Hides, link);
            if (node is IElement element)
            {
                if (IsUnread(element)) continue;
                style = style.Of(element);
                if (!Inline.Contains(element.LocalName)) Append("\n", style.Hides, link);
                link = LinkOf(element) ?? link;
                if (element.LocalName == "img") NoteImage(element, style.IsGone, link);
            }
            for (var i = node.ChildNodes.Length - 1; i >= 0; i--) left.Push((node.ChildNodes[i], style, link));
        }
        links.AddRange(texts.Select(link => new HtmlLink(link.Target, link.Shown.ToString().Trim())));
    }

    /// <summary>Notes what matters of the element itself, and tells whether its content is no text of the message.</summary>
    private bool IsUnread(IElement element)
    {
        if (Blocked.Contains(element.LocalName)) active.Add(element.LocalName);
        foreach (var attribute in element.Attributes)
        {
            if (attribute.Name == "style") StyleChars += attribute.Value.Length;
            if (attribute.Name.StartsWith("on", StringComparison.Ordinal) && attribute.Name.Length is > 2 and < 30) active.Add(attribute.Name);
            if (attribute.Value.AsSpan().TrimStart().StartsWith("javascript:", StringComparison.OrdinalIgnoreCase)) active.Add("javascript:");
        }
        if (element.LocalName == "style") StyleChars += element.ChildNodes.Sum(child => (child as IText)?.Length ?? 0);
        return Unread.Contains(element.LocalName);
    }

    private LinkText? LinkOf(IElement element)
    {
        if (element.LocalName is not ("a" or "area") || texts.Count >= FindingsMax || element.GetAttribute("href") is not { } target) return null;
        var link = new LinkText(target.Trim(), new StringBuilder());
        texts.Add(link);
        return link;
    }

    private void NoteImage(IElement element, bool isHidden, LinkText? link)
    {
        if (images.Count >= FindingsMax) return;
        var isPixel = isHidden || element.GetAttribute("width")?.Trim() is "0" or "1" || element.GetAttribute("height")?.Trim() is "0" or "1";
        images.Add(new HtmlImage(element.GetAttribute("src")?.Trim() ?? "", element.HasAttribute("alt"), isPixel));
        if (element.GetAttribute("alt") is { Length: > 0 } alt && link is not null) AppendTo(link.Shown, alt, LinkCharsMax);
    }

    private void Append(string text, bool isHidden, LinkText? link)
    {
        AppendTo(isHidden ? hidden : visible, text, RenderedMessage.TextCharsMax);
        if (link is not null && !isHidden) AppendTo(link.Shown, text, LinkCharsMax);
    }

    private static void AppendTo(StringBuilder into, string text, int max) => into.Append(text.AsSpan(0, Math.Min(text.Length, Math.Max(0, max - into.Length))));

    private sealed record LinkText(string Target, StringBuilder Shown);
}
