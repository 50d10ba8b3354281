using System.Buffers;

namespace MailApi.Mail.Bounces;

/// <summary>Gathers how a message names the one that it answers.</summary>
internal sealed class Marks(IReadOnlyList<Part> parts)
{
    public const int AddressesMax = 20;
    private const int UnsubscribeMax = 10;
    private const int AddressCharsMax = 320;
    private const int IdCharsMax = 998;

    /// <summary>Fields of an envelope, by those who write it into the header.</summary>
    private static readonly string[] ToUs = ["To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Rcpt-To", "Apparently-To", "X-Forwarded-To", "X-Delivered-To"];
    private static readonly string[] FromUs = ["Return-Path", "X-Envelope-From", "Envelope-From", "X-Return-Path", "Errors-To"];
    private static readonly SearchValues<char> NotInAddress = SearchValues.Create("<>()[]{}\"',;:|\\ \t\r\n：，；（）【】“”《》。、");

    private readonly List<string> returnPaths = [];
    private Part? report;
    private FieldBlock? quoted;
    private string? messageId;

    /// <summary>The address of an envelope's sender that a report tells.</summary>
    public void AddReturnPath(string? text)
    {
        if (text is not null && AddressIn(text) is { } address && returnPaths.Count < AddressesMax && !returnPaths.Contains(address, StringComparer.OrdinalIgnoreCase)) returnPaths.Add(address);
    }

    /// <summary>The id of the answered message, told by a field of the report.</summary>
    public void SetMessageId(string? text) => messageId ??= IdIn(text);

    /// <summary>The part that reports: the message that it encloses is the one that comes after it.</summary>
    public void SetReport(Part part) => report = part;

    /// <summary>The header of the answered message where it stands in the midst of the text.</summary>
    public void SetQuoted(FieldBlock header) => quoted ??= header;

    /// <summary>The header of the message that is enclosed, or quoted.</summary>
    public FieldBlock Enclosed()
    {
        var after = report is null ? -1 : IndexOf(report);
        var enclosed = parts.Where((part, index) => part.IsEnclosedMessage && index > after).Concat(parts.Where(part => part.IsEnclosedMessage)).FirstOrDefault(part => report is null || !report.IsWithin(part.Parent!));
        if (enclosed is not null && enclosed.Fields.Fields.Count > 0) return enclosed.Fields;
        // Not read as a message: in a transfer encoding, or as text of its own kind.
        var leaf = parts.FirstOrDefault(part => part.MediaType is "message/rfc822" or "message/global" or "text/rfc822-headers" or "text/rfc822-header" or "message/global-headers" or "message/rfc822-headers");
        return leaf is not null && FieldBlock.ReadAll(leaf.Text()) is { Fields.Count: > 0 } header ? header : quoted ?? FieldBlock.Empty;
    }

    public About About()
    {
        var outer = parts[0].Fields;
        var enclosed = Enclosed();
        foreach (var name in ToUs)
            foreach (var value in outer.All(name)) AddAll(value);
        foreach (var name in FromUs) AddReturnPath(enclosed[name]);
        var id = messageId ?? IdIn(enclosed["Message-ID"]) ?? IdIn(outer["In-Reply-To"]) ?? LastId(outer["References"]);
        return new About([.. returnPaths], id, Links(enclosed["List-Unsubscribe"]), FeedbackIdIn(enclosed["CFBL-Feedback-ID"]));
    }

    /// <summary>The first thing in a text that looks like an address, or null.</summary>
    public static string? AddressIn(ReadOnlySpan<char> text) => AddressIn(ref text);

    /// <summary>The same; what follows it is left.</summary>
    public static string? AddressIn(ref ReadOnlySpan<char> text)
    {
        while (text.IndexOf('@') is >= 0 and var at)
        {
            var begin = text[..at].LastIndexOfAny(NotInAddress) + 1;
            var length = text[at..].IndexOfAny(NotInAddress);
            var end = length < 0 ? text.Length : at + length;
            var candidate = text[begin..end].TrimEnd(".?!*").TrimStart("*=");
            text = text[end..];
            if (IsAddress(candidate)) return candidate.ToString();
        }
        text = [];
        return null;
    }

    /// <summary>Good enough to be looked for among those that are known; no more is said of it.</summary>
    private static bool IsAddress(ReadOnlySpan<char> text)
    {
        var at = text.LastIndexOf('@');
        if (at < 1 || at == text.Length - 1 || text.Length > AddressCharsMax || !text[(at + 1)..].Contains('.')) return false;
        foreach (var c in text)
            if (char.IsControl(c) || char.IsSurrogate(c) || c == '\uFFFD') return false;
        return text[at + 1] is not ('.' or '-') && !text[(at + 1)..].Contains("..", StringComparison.Ordinal) && !text.Contains('/');
    }

    private void AddAll(ReadOnlySpan<char> value)
    {
        while (returnPaths.Count < AddressesMax && AddressIn(ref value) is { } address) AddReturnPath(address);
    }

    private int IndexOf(Part part)
    {
        for (var index = 0; index < parts.Count; index++)
            if (parts[index] == part) return index;
        return -1;
    }

    private static string? IdIn(string? text)
    {
        if (text is null) return null;
        var begin = text.IndexOf('<', StringComparison.Ordinal);
        var end = begin < 0 ? -1 : text.IndexOf('>', begin);
        var id = end < 0 ? text.Trim() : text[(begin + 1)..end].Trim();
        return id.Length is > 2 and <= IdCharsMax && id.Contains('@', StringComparison.Ordinal) && !id.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '<' or '>') ? id : null;
    }

    private static string? LastId(string? references) => references is null ? null : IdIn(references[Math.Max(0, references.LastIndexOf('<'))..]);

    private static string? FeedbackIdIn(string? text)
    {
        // Blanks may stand anywhere in it, and mean nothing (RFC 9477 §5.2).
        var id = string.Concat((text ?? "").Where(c => !char.IsWhiteSpace(c)));
        return id.Length is > 0 and <= IdCharsMax && id.All(c => c is > ' ' and <= '~') ? id : null;
    }

    private static List<string> Links(string? text)
    {
        var links = new List<string>();
        for (var at = 0; text is not null && links.Count < UnsubscribeMax;)
        {
            var begin = text.IndexOf('<', at);
            var end = begin < 0 ? -1 : text.IndexOf('>', begin);
            if (end < 0) break;
            // A folded line may have broken it.
            var link = string.Concat(text[(begin + 1)..end].Where(c => !char.IsWhiteSpace(c) && !char.IsControl(c)));
            if (link.Contains(':', StringComparison.Ordinal) && !links.Contains(link)) links.Add(link);
            at = end + 1;
        }
        return links;
    }
}
