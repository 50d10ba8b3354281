using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace MailApi.Mail.Composition;

/// <summary>A mailbox address (RFC 5321 §4.1.2, RFC 6531): holding one is proof that it is safe on an SMTP command line.</summary>
public sealed record EmailAddress
{
    /// <summary>RFC 5321 §4.5.3.1.1, in UTF-8 and with the quotes.</summary>
    public const int LocalOctetsMax = 64;

    /// <summary>RFC 5321 §4.5.3.1.3 allows a path 256 octets, its angle brackets included.</summary>
    public const int OctetsMax = 254;

    private const string AtextMarks = "!#$%&'*+-/=?^_`{|}~";

    private EmailAddress(string localPart, string domain) => (LocalPart, Domain) = (localPart, domain);

    /// <summary>As it goes on the wire: quoted only where it must be.</summary>
    public string LocalPart { get; }

    /// <summary>The domain in lower-case A-labels.</summary>
    public string Domain { get; }

    /// <summary>The local part is not ASCII: only a receiver with SMTPUTF8 (RFC 6531) can take it.</summary>
    public bool NeedsSmtpUtf8 => !Ascii.IsValid(LocalPart);

    public override string ToString() => $"{LocalPart}@{Domain}";

    /// <summary>Reads exactly one address: no display name, comment, source route, address literal or surrounding blank.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out EmailAddress? address)
    {
        address = null;
        if (text is null || text.Length > OctetsMax) return false;
        if (!(text.StartsWith('"') ? TryUnquote(text, out var local, out var at) : TrySplit(text, out local, out at))) return false;

        if (!IsDotAtom(local)) local = Quote(local);
        if (Encoding.UTF8.GetByteCount(local) > LocalOctetsMax || !DomainName.TryParse(text[(at + 1)..], out var domain)) return false;
        var parsed = new EmailAddress(local, domain);
        if (Encoding.UTF8.GetByteCount(parsed.ToString()) > OctetsMax) return false;
        address = parsed;
        return true;
    }

    /// <summary>Wraps text into a quoted-string (RFC 5322 §3.2.4), escaping only what must be.</summary>
    internal static string Quote(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    /// <summary>One or more characters of an atom (RFC 5322 §3.2.3, widened by RFC 6532 §3.2).</summary>
    internal static bool IsAtom(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty) return false;
        foreach (var rune in text.EnumerateRunes())
        {
            var isAtext = rune.IsAscii ? char.IsAsciiLetterOrDigit((char)rune.Value) || AtextMarks.Contains((char)rune.Value) : IsVisible(rune);
            if (!isAtext) return false;
        }
        return true;
    }

    private static bool IsDotAtom(string text) => text.Split('.').All(atom => IsAtom(atom));

    private static bool TrySplit(string text, out string local, out int at)
    {
        at = text.IndexOf('@', StringComparison.Ordinal);
        local = at > 0 ? text[..at] : "";
        return IsDotAtom(local);
    }

    /// <summary>Takes the quotes and escapes off a local part; the at sign must follow at once.</summary>
    private static bool TryUnquote(string text, out string local, out int at)
    {
        var content = new StringBuilder();
        at = 1;
        while (at < text.Length && text[at] != '"')
        {
            if (text[at] == '\\') at++;
            if (at < text.Length) content.Append(text[at++]);
        }
        at++;
        local = content.ToString();
        return at < text.Length && text[at] == '@' && local.Length > 0 && local.EnumerateRunes().All(rune => rune.Value == ' ' || IsVisible(rune));
    }

    // Lone surrogates are enumerated as U+FFFD, which no address has either.
    private static bool IsVisible(Rune rune) => rune != Rune.ReplacementChar && Rune.GetUnicodeCategory(rune)
        is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate);
}
