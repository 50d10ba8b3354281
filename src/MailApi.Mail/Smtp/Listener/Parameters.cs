using System.Buffers;
using System.Globalization;

namespace MailApi.Mail.Smtp.Listener;

/// <summary>
/// The parameters of MAIL and RCPT: SIZE (RFC 1870), BODY (6152), SMTPUTF8 (6531), AUTH (4954 §5) and those of DSN (3461 §4). All but SMTPUTF8 and SIZE are
/// held to their syntax and then forgotten: the reports on our own mail are the events.
/// </summary>
internal static class Parameters
{
    /// <summary>RFC 3461 §4.4.</summary>
    private const int EnvidCharsMax = 100;

    /// <summary>RFC 3461 §4.2.</summary>
    private const int OrcptCharsMax = 500;

    private static readonly SearchValues<char> AddressType = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>Why these cannot stand behind MAIL, or null.</summary>
    /// <param name="takesAuth">The listener offers AUTH: whoever does must take its parameter.</param>
    public static Reply? MailFault(PathArgument argument, ReceptionLimits limits, bool takesAuth)
    {
        var seen = new HashSet<string>();
        foreach (var (name, value) in argument.Parameters)
        {
            if (!seen.Add(name)) return Replies.BadParameter(name);
            if (name == "SIZE" && IsSize(value, out var size))
            {
                if (size > limits.MessageBytesMax) return Replies.TooLarge(limits);
                continue;
            }
            var isFine = name switch
            {
                "SIZE" => false,
                "BODY" => value.ToUpperInvariant() is "7BIT" or "8BITMIME",
                "SMTPUTF8" => value.Length == 0,
                "RET" => value.ToUpperInvariant() is "FULL" or "HDRS",
                "ENVID" => value.Length is > 0 and <= EnvidCharsMax && IsXtext(value),
                "AUTH" when takesAuth => value == "<>" || (value.Length > 0 && IsXtext(value)),
                _ => (bool?)null,
            };
            if (isFine is null) return Replies.UnknownParameter(name);
            if (isFine is false) return Replies.BadParameter(name);
        }
        return null;
    }

    /// <summary>Why these cannot stand behind RCPT, or null.</summary>
    /// <param name="smtpUtf8">The transaction is an internationalised one.</param>
    public static Reply? RecipientFault(PathArgument argument, bool smtpUtf8)
    {
        var seen = new HashSet<string>();
        foreach (var (name, value) in argument.Parameters)
        {
            if (name is not ("NOTIFY" or "ORCPT")) return Replies.UnknownParameter(name);
            if (!seen.Add(name) || !(name == "NOTIFY" ? IsNotify(value) : IsOriginalRecipient(value, smtpUtf8))) return Replies.BadParameter(name);
        }
        return null;
    }

    private static bool IsSize(string value, out long size) => long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out size);

    /// <summary><c>NEVER</c> alone, or a list of the others, each once.</summary>
    private static bool IsNotify(string value)
    {
        var words = value.ToUpperInvariant().Split(',');
        return words is ["NEVER"] || (words.All(word => word is "SUCCESS" or "FAILURE" or "DELAY") && words.Distinct().Count() == words.Length);
    }

    /// <summary><c>addr-type;xtext</c>; with SMTPUTF8 the type utf-8 may hold characters as they are (RFC 6533 §3).</summary>
    private static bool IsOriginalRecipient(string value, bool smtpUtf8)
    {
        var end = value.IndexOf(';', StringComparison.Ordinal);
        if (end <= 0 || value.Length > OrcptCharsMax || end == value.Length - 1) return false;
        var (type, address) = (value[..end], value[(end + 1)..]);
        if (type.AsSpan().ContainsAnyExcept(AddressType)) return false;
        return IsXtext(smtpUtf8 && type.Equals("utf-8", StringComparison.OrdinalIgnoreCase) ? string.Concat(address.Where(char.IsAscii)) : address);
    }

    /// <summary>Visible ASCII, in which <c>+</c> begins two hexadecimal digits in upper case and <c>=</c> does not stand (RFC 3461 §4).</summary>
    private static bool IsXtext(string value)
    {
        for (var index = 0; index < value.Length; index++)
        {
            if (value[index] is < '!' or > '~' or '=') return false;
            if (value[index] != '+') continue;
            if (index + 2 >= value.Length || !char.IsAsciiHexDigitUpper(value[index + 1]) || !char.IsAsciiHexDigitUpper(value[index + 2])) return false;
            index += 2;
        }
        return true;
    }
}
