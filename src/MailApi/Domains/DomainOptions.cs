using System.Net;

namespace MailApi.Domains;

/// <summary>What the records of every sending domain point to.</summary>
internal sealed class DomainOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Domains";

    /// <summary>
    /// The public name of this service: bounces come to it (MX), and tracking and unsubscribe links lead to it (CNAME). Default: the machine's name.
    /// </summary>
    public string ServiceHost { get; set; } = Dns.GetHostName();

    /// <summary>
    /// The name whose SPF record (RFC 7208 §5.2) lists the addresses that this service sends from. Default: <c>spf.</c> before <see cref="ServiceHost"/>.
    /// </summary>
    public string? SpfInclude { get; set; }

    /// <summary>
    /// A zone of the operator's in which keys and return paths are published for tenants who point to them with a CNAME: their keys then rotate
    /// without their doing. <c>GET /domains/delegated-zone</c> prints its contents. Default: none, tenants publish everything themselves.
    /// </summary>
    public string? DelegationZone { get; set; }

    public string SpfIncludeOrDefault => SpfInclude ?? "spf." + ServiceHost;
}
