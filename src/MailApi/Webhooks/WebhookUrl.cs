using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using MailApi.Mail.Routing;

namespace MailApi.Webhooks;

/// <summary>
/// An address that we are ready to call, as far as its text can tell: https on port 443 or 8443, no user information, and a host that
/// every parser reads alike. What the name resolves to is <see cref="EgressGuard"/>'s matter.
/// </summary>
internal sealed record WebhookUrl
{
    public const int LengthMax = 2_048;
    private const int HostLengthMax = 253; // RFC 1035 §2.3.4, without the trailing dot
    private const string NoHost = "The host must be a domain name without a trailing dot, or an address in its usual form.";

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    private WebhookUrl(Uri uri, IPAddress? address) => (Uri, Address) = (uri, address);

    public Uri Uri { get; }

    public string Host => Uri.IdnHost;

    /// <summary>The host where it is written as an address, else null.</summary>
    public IPAddress? Address { get; }

    /// <param name="allowPrivate">Admits http, every port and every address.</param>
    /// <param name="refusal">Why not, and what to write instead.</param>
    public static bool TryParse(string? text, bool allowPrivate, [NotNullWhen(true)] out WebhookUrl? url, [NotNullWhen(false)] out string? refusal)
    {
        url = null;
        refusal = Refusal(text, allowPrivate, out var uri, out var address);
        if (refusal is not null) return false;
        url = new WebhookUrl(uri!, address);
        return true;
    }

    private static string? Refusal(string? text, bool allowPrivate, out Uri? uri, out IPAddress? address)
    {
        (uri, address) = (null, null);
        if (string.IsNullOrEmpty(text)) return "An absolute https URL is required.";
        if (text.Length > LengthMax) return $"The URL is longer than {LengthMax} characters.";
        // System.Uri reads '\' as '/', drops blanks and maps full-width digits; what two parsers could read in two ways stops here.
        if (text.AsSpan().ContainsAnyExceptInRange('\x21', '\x7E') || text.Contains('\\'))
            return "The URL must be printable ASCII without backslashes: percent-encode the path and write the host as an A-label.";
        if (!Uri.TryCreate(text, UriKind.Absolute, out uri)) return "This is not an absolute URL.";
        if (!text.StartsWith(uri.Scheme + "://", StringComparison.OrdinalIgnoreCase)) return "The URL must start with https://.";
        if (uri.Scheme != Uri.UriSchemeHttps && !(allowPrivate && uri.Scheme == Uri.UriSchemeHttp)) return "The scheme must be https.";
        if (uri.Port is not (443 or 8443) && !allowPrivate) return "The port must be 443 or 8443.";
        return HostRefusal(Authority(text, uri.Scheme), uri, allowPrivate, out address);
    }

    private static string? HostRefusal(ReadOnlySpan<char> authority, Uri uri, bool allowPrivate, out IPAddress? address)
    {
        address = null;
        if (authority.ContainsAny('@', '%')) return "The URL must not carry a user name, a password or an encoded host.";
        var bracketed = authority.StartsWith('[');
        // System.Uri takes a prefix length within the brackets; to all others the slash ends the authority.
        if (bracketed && !authority.Contains(']')) return NoHost;
        var host = bracketed ? authority[1..authority.IndexOf(']')] : authority[..(authority.IndexOf(':') is var colon and >= 0 ? colon : authority.Length)];
        switch (uri.HostNameType)
        {
            case UriHostNameType.IPv4 when !bracketed && IPAddress.TryParse(host, out address) && host.SequenceEqual(address.ToString()):
            case UriHostNameType.IPv6 when bracketed && IPAddress.TryParse(host, out address):
                return allowPrivate || GlobalUnicast.Contains(address) ? null : "The host is not an address of the public internet.";
            case UriHostNameType.Dns when host.Length <= HostLengthMax && !host.EndsWith('.') && !IsNumber(host[(host.LastIndexOf('.') + 1)..]):
                return null;
            default:
                return NoHost;
        }
    }

    private static ReadOnlySpan<char> Authority(string text, string scheme)
    {
        var rest = text.AsSpan(scheme.Length + "://".Length);
        return rest.IndexOfAny('/', '?', '#') is var end and >= 0 ? rest[..end] : rest;
    }

    /// <summary>A host whose last label is a number is an IPv4 address to some parsers (127.1, 0x7f.1, 0177.0.0.1): never a name to us.</summary>
    private static bool IsNumber(ReadOnlySpan<char> label)
    {
        if (label.StartsWith("0x", StringComparison.OrdinalIgnoreCase)) return !label[2..].ContainsAnyExcept(HexDigits);
        return !label.ContainsAnyExceptInRange('0', '9');
    }
}
