using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace MailApi.Mail.Dkim;

/// <summary>A tag=value list (RFC 6376 §3.2), of a signature or of a key record. Tag names are case-sensitive.</summary>
internal sealed class TagList
{
    private const string Blanks = " \t\r\n";
    private readonly FrozenDictionary<string, string> tags;

    private TagList(Dictionary<string, string> tags, string first) => (this.tags, First) = (tags.ToFrozenDictionary(), first);

    /// <summary>The tag that came first.</summary>
    public string First { get; }

    /// <summary>The value without surrounding blanks, or null where the tag is absent.</summary>
    public string? this[string tag] => this.tags.GetValueOrDefault(tag);

    /// <summary>The value without any blank, as folding may put them inside base64 and lists.</summary>
    public string? Compact(string tag) => this[tag] is { } value ? string.Concat(value.Where(c => !Blanks.Contains(c))) : null;

    /// <summary>A colon-separated list; null where the tag is absent.</summary>
    public string[]? List(string tag) => Compact(tag)?.Split(':');

    /// <summary>Up to 76 digits are allowed (RFC 6376 §3.5); what does not fit is as good as infinite.</summary>
    public bool TryNumber(string tag, out long number)
    {
        number = 0;
        if (this[tag] is not { Length: > 0 and <= 76 } digits || !digits.All(char.IsAsciiDigit)) return false;
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number)) number = long.MaxValue;
        return true;
    }

    /// <summary>False where a tag comes twice or an element is no <c>tag=value</c>.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out TagList? list)
    {
        list = null;
        var tags = new Dictionary<string, string>();
        string? first = null;
        foreach (var element in text.Split(';'))
        {
            if (element.All(Blanks.Contains)) continue;
            var equals = element.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) return false;
            var name = element[..equals].Trim(Blanks.ToCharArray());
            if (name.Length == 0 || !tags.TryAdd(name, element[(equals + 1)..].Trim(Blanks.ToCharArray()))) return false;
            first ??= name;
        }
        if (first is null) return false;
        list = new TagList(tags, first);
        return true;
    }
}
