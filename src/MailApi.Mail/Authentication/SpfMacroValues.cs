using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Authentication;

/// <summary>What macros stand for in one evaluation (RFC 7208 §7.2, §7.3), and the client's confirmed names (§5.5).</summary>
internal sealed class SpfMacroValues(DnsResolver dns, SpfSender sender, DateTimeOffset now, CancellationToken ct)
{
    /// <summary>RFC 7208 §7.3, for want of a name: of the client, and of the receiver, who is nobody in a diagnosis.</summary>
    private const string NoName = "unknown";

    /// <summary>An SMTP reply carries no more than a few lines of it.</summary>
    private const int ExplanationMax = 1_000;

    private Task<ClientNames>? names;

    /// <summary>The name to ask for; null when the term can match nothing, because the name is malformed or speaks of a local part outside ASCII (RFC 8616 §4).</summary>
    public async Task<string?> Name(SpfMacroString spec, string domain)
    {
        if ((spec.Uses('s') || spec.Uses('l')) && !Ascii.IsValid(sender.LocalPart)) return null;
        var clientName = await ClientNameIfUsed(spec, domain);
        var name = spec.ExpandName(letter => Value(letter, domain, clientName)).ToLowerInvariant();
        return HostName.CanBeAsked(name) ? name : null;
    }

    /// <summary>The owner's words (§6.2); null when they are not printable ASCII.</summary>
    public async Task<string?> Explanation(SpfMacroString text, string domain)
    {
        var clientName = await ClientNameIfUsed(text, domain);
        var words = text.Expand(letter => Value(letter, domain, clientName));
        if (words.Any(c => c is < ' ' or > '~')) return null;
        return words.Length <= ExplanationMax ? words : words[..ExplanationMax];
    }

    /// <summary>The client's reverse names that have its address, at most ten (§5.5, §4.6.4). Errors of the DNS count as no name.</summary>
    public Task<ClientNames> Confirmed() => names ??= Confirm();

    /// <summary>The addresses of a name that the client could have: A for IPv4, AAAA for IPv6 (§5).</summary>
    public Task<DnsAnswer<IPAddress>> Addresses(string host) => sender.Client.AddressFamily == AddressFamily.InterNetwork ? dns.A(host, ct) : dns.Aaaa(host, ct);

    public static bool IsAtOrBelow(string name, string domain) => name == domain || name.EndsWith("." + domain, StringComparison.Ordinal);

    private async Task<ClientNames> Confirm()
    {
        var answer = await dns.Names(sender.Client, ct);
        if (answer is not DnsAnswer<string>.Found found) return new ClientNames([], IsVoid: answer is not DnsAnswer<string>.Failed);
        List<string> confirmed = [];
        foreach (var name in found.Values.Take(Spf.HostsMax))
        {
            if (await Addresses(name) is DnsAnswer<IPAddress>.Found addresses && addresses.Values.Contains(sender.Client)) confirmed.Add(name);
        }
        return new ClientNames(confirmed, IsVoid: false);
    }

    /// <summary><c>%{p}</c> costs look-ups: they are made only for those who ask.</summary>
    private async Task<string> ClientNameIfUsed(SpfMacroString text, string domain)
    {
        if (!text.Uses('p')) return NoName;
        var confirmed = (await Confirmed()).Names;
        return confirmed.FirstOrDefault(name => name == domain) ?? confirmed.FirstOrDefault(name => IsAtOrBelow(name, domain)) ?? (confirmed.Count > 0 ? confirmed[0] : NoName);
    }

    private string Value(char letter, string domain, string clientName) => letter switch
    {
        's' => sender.Address,
        'l' => sender.LocalPart,
        'o' => sender.Domain,
        'd' => domain,
        'i' => Dotted(sender.Client),
        'p' => clientName,
        'v' => sender.Client.AddressFamily == AddressFamily.InterNetwork ? "in-addr" : "ip6",
        'h' => sender.Helo,
        'c' => sender.Client.ToString(),
        'r' => NoName,
        't' => now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
        _ => throw new ArgumentOutOfRangeException(nameof(letter)),
    };

    /// <summary>IPv6 as its 32 hexadecimal digits (§7.3).</summary>
    private static string Dotted(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork
        ? address.ToString()
        : string.Join('.', Convert.ToHexStringLower(address.GetAddressBytes()).ToCharArray());
}

/// <summary>The names of a client.</summary>
/// <param name="Names">Confirmed, in lower case.</param>
/// <param name="IsVoid">The address has no reverse name at all.</param>
internal sealed record ClientNames(IReadOnlyList<string> Names, bool IsVoid);
