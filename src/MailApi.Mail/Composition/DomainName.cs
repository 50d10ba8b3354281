using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace MailApi.Mail.Composition;

/// <summary>Host names of mail: UTS-46 to lower-case A-labels, LDH, at least two labels, no trailing dot, at most 253 octets.</summary>
public static class DomainName
{
    /// <summary>RFC 1035 §2.3.4, less the length octets.</summary>
    public const int OctetsMax = 253;
    public const int LabelOctetsMax = 63;

    private const string AcePrefix = "xn--";

    // Its Punycode (RFC 3492) and its rule for right-to-left labels do not depend on ICU; its mapping does, hence Uts46.
    private static readonly IdnMapping Punycode = new() { AllowUnassigned = true, UseStd3AsciiRules = true };

    public static bool TryParse(string? text, [NotNullWhen(true)] out string? aLabels)
    {
        aLabels = null;
        if (text is null || text.Length is 0 or > OctetsMax) return false;
        var ascii = text.ToLowerInvariant();
        if (!Ascii.IsValid(text) && !(Uts46.TryMap(text, out var mapped) && TryEncode(mapped, out ascii))) return false;

        if (ascii.Length > OctetsMax) return false;
        var labels = ascii.Split('.');
        // An all-numeric top label would be an address literal to many parsers (RFC 1123 §2.1).
        if (labels.Length < 2 || !labels.All(IsLabel) || labels[^1].All(char.IsAsciiDigit)) return false;
        aLabels = ascii;
        return true;
    }

    private static bool IsLabel(string label) =>
        label.Length is > 0 and <= LabelOctetsMax && label[0] != '-' && label[^1] != '-'
        && label.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')
        && (!label.StartsWith(AcePrefix, StringComparison.Ordinal) || IsALabel(label));

    /// <summary>An A-label stands for exactly one U-label that is already mapped (UTS-46 §4.1); "fake" ones would make two names of one.</summary>
    private static bool IsALabel(string label)
    {
        try
        {
            var unicode = Punycode.GetUnicode(label);
            return !Ascii.IsValid(unicode) && Uts46.TryMap(unicode, out var mapped) && mapped == unicode && Punycode.GetAscii(unicode) == label;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static bool TryEncode(string unicode, out string ascii)
    {
        ascii = "";
        try
        {
            ascii = Punycode.GetAscii(unicode);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
