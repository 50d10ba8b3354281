using System.Text.RegularExpressions;
using MailApi.Mail.Smtp;

namespace MailApi.Mail.Bounces;

/// <summary>Finds the SMTP reply in what a report or a bounce quotes of it.</summary>
internal static partial class ReportedReply
{
    /// <summary>As much of a text as a reply is looked for in, from where it may begin.</summary>
    private const int TextCharsMax = 4000;

    /// <summary>The reply that a text quotes, or null where it quotes none.</summary>
    public static Reply? Find(string text)
    {
        text = text.Truncate(TextCharsMax);
        foreach (var match in Codes().EnumerateMatches(text))
        {
            var at = text.AsSpan(match.Index).IndexOfAny('4', '5') + match.Index;
            var rest = text.AsSpan(at + 3);
            if (IsOfSomethingElse(rest)) continue;
            return Parse(int.Parse(text.AsSpan(at, 3), System.Globalization.CultureInfo.InvariantCulture), rest.TrimStart("-: ").ToString());
        }
        return null;
    }

    /// <summary>An enhanced status code of a failure (RFC 3463) anywhere in a text, or null.</summary>
    public static string? Status(string text)
    {
        text = text.Truncate(TextCharsMax);
        return Statuses().Match(text) is { Success: true } match ? match.Groups[1].Value : null;
    }

    /// <summary>What a code of RFC 3463 would be as one of RFC 5321, for what needs one.</summary>
    public static int CodeOf(string? status, DeliveryAction action) => (status?[0], action) switch
    {
        ('5', _) => 550,
        ('4', _) => 450,
        (_, DeliveryAction.Failed) => 550,
        (_, DeliveryAction.Delayed) => 450,
        _ => 250,
    };

    /// <summary>The code that stands before a text, with the codes that the text's lines repeat taken away.</summary>
    public static Reply Parse(int code, string text)
    {
        var words = text.ReplaceLineEndings(" ").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var kept = words.Select(word => WithoutCode(word, code)).Where(word => word.Length > 0);
        var plain = string.Join(' ', kept).TrimStart('#');
        return Reply.From(code, Opening().Replace(plain, "$1 ", 1));
    }

    /// <summary>"550-5.1.1" begins each line of a reply that has several.</summary>
    private static string WithoutCode(string word, int code)
    {
        var own = code.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (word == own || word == own + "-") return "";
        return word.StartsWith(own + "-", StringComparison.Ordinal) ? word[4..] : word;
    }

    /// <summary>Numbers that count what mail has: octets, hours, days.</summary>
    private static bool IsOfSomethingElse(ReadOnlySpan<char> rest)
    {
        var word = rest.TrimStart();
        return word.StartsWith("MB", StringComparison.OrdinalIgnoreCase) || word.StartsWith("KB", StringComparison.OrdinalIgnoreCase) || word.StartsWith("bytes", StringComparison.OrdinalIgnoreCase)
            || word.StartsWith("octets", StringComparison.OrdinalIgnoreCase) || word.StartsWith("hours", StringComparison.OrdinalIgnoreCase) || word.StartsWith("seconds", StringComparison.OrdinalIgnoreCase)
            || word.StartsWith("days", StringComparison.OrdinalIgnoreCase) || word.StartsWith("messages", StringComparison.OrdinalIgnoreCase) || word.StartsWith("字", StringComparison.Ordinal) || word.StartsWith("小时", StringComparison.Ordinal);
    }

    [GeneratedRegex("(?:^|[\\s;:：\\(（>\"'“‘「【\\[,，])[45][0-5][0-9](?:[ \\-:#]|$)", RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Codes();

    [GeneratedRegex(@"(?:^|[^0-9.])([45]\.\d{1,3}\.\d{1,3})(?:[^0-9.]|\.?$|\.\s)", RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Statuses();

    /// <summary>The enhanced code in the ways it is decorated: "(#5.1.1)", "5.1.1:", "[5.1.1]".</summary>
    [GeneratedRegex(@"^[\(\[<]?#?([245]\.\d{1,3}\.\d{1,3})[\)\]>:;,]*(?: |$)", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Opening();
}
