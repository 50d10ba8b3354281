using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace MailApi.Mail.Smtp.Listener;

/// <summary>The argument of MAIL or RCPT (RFC 5321 §4.1.1.2, §4.1.2): <c>FROM:&lt;path&gt; NAME=value …</c>; names are in upper case.</summary>
/// <param name="Path">Null for <c>&lt;&gt;</c>.</param>
/// <param name="Parameters">Those of extensions; a value is empty where there is none.</param>
internal sealed partial record PathArgument(MailPath? Path, IReadOnlyList<(string Name, string Value)> Parameters)
{
    public static bool TryParse(string text, string keyword, [NotNullWhen(true)] out PathArgument? argument)
    {
        argument = null;
        if (!text.StartsWith(keyword, StringComparison.OrdinalIgnoreCase)) return false;
        // The blank that many clients put here is not in the grammar, but it cannot be misread.
        text = text[keyword.Length..].TrimStart(' ');
        if (!text.StartsWith('<')) return false;
        var end = ClosingBracket(text);
        if (end < 0) return false;

        MailPath? path = null;
        if (end > 1 && !MailPath.TryParse(SourceRoute().Replace(text[1..end], ""), out path)) return false;
        var rest = text[(end + 1)..];
        if (rest.Length > 0 && rest[0] != ' ') return false;
        argument = new PathArgument(path, [.. rest.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Parameter)]);
        return true;
    }

    /// <summary>RFC 5321 §4.1.2, <c>A-d-l</c>: recognised and ignored, as appendix C has it.</summary>
    [GeneratedRegex(@"^@(\[[\w.:-]+\]|[\w.-]+)(,@(\[[\w.:-]+\]|[\w.-]+))*:", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex SourceRoute();

    /// <summary>The bracket that is not inside a quoted local part, or -1.</summary>
    private static int ClosingBracket(string text)
    {
        var isQuoted = false;
        for (var index = 1; index < text.Length; index++)
        {
            if (isQuoted && text[index] == '\\') index++;
            else if (text[index] == '"') isQuoted = !isQuoted;
            else if (text[index] == '>' && !isQuoted) return index;
        }
        return -1;
    }

    private static (string Name, string Value) Parameter(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? (text.ToUpperInvariant(), "") : (text[..equals].ToUpperInvariant(), text[(equals + 1)..]);
    }
}
