using System.Net;
using System.Text;
using MailApi.Mail.Composition;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Authentication;

/// <summary>Whose mail is judged: the parts of an identity that macros speak of (RFC 7208 §7.2).</summary>
internal sealed record SpfSender
{
    /// <summary>RFC 5321 §4.5.3.1 has 64 octets before the @, and names have 253; what is longer than this is no address, and would swell macros.</summary>
    public const int CharactersMax = 1_000;

    private const string Postmaster = "postmaster";

    /// <summary>Without a scope; an IPv4 address that came mapped into IPv6 is an IPv4 address (RFC 7208 §5).</summary>
    public required IPAddress Client { get; init; }

    public required string Helo { get; init; }
    public required string LocalPart { get; init; }

    /// <summary>The domain to check, in A-labels and lower case; as it came where it is malformed.</summary>
    public required string Domain { get; init; }

    /// <summary>False: there is nothing to look up, and the result is <c>none</c> (RFC 7208 §4.3).</summary>
    public required bool HasDomain { get; init; }

    /// <summary>The sender is null, so that the HELO name was taken (RFC 7208 §2.4).</summary>
    public required bool IsHelo { get; init; }

    public string Address => $"{LocalPart}@{Domain}";

    public static SpfSender Of(SpfIdentity identity)
    {
        var client = identity.ClientIp.IsIPv4MappedToIPv6 ? identity.ClientIp.MapToIPv4() : new IPAddress(identity.ClientIp.GetAddressBytes());
        var isHelo = identity.MailFrom.Length == 0;
        var path = isHelo ? identity.Helo : identity.MailFrom;
        var at = isHelo ? -1 : path.LastIndexOf('@');
        var domain = path[(at + 1)..];
        var isDomain = path.Length <= CharactersMax && TryReadDomain(domain, out domain);
        return new SpfSender
        {
            Client = client,
            // HELO may hold anything; it matters to %{h} only.
            Helo = identity.Helo.Length <= CharactersMax ? identity.Helo : "unknown",
            // RFC 7208 §4.3.
            LocalPart = at > 0 && isDomain ? path[..at] : Postmaster,
            Domain = isDomain ? domain : SpfWording.Clip(domain),
            HasDomain = isDomain,
            IsHelo = isHelo,
        };
    }

    /// <summary>RFC 7208 §4.3: well formed, of several labels, international ones as A-labels.</summary>
    private static bool TryReadDomain(string text, out string domain)
    {
        domain = text;
        if (!Ascii.IsValid(text))
        {
            if (!DomainName.TryParse(text, out var aLabels)) return false;
            domain = aLabels;
            return true;
        }
        var plain = text.EndsWith('.') ? text[..^1] : text;
        if (!HostName.IsValid(plain) || !plain.Contains('.', StringComparison.Ordinal)) return false;
        domain = plain.ToLowerInvariant();
        return true;
    }
}
