using System.Net;
using MailApi.Api;

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

    public DomainOptions()
    {
    }

    /// <summary>What was configured, and where reports come to.</summary>
    public DomainOptions(DomainOptions configured, ReportAddresses reports) =>
        (ServiceHost, SpfInclude, DelegationZone, Reports) = (configured.ServiceHost, configured.SpfInclude, configured.DelegationZone, reports);

    /// <summary>Where reports about the domains come to: no setting of this section, for the host knows.</summary>
    public ReportAddresses Reports { get; } = new(ByMail: true, Token: null);

    public string SpfIncludeOrDefault => SpfInclude ?? "spf." + ServiceHost;
}

/// <summary>How reports about a domain come to this installation.</summary>
/// <param name="ByMail">It takes the mail that comes to return paths, and so to the report mailboxes beside them.</param>
/// <param name="Token">Names a domain in the https address of TLS reports; null where there is no such address.</param>
internal sealed record ReportAddresses(bool ByMail, Func<DomainId, string>? Token)
{
    /// <summary>The mailbox of DMARC reports; null where no mail is taken.</summary>
    public string? DmarcMailbox(string domain) => ByMail ? "dmarc@" + DomainRecords.ReturnPathHost(domain) : null;

    /// <summary>The mailbox of feedback reports (RFC 5965); null where no mail is taken.</summary>
    public string? FeedbackMailbox(string domain) => ByMail ? "feedback@" + DomainRecords.ReturnPathHost(domain) : null;

    /// <summary>
    /// Where TLS reports go (RFC 8460 §3): the mailbox, and the host of the domain's links, which leads here. Both, since either may be what fails; a report that comes
    /// twice counts once.
    /// </summary>
    public IReadOnlyList<string> Tls(DomainId id, string domain)
    {
        var addresses = new List<string>();
        if (ByMail) addresses.Add("mailto:tls@" + DomainRecords.ReturnPathHost(domain));
        if (Token is not null) addresses.Add($"https://{DomainRecords.TrackingHost(domain)}/reports/{Token(id)}");
        return addresses;
    }
}
