using System.Buffers;
using System.Net;
using MailApi.Mail.Composition;

namespace MailApi.Mail.Preflight;

/// <summary>A link of the message, of its HTML or of its plain text.</summary>
/// <param name="Target">As written.</param>
/// <param name="Shown">What the reader sees of it.</param>
internal sealed record Link(string Target, string Shown)
{
    private const int LinksMax = 500;
    private const int TargetCharsMax = 4_000;
    private static readonly SearchValues<char> UrlEnds = SearchValues.Create(" \t\r\n<>\"'()[]{}，。；、）】》」");

    /// <summary>Null when the target is no absolute address of a page.</summary>
    public Uri? Page { get; } = Target.Length <= TargetCharsMax && Uri.TryCreate(Target, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? uri : null;

    /// <summary>Where a page is, in lower case, A-labels where it is a name; empty for what is no page.</summary>
    public string Host => Page is null ? "" : DomainName.TryParse(Page.Host, out var name) ? name : Page.Host.ToLowerInvariant();

    public bool IsAddressLiteral => Page is not null && IPAddress.TryParse(Page.Host.Trim('[', ']'), out _);

    public static IReadOnlyList<Link> Of(RenderedMessage message) =>
    [
        .. (message.Html?.Links.Select(link => new Link(link.Target, link.Shown)) ?? []).Concat(InText(message.Text ?? "")).Take(LinksMax),
    ];

    /// <summary>Mail programs make links of what looks like one.</summary>
    private static IEnumerable<Link> InText(string text)
    {
        for (var at = Next(text, 0); at >= 0; at = Next(text, at + 1))
        {
            // Whatever else begins within it is a link, too: bounded, so that a text without an end is not read whole for each.
            var rest = text.AsSpan(at, Math.Min(text.Length - at, TargetCharsMax + 1));
            var url = (rest.IndexOfAny(UrlEnds) is >= 0 and var end ? rest[..end] : rest).TrimEnd(".,;:!?").ToString();
            yield return new Link(url, url);
        }
    }

    private static int Next(string text, int start)
    {
        while (start < text.Length && text.IndexOf("http", start, StringComparison.OrdinalIgnoreCase) is >= 0 and var at)
        {
            var rest = text.AsSpan(at + 4);
            if (rest.StartsWith("://") || rest.StartsWith("s://", StringComparison.OrdinalIgnoreCase)) return at;
            start = at + 4;
        }
        return -1;
    }
}
