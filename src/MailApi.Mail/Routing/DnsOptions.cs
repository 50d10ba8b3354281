using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace MailApi.Mail.Routing;

/// <summary>Where and how names are looked up.</summary>
public sealed record DnsOptions
{
    /// <summary>The only name servers that are asked; empty: those of the system.</summary>
    public IReadOnlyList<IPEndPoint> Servers { get; init; } = [];

    /// <summary>Patience for one answer of one server.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Further tries after the first, for each server.</summary>
    public int Retries { get; init; } = 2;

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
