using System.Buffers;
using System.Collections.Frozen;

namespace MailApi.Mail.Composition;

/// <summary>What a caller may put into a header.</summary>
public static class HeaderRules
{
    /// <summary>So that the name, its colon and a first word fit a line of 78 (RFC 5322 §2.1.1).</summary>
    public const int NameCharsMax = 76;

    /// <summary>Four full lines (RFC 5322 §2.1.1): enough for a long <c>References</c> or unsubscribe address, and a bound for all else.</summary>
    public const int ValueCharsMax = 4 * 998;

    /// <summary>With its angle brackets a Content-ID stays on one line.</summary>
    public const int ContentIdCharsMax = 250;

    private static readonly SearchValues<char> Token =
        SearchValues.Create("!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~");

    private static readonly SearchValues<char> MessageIdChars =
        SearchValues.Create("!#$%&'*+-./0123456789=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~");

    private static readonly SearchValues<char> Forbidden =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(c => (char)c), '\u007F', '\u0085', '\u2028', '\u2029']);

    // Written by the composer from the other fields of a message, or by the signer.
    private static readonly FrozenSet<string> Composed = new[]
    {
        "from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "mime-version", "dkim-signature", "cfbl-address", "cfbl-feedback-id",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    // Written by transport agents and receivers, or telling of another author.
    private static readonly FrozenSet<string> Reserved = new[]
    {
        "sender", "return-path", "received", "received-spf", "authentication-results", "delivered-to", "domainkey-signature",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> ListFieldsAllowed =
        new[] { "list-unsubscribe", "list-unsubscribe-post", "list-id" }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly string[] ReservedPrefixes = ["resent-", "content-", "list-", "arc-", "x-mailapi-"];

    /// <summary>Why a caller may not set a header of this name, or null when it may.</summary>
    public static string? NameError(string name)
    {
        if (SyntaxError(name) is { } error) return error;
        if (Composed.Contains(name)) return $"'{name}' is set through its own field of the request, or by the service.";
        var reserved = Reserved.Contains(name) || ReservedPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
        return reserved && !ListFieldsAllowed.Contains(name) ? $"'{name}' may not be set by a caller." : null;
    }

    /// <summary>Why this text may not be bound for a header, or null when it may: no control character or line separator, no lone surrogate.</summary>
    public static string? ValueError(string value)
    {
        if (value.Length > ValueCharsMax) return $"Longer than {ValueCharsMax} characters.";
        var bad = value.AsSpan().IndexOfAny(Forbidden);
        if (bad >= 0) return $"Holds U+{(int)value[bad]:X4} at position {bad}: control characters and line separators are refused.";
        return HasLoneSurrogate(value) ? "Holds half of a surrogate pair." : null;
    }

    /// <summary>Why this cannot be a Content-ID (RFC 2392) without its angle brackets, or null when it can.</summary>
    public static string? ContentIdError(string contentId) =>
        contentId.Length is 0 or > ContentIdCharsMax || contentId.AsSpan().ContainsAnyExcept(MessageIdChars)
            ? $"A content id is 1 to {ContentIdCharsMax} ASCII letters, digits and marks, without blanks or angle brackets."
            : null;

    /// <summary>Why a header that the composer does not write itself cannot have this name.</summary>
    internal static string? ExtraNameError(string name) =>
        SyntaxError(name) ?? (Composed.Contains(name) ? $"'{name}' is written by the composer." : null);

    private static string? SyntaxError(string name) =>
        name.Length is 0 or > NameCharsMax || name.AsSpan().ContainsAnyExcept(Token)
            ? $"A header name is 1 to {NameCharsMax} ASCII letters, digits and marks, without blanks or colons."
            : null;

    private static bool HasLoneSurrogate(string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            if (!char.IsSurrogate(value[i])) continue;
            if (i + 1 >= value.Length || !char.IsSurrogatePair(value[i], value[i + 1])) return true;
            i++;
        }
        return false;
    }
}
