using System.Diagnostics.CodeAnalysis;
using System.Net;
using MailApi.Mail.Dnssec;

namespace MailApi.Mail.Routing;

/// <summary>Where and how names are looked up.</summary>
public sealed record DnsOptions
{
    /// <summary>The only name servers that are asked; empty: those of the system.</summary>
    public IReadOnlyList<IPEndPoint> Servers { get; init; } = [];

    /// <summary>Patience for one answer of one server.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Further tries after the first, for each server that was silent.</summary>
    public int Retries { get; init; } = 2;

    /// <summary>Patience for a whole look-up, with all its servers and tries; after it the answer is <c>Failed("no answer")</c>.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Patience for a look-up of many steps: at the servers of a zone, or with all signatures from the root down.</summary>
    public TimeSpan WalkDeadline { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Ask the servers of a zone at addresses that are not global unicast too. Strangers choose these addresses.</summary>
    public bool AllowPrivateNetworks { get; init; }

    /// <summary>The port of the servers of a zone; other than 53 only in tests.</summary>
    public int AuthorityPort { get; init; } = 53;

    /// <summary>The keys of the root that signatures are traced to.</summary>
    public IReadOnlyList<TrustAnchor> TrustAnchors { get; init; } = TrustAnchor.Root;

    /// <summary>Look up AAAA records too. IPv4 addresses are tried first in any case.</summary>
    public bool UseIPv6 { get; init; } = true;

    /// <summary>Reads <c>ip:port, …</c>; the port may be left out (53). An empty text is an empty list.</summary>
    public static bool TryParseServers(string? text, [NotNullWhen(true)] out IReadOnlyList<IPEndPoint>? servers)
    {
        servers = null;
        List<IPEndPoint> found = [];
        foreach (var item in (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!IPEndPoint.TryParse(item, out var server)) return false;
            if (server.Port == 0) server.Port = 53;
            found.Add(server);
        }
        servers = found;
        return true;
    }
}
