using System.Buffers;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace MailApi.Mail.Authentication;

/// <summary>Reads one term (RFC 7208 §4.6.1, §5, §6). Errors are clauses: what is wrong with it.</summary>
internal static partial class SpfSyntax
{
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    private static readonly SearchValues<char> AddressCharacters = SearchValues.Create("0123456789abcdefABCDEF:.");

    /// <summary>What people write when they mean something else.</summary>
    private static readonly FrozenDictionary<string, string> Slips = new Dictionary<string, string>
    {
        ["ip"] = "ip4:",
        ["ipv4"] = "ip4:",
        ["ipv6"] = "ip6:",
        ["prt"] = "ptr",
        ["includes"] = "include:",
        ["redirect"] = "redirect=",
        ["exp"] = "exp=",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    public static bool TryParse(string text, [NotNullWhen(true)] out SpfTerm? term, [NotNullWhen(false)] out string? error)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 && char.IsAsciiLetter(text[0]) && !text.AsSpan(0, equals).ContainsAnyExcept(NameCharacters)
            ? TryParseModifier(text, text[..equals], text[(equals + 1)..], out term, out error)
            : TryParseMechanism(text, out term, out error);
    }

    private static bool TryParseModifier(string text, string name, string value, [NotNullWhen(true)] out SpfTerm? term, [NotNullWhen(false)] out string? error)
    {
        term = null;
        var isRedirect = name.Equals("redirect", StringComparison.OrdinalIgnoreCase);
        if (isRedirect || name.Equals("exp", StringComparison.OrdinalIgnoreCase))
        {
            if (!SpfMacroString.TryParseDomain(value, out var domain, out error)) return false;
            term = isRedirect ? new SpfTerm.Redirect(domain) { Text = text } : new SpfTerm.Explanation(domain) { Text = text };
            return true;
        }
        if (!SpfMacroString.TryParse(value, forExplanation: false, out _, out error)) return false;
        term = new SpfTerm.Unknown(name) { Text = text };
        return true;
    }

    private static bool TryParseMechanism(string text, [NotNullWhen(true)] out SpfTerm? term, [NotNullWhen(false)] out string? error)
    {
        (SpfQualifier? sign, var rest) = (text[0] switch
        {
            '+' => SpfQualifier.Pass,
            '-' => SpfQualifier.Fail,
            '~' => SpfQualifier.SoftFail,
            '?' => SpfQualifier.Neutral,
            _ => (SpfQualifier?)null,
        }, text);
        if (sign is not null) rest = text[1..];
        var qualifier = sign ?? SpfQualifier.Pass;
        var end = rest.AsSpan().IndexOfAny(':', '/');
        var name = end < 0 ? rest : rest[..end];
        var argument = end < 0 ? "" : rest[end..];
        (term, error) = name.ToLowerInvariant() switch
        {
            "all" => argument.Length == 0
                ? (new SpfTerm.All { Text = text, Qualifier = qualifier }, null)
                : Wrong("nothing may follow \"all\""),
            "include" => Named(argument, domain => new SpfTerm.Include(domain) { Text = text, Qualifier = qualifier }),
            "exists" => Named(argument, domain => new SpfTerm.Exists(domain) { Text = text, Qualifier = qualifier }),
            "ptr" => argument.Length == 0
                ? (new SpfTerm.Reverse(null) { Text = text, Qualifier = qualifier }, null)
                : Named(argument, domain => new SpfTerm.Reverse(domain) { Text = text, Qualifier = qualifier }),
            "a" => Addressed(argument, (domain, prefix) => new SpfTerm.A(domain, prefix) { Text = text, Qualifier = qualifier }),
            "mx" => Addressed(argument, (domain, prefix) => new SpfTerm.Mx(domain, prefix) { Text = text, Qualifier = qualifier }),
            "ip4" => Network(argument, AddressFamily.InterNetwork, (address, bits) => new SpfTerm.Network(address, bits) { Text = text, Qualifier = qualifier }),
            "ip6" => Network(argument, AddressFamily.InterNetworkV6, (address, bits) => new SpfTerm.Network(address, bits) { Text = text, Qualifier = qualifier }),
            _ => Wrong(NoSuch(name, rest)),
        };
        return term is not null;
    }

    private static (SpfTerm?, string?) Named(string argument, Func<SpfMacroString, SpfTerm> make)
    {
        if (argument.Length == 0 || argument[0] != ':') return Wrong("a colon and a domain must follow it");
        return SpfMacroString.TryParseDomain(argument[1..], out var domain, out var error) ? (make(domain), null) : Wrong(error);
    }

