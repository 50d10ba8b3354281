using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace MailApi.Mail.Authentication;

/// <summary>Text with macros (RFC 7208 §7): the name that a term speaks of, or an explanation.</summary>
public sealed class SpfMacroString
{
    private static readonly SearchValues<char> Delimiters = SearchValues.Create(".-+,/_=");

    private readonly IReadOnlyList<Part> parts;

    private SpfMacroString(string text, IReadOnlyList<Part> parts) => (Text, this.parts) = (text, parts);

    /// <summary>As written.</summary>
    public string Text { get; }

    /// <summary>It is the same for every message.</summary>
    public bool IsFixed => !parts.Any(part => part is Part.Expand);

    public override string ToString() => Text;

    /// <summary>RFC 7208 §7.1: <c>domain-spec</c>.</summary>
    internal static bool TryParseDomain(string text, [NotNullWhen(true)] out SpfMacroString? domain, [NotNullWhen(false)] out string? error)
    {
        domain = null;
        if (text.Length == 0)
        {
            error = "it must name a domain";
            return false;
        }
        if (!TryParse(text, forExplanation: false, out var macros, out error)) return false;
        // %%, %_ and %- end a domain-spec as well.
        if (macros.parts[^1] is Part.Literal { IsEscape: false } last && !EndsInTopLabel(last.Text))
        {
            error = $"\"{SpfWording.Clip(text)}\" is not a full domain name";
            return false;
        }
        domain = macros;
        return true;
    }

    /// <param name="text">RFC 7208 §7.1: <c>macro-string</c>, or <c>explain-string</c>, which has spaces and more letters.</param>
    /// <param name="forExplanation">Whether it is the latter.</param>
    /// <param name="macros">What it says.</param>
    /// <param name="error">A clause about what is wrong.</param>
    internal static bool TryParse(string text, bool forExplanation, [NotNullWhen(true)] out SpfMacroString? macros, [NotNullWhen(false)] out string? error)
    {
        (macros, error) = (null, null);
        List<Part> parts = [];
        for (var at = 0; at < text.Length;)
        {
            var next = text.IndexOf('%', at);
            var literal = text[at..(next < 0 ? text.Length : next)];
            if (literal.Any(c => c is < '!' or > '~' && !(forExplanation && c == ' ')))
            {
                error = "it has a character that SPF does not allow";
                return false;
            }
            if (literal.Length > 0) parts.Add(new Part.Literal(literal));
            if (next < 0) break;
            if (!TryParseMacro(text, ref next, forExplanation, out var part))
            {
                error = $"\"{SpfWording.Clip(text[next..])}\" is not a macro";
                return false;
            }
            parts.Add(part);
            at = next;
        }
        macros = new SpfMacroString(text, parts);
        return true;
    }

    /// <summary>Whether the letter occurs, in either case.</summary>
    internal bool Uses(char letter) => parts.Any(part => part is Part.Expand expand && expand.Letter == letter);

    internal string Expand(Func<char, string> valueOf)
    {
        var expanded = new StringBuilder();
        foreach (var part in parts)
        {
            expanded.Append(part switch
            {
                Part.Expand expand => expand.Apply(valueOf(expand.Letter)),
                Part.Literal literal => literal.Text,
                _ => throw new InvalidOperationException(),
            });
        }
        return expanded.ToString();
    }

    /// <summary>A name to ask for: without the final dot, and cut from the left, label by label, until it fits (RFC 7208 §7.3).</summary>
    internal string ExpandName(Func<char, string> valueOf)
    {
        var name = Expand(valueOf);
        if (name.EndsWith('.')) name = name[..^1];
        if (name.Length <= Composition.DomainName.OctetsMax) return name;
        var dot = name.IndexOf('.', name.Length - Composition.DomainName.OctetsMax - 1);
        return dot < 0 ? name : name[(dot + 1)..];
    }

    private static bool TryParseMacro(string text, ref int at, bool forExplanation, [NotNullWhen(true)] out Part? part)
    {
        part = (at + 1 < text.Length ? text[at + 1] : ' ') switch
        {
            '%' => new Part.Literal("%", IsEscape: true),
            '_' => new Part.Literal(" ", IsEscape: true),
            '-' => new Part.Literal("%20", IsEscape: true),
            _ => null,
        };
        if (part is not null)
        {
            at += 2;
            return true;
        }
        var end = text.AsSpan(at).StartsWith("%{") ? text.IndexOf('}', at) : -1;
        if (end < 0 || !TryParseExpand(text.AsSpan(at + 2, end - at - 2), forExplanation, out part)) return false;
        at = end + 1;
        return true;
    }

    /// <summary>Reads what is in the braces: a letter, a number of labels, <c>r</c>, delimiters.</summary>
    private static bool TryParseExpand(ReadOnlySpan<char> inner, bool forExplanation, [NotNullWhen(true)] out Part? part)
    {
        part = null;
        if (inner.Length == 0) return false;
        var letter = char.ToLowerInvariant(inner[0]);
        if (!(forExplanation ? "slodiphcrtv" : "slodiphv").Contains(letter, StringComparison.Ordinal)) return false;
        var isEscaped = char.IsAsciiLetterUpper(inner[0]);

        inner = inner[1..];
        var digits = inner.IndexOfAnyExceptInRange('0', '9');
        if (digits < 0) digits = inner.Length;
        var labels = int.MaxValue;
        // Zero is an error; more digits than an int has are more labels than a name has (RFC 7208 §7.1).
        if (digits > 0 && int.TryParse(inner[..digits], out var number)) labels = number;
        if (labels == 0) return false;

        inner = inner[digits..];
        var isReversed = inner.Length > 0 && inner[0] is 'r' or 'R';
        if (isReversed) inner = inner[1..];
        if (inner.ContainsAnyExcept(Delimiters)) return false;
        part = new Part.Expand(letter, labels, isReversed, inner.Length == 0 ? "." : inner.ToString(), isEscaped);
        return true;
    }

    /// <summary>RFC 7208 §7.1: <c>domain-end</c>, a dot and a label that is neither all digits nor bordered by a hyphen, and perhaps a dot.</summary>
    private static bool EndsInTopLabel(string literal)
    {
        if (literal.EndsWith('.')) literal = literal[..^1];
        var dot = literal.LastIndexOf('.');
        var label = literal[(dot + 1)..];
        return dot >= 0 && label.Length > 0 && label[0] != '-' && label[^1] != '-'
            && label.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') && !label.All(char.IsAsciiDigit);
    }

    private abstract record Part
    {
        private Part() { }

        public sealed record Literal(string Text, bool IsEscape = false) : Part;

        public sealed record Expand(char Letter, int Labels, bool IsReversed, string Delimiters, bool IsEscaped) : Part
        {
            /// <summary>RFC 7208 §7.3.</summary>
            public string Apply(string value)
            {
                var labels = value.Split(Delimiters.ToCharArray());
                if (IsReversed) Array.Reverse(labels);
                var applied = string.Join('.', labels.TakeLast(Labels));
                return IsEscaped ? Uri.EscapeDataString(applied) : applied;
            }
        }
    }
}
