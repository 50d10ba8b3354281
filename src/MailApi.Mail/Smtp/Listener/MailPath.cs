using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace MailApi.Mail.Smtp.Listener;

/// <summary>
/// The mailbox of a reverse-path or forward-path (RFC 5321 §4.1.2, RFC 6531 §3.3) as clients write it. Wider than the addresses we send to: dots may stand
/// anywhere in a local part, domains may have one label or underscores or be address literals, and as <c>postmaster</c> needs no domain (§4.5.1), no local part
/// does: who takes mail decides what becomes of the others.
/// </summary>
public sealed record MailPath
{
    /// <summary>RFC 5321 §4.5.3.1.1, in UTF-8.</summary>
    public const int LocalPartBytesMax = 64;

    /// <summary>RFC 5321 §4.5.3.1.3 allows 256 with the angle brackets.</summary>
    public const int BytesMax = 254;

    private const int LabelCharsMax = 63;
    private const string LettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private static readonly SearchValues<char> DotString = SearchValues.Create(LettersAndDigits + "!#$%&'*+-/=?^_`{|}~.");
    private static readonly SearchValues<char> Label = SearchValues.Create(LettersAndDigits + "-_");
    private static readonly SearchValues<char> Literal = SearchValues.Create(LettersAndDigits + "-.:");

    private MailPath(string localPart, string domain) => (LocalPart, Domain) = (localPart, domain.ToLowerInvariant());

    /// <summary>As it was written, with its quotes where it has any.</summary>
    public string LocalPart { get; }

    /// <summary>In lower case; empty for a bare local part.</summary>
    public string Domain { get; }

    /// <summary>Not all of it is ASCII: the client must have declared SMTPUTF8.</summary>
    public bool NeedsSmtpUtf8 => !Ascii.IsValid(LocalPart) || !Ascii.IsValid(Domain);

    public override string ToString() => Domain.Length == 0 ? LocalPart : $"{LocalPart}@{Domain}";

    /// <summary>Reads what stands between the angle brackets, without a source route.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out MailPath? path)
    {
        path = null;
        if (Encoding.UTF8.GetByteCount(text) > BytesMax) return false;
        // A domain has no at sign and no quote, a quoted local part may.
        var at = text.EndsWith('"') ? -1 : text.LastIndexOf('@');
        var (local, domain) = at < 0 ? (text, "") : (text[..at], text[(at + 1)..]);
        if (!IsLocalPart(local) || (at >= 0 && !IsDomain(domain))) return false;
        path = new MailPath(local, domain);
        return true;
    }

    private static bool IsLocalPart(string text)
    {
        if (text.Length == 0 || Encoding.UTF8.GetByteCount(text) > LocalPartBytesMax) return false;
        return text[0] == '"' ? IsQuotedString(text) : Consists(text, DotString);
    }

    private static bool IsQuotedString(string text)
    {
        if (text.Length < 3 || text[^1] != '"') return false;
        for (var index = 1; index < text.Length - 1; index++)
        {
            var isEscaped = text[index] == '\\';
            if (isEscaped) index++;
            // The closing quote must not be an escaped one, and no other may be bare.
            if (index == text.Length - 1 || (text[index] == '"' && !isEscaped)) return false;
            if (text[index] != ' ' && !IsVisible(text[index])) return false;
        }
        return true;
    }

    private static bool IsDomain(string text)
    {
        if (text.Length == 0) return false;
        if (text[0] == '[') return text.Length > 2 && text[^1] == ']' && !text.AsSpan(1, text.Length - 2).ContainsAnyExcept(Literal);
        return text.Split('.').All(label => label.Length is > 0 and <= LabelCharsMax && Consists(label, Label));
    }

    /// <summary>Of these ASCII characters and of visible others.</summary>
    private static bool Consists(string text, SearchValues<char> ascii)
    {
        foreach (var character in text)
            if (char.IsAscii(character) ? !ascii.Contains(character) : !IsVisible(character)) return false;
        return true;
    }

    private static bool IsVisible(char character) => !char.IsControl(character) && !char.IsWhiteSpace(character);
}
