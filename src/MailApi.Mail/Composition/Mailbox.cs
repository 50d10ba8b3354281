using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace MailApi.Mail.Composition;

/// <summary>An address with an optional display name: <c>Ann &lt;ann@example.net&gt;</c>.</summary>
public sealed record Mailbox(string? DisplayName, EmailAddress Address)
{
    // What would make comments, groups, routes or lists of a name (RFC 5322 §3.4). A full stop is tolerated, as all do (§4.1).
    private const string Specials = "()<>[]:;@\\,\"";

    /// <summary>Reads one mailbox: an address alone, or a name before an address in angle brackets. No comments, groups or lists.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Mailbox? mailbox)
    {
        mailbox = null;
        if (text is null || HeaderRules.ValueError(text) is not null) return false;
        text = text.Trim(' ');
        string? name = null;
        if (text.EndsWith('>'))
        {
            if (!TryReadName(text, out name, out var end)) return false;
            text = text[(end + 1)..^1];
        }
        if (!EmailAddress.TryParse(text, out var address)) return false;
        mailbox = new Mailbox(name, address);
        return true;
    }

    /// <summary>In the form that <see cref="TryParse"/> reads.</summary>
    public override string ToString() => DisplayName is null ? Address.ToString() : $"{Phrase(DisplayName)} <{Address}>";

    /// <summary>A name as words (RFC 5322 §3.2.5), in quotes where it holds anything else.</summary>
    internal static string Phrase(string name) =>
        name.Split(' ').All(word => EmailAddress.IsAtom(word)) ? name : EmailAddress.Quote(name);

    /// <summary>Reads words and quoted strings up to the opening angle bracket, which is at <paramref name="end"/>.</summary>
    private static bool TryReadName(string text, out string? name, out int end)
    {
        var words = new StringBuilder();
        name = null;
        for (end = 0; end < text.Length && text[end] != '<'; end++)
        {
            if (text[end] != '"')
            {
                if (Specials.Contains(text[end])) return false;
                words.Append(text[end]);
                continue;
            }
            for (end++; end < text.Length && text[end] != '"'; end++)
            {
                if (text[end] == '\\') end++;
                if (end < text.Length) words.Append(text[end]);
            }
        }
        if (words.ToString().Trim(' ') is { Length: > 0 } trimmed) name = trimmed;
        return end < text.Length;
    }
}
