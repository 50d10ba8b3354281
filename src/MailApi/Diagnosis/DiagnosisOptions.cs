using System.Globalization;
using System.Net;

namespace MailApi.Diagnosis;

/// <summary>Section <c>Diagnosis</c>: whom to ask about mail before it is sent. What is not set is not asked.</summary>
public sealed class DiagnosisOptions
{
    /// <summary>Zones of blocklists of addresses (RFC 5782), such as <c>zen.spamhaus.org</c>. Every question leaves the house, and some lists must be paid for.</summary>
    public string[] AddressBlocklists { get; set; } = [];

    /// <summary>Zones of blocklists of domains, such as <c>dbl.spamhaus.org</c>.</summary>
    public string[] DomainBlocklists { get; set; } = [];

    /// <summary><c>host:port</c> of SpamAssassin's <c>spamd</c>, usually <c>127.0.0.1:783</c>.</summary>
    public string? Spamd { get; set; }

    /// <summary>Null where it is not set or is no <c>host:port</c>.</summary>
    internal EndPoint? SpamdEndPoint
    {
        get
        {
            if (Spamd is null || Spamd.LastIndexOf(':') is not (> 0 and var colon)) return null;
            if (IPEndPoint.TryParse(Spamd, out var address)) return address;
            return ushort.TryParse(Spamd[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0 ? new DnsEndPoint(Spamd[..colon], port) : null;
        }
    }
}
