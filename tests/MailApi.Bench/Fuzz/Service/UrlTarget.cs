using System.Net;
using MailApi.Mail.Routing;
using MailApi.Testing.Fuzzing;
using MailApi.Webhooks;

namespace MailApi.Bench.Fuzz.Service;

/// <summary>Addresses of webhooks: whatever the text, no request goes to a host that another reader sees otherwise, nor to our own network.</summary>
internal static class UrlTarget
{
    public static readonly byte[][] Seeds = Texts.Octets(
        "https://hooks.example.net/mail?x=1#y", "https://192.0.2.1:8443/", "https://[2001:db8::1]/a", "https://10.0.0.1/", "https://example.net:443", "http://example.net/", "https://user:pass@example.net/", "https://127.1/", "https://xn--bcher-kva.example/%C3%A9");

    public static readonly string[] Words =
    [
        "https://", "http://", "file://", "//", "@", "%40", "%2e", ":443", ":8443", ":0443", ":80", "[", "]", "::1", "::ffff:127.0.0.1", "%25eth0", "64:ff9b::7f00:1", "127.0.0.1", "0x7f.1", "0177.0.0.1", "2130706433", "169.254.169.254", "localhost", ".", "..", "#", "?", "\\", "\t", "\u3002", "\uFF10", "xn--", "..",
    ];

    public static string Try(byte[] input)
    {
        var text = Texts.Of(input);
        if (!WebhookUrl.TryParse(text, allowPrivate: false, out var url, out var refusal)) return refusal;
        var uri = url.Uri;
        if (uri.Scheme != "https" || uri.Port is not (443 or 8443) || uri.UserInfo.Length > 0) throw new InvalidOperationException($"{uri} is taken.");
        // The host is a piece of the text itself, so that whoever reads it otherwise than System.Uri sees the same one.
        if (!text["https://".Length..].TrimStart('[').StartsWith(uri.HostNameType == UriHostNameType.IPv6 ? text[9..text.IndexOf(']', StringComparison.Ordinal)] : url.Host, StringComparison.OrdinalIgnoreCase)) throw new InvalidOperationException($"{uri} has the host {url.Host}.");
        if (IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) && (url.Address is null || !GlobalUnicast.Contains(address))) throw new InvalidOperationException($"{uri} goes to {address}.");
        return $"{uri.HostNameType} {uri.Port} {uri.Query.Length > 0} {uri.Fragment.Length > 0}";
    }
}