    private static (SpfTerm?, string?) Addressed(string argument, Func<SpfMacroString?, SpfPrefix, SpfTerm> make)
    {
        if (!TryCutPrefix(ref argument, out var v4Bits, out var v6Bits, out var error)) return Wrong(error);
        var prefix = new SpfPrefix(v4Bits ?? SpfPrefix.Whole.V4Bits, v6Bits ?? SpfPrefix.Whole.V6Bits);
        if (argument.Length == 0) return (make(null, prefix), null);
        if (argument[0] != ':') return Wrong($"\"{SpfWording.Clip(argument)}\" is not a length of prefix");
        return SpfMacroString.TryParseDomain(argument[1..], out var domain, out error) ? (make(domain, prefix), null) : Wrong(error);
    }

    private static (SpfTerm?, string?) Network(string argument, AddressFamily family, Func<IPAddress, int, SpfTerm> make)
    {
        var kind = family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";
        if (argument.Length == 0 || argument[0] != ':') return Wrong($"a colon and an {kind} address must follow it");
        var slash = argument.IndexOf('/', StringComparison.Ordinal);
        var bitsMax = family == AddressFamily.InterNetwork ? 32 : 128;
        int? bits = bitsMax;
        if (slash >= 0 && !TryReadBits(argument[(slash + 1)..], bitsMax, out bits)) return Wrong($"\"{SpfWording.Clip(argument[slash..])}\" is not a length of prefix from /0 to /{bitsMax}");
        var address = argument[1..(slash < 0 ? argument.Length : slash)];
        return TryReadAddress(address, family, out var read) ? (make(read, bits!.Value), null) : Wrong($"\"{SpfWording.Clip(address)}\" is not an {kind} address");
    }

    /// <summary>Takes <c>dual-cidr-length</c> (RFC 7208 §5.3) off the end.</summary>
    private static bool TryCutPrefix(ref string argument, out int? v4Bits, out int? v6Bits, [NotNullWhen(false)] out string? error)
    {
        (v4Bits, v6Bits, error) = (null, null, null);
        var match = Prefix().Match(argument);
        if (match.Groups["v4"] is { Success: true } v4 && !TryReadBits(v4.Value, 32, out v4Bits)) error = $"\"/{SpfWording.Clip(v4.Value)}\" is not a length of prefix from /0 to /32";
        if (match.Groups["v6"] is { Success: true } v6 && !TryReadBits(v6.Value, 128, out v6Bits)) error = $"\"//{SpfWording.Clip(v6.Value)}\" is not a length of prefix from //0 to //128";
        argument = match.Groups["before"].Value;
        return error is null;
    }

    /// <summary>Without leading zeros.</summary>
    private static bool TryReadBits(string digits, int max, out int? bits)
    {
        bits = null;
        if (digits.Length is 0 or > 3 || (digits.Length > 1 && digits[0] == '0') || !digits.All(char.IsAsciiDigit)) return false;
        bits = int.Parse(digits, CultureInfo.InvariantCulture);
        return bits <= max;
    }

    /// <summary>IPAddress reads more than RFC 7208 §5.6 allows: short and octal IPv4 forms, scopes and brackets of IPv6.</summary>
    private static bool TryReadAddress(string text, AddressFamily family, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        if (text.AsSpan().ContainsAnyExcept(AddressCharacters)) return false;
        var dotted = text[(text.LastIndexOf(':') + 1)..];
        var isDotted = dotted.Contains('.', StringComparison.Ordinal);
        return (family == AddressFamily.InterNetworkV6 || dotted.Length == text.Length)
            && (family == AddressFamily.InterNetworkV6 && !isDotted || Dotted().IsMatch(dotted))
            && IPAddress.TryParse(text, out address) && address.AddressFamily == family;
    }

    private static string NoSuch(string name, string rest)
    {
        if (Slips.TryGetValue(name, out var meant)) return $"SPF has no \"{SpfWording.Clip(name)}\"; \"{meant}\" may be meant";
        if (rest.EndsWith(',')) return "terms are separated by spaces, not by commas";
        if (TryReadAddress(name, AddressFamily.InterNetwork, out _)) return $"an address is written \"ip4:{name}\"";
        return "SPF has no such mechanism";
    }

    private static (SpfTerm?, string?) Wrong(string error) => (null, error);

    [GeneratedRegex(@"\A(?<before>.*?)(?:/(?<v4>[0-9]+))?(?://(?<v6>[0-9]+))?\z", RegexOptions.Singleline | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Prefix();

    [GeneratedRegex(@"\A(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Dotted();
}
