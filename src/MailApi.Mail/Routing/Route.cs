using System.Net;
using MailApi.Mail.Smtp;
using MailApi.Mail.Tls;

namespace MailApi.Mail.Routing;

/// <summary>How a connection is protected.</summary>
public enum TlsPolicy
{
    /// <summary>In the clear.</summary>
    None,

    /// <summary>STARTTLS where offered, with any certificate; in the clear where it fails. What mail between domains does (RFC 7435).</summary>
    Opportunistic,

    /// <summary>STARTTLS with a valid certificate for the host's name, or nothing (RFC 3207).</summary>
    StartTls,

    /// <summary>TLS from the first octet with a valid certificate for the host's name (RFC 8314).</summary>
    Implicit,
}

/// <summary>Where an envelope goes: hosts in the order in which they are tried.</summary>
public sealed record Route
{
    /// <summary>The same for all domains with the same mail hosts; what destination limits are counted by. At most <see cref="SiteCharsMax"/> characters.</summary>
    public required string Site { get; init; }
    public required IReadOnlyList<RouteHost> Hosts { get; init; }
    public TlsPolicy Tls { get; init; } = TlsPolicy.Opportunistic;

    /// <summary>The hosts are those of MX records (or of their absence) whose signatures are right; null: they are not from the DNS of a recipient's domain.</summary>
    public bool? MxIsSecure { get; init; }

    /// <summary>Told of each negotiation of TLS with a host of an opportunistic route; it must not block.</summary>
    public Action<TlsSession>? TlsSessions { get; init; }

    /// <summary>Of a relay that wants them.</summary>
    public RelayCredentials? Credentials { get; init; }

    /// <summary>Of a relay whose owner has set some.</summary>
    public RouteLimits? Limits { get; init; }

    /// <summary>Where connections are made from; null: the system chooses.</summary>
    public SourceAddress? Source { get; init; }

    public const int SiteCharsMax = 200;
}

/// <summary>What a relay's owner allows of it; null leaves the limit to the site.</summary>
public sealed record RouteLimits
{
    /// <summary>Connections at a time.</summary>
    public int? Connections { get; init; }
    public int? MessagesPerConnection { get; init; }

    /// <summary>Messages a second. The permits for them have been taken before the route was found.</summary>
    public double? PerSecond { get; init; }
}

/// <param name="Name">In lower case; certificates are checked against it.</param>
/// <param name="Addresses">In the order in which they are tried; at least one.</param>
/// <param name="Port">The TCP port.</param>
public sealed record RouteHost(string Name, IReadOnlyList<IPAddress> Addresses, int Port)
{
    /// <summary>What it must prove where <see cref="Route.Tls"/> is opportunistic.</summary>
    public TlsDemand Demand { get; init; } = TlsDemand.Opportunistic;
}

/// <summary>The way for an envelope, or why there is none. The set of cases is closed.</summary>
public abstract record RouteResult
{
    private RouteResult() { }

    public sealed record Found(Route Route) : RouteResult;

    /// <summary>There is no way and there will be none: a reply of our own making, 5xx.</summary>
    public sealed record Refused(Reply Reply) : RouteResult;

    /// <summary>The way cannot be known now: a reply of our own making, 4xx.</summary>
    public sealed record Temporary(Reply Reply) : RouteResult;

    /// <summary>There is a way, and it may be taken after <paramref name="Delay"/>: the rate of a relay is spent.</summary>
    public sealed record Later(TimeSpan Delay) : RouteResult;
}
