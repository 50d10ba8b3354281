using MailApi.Mail.Composition;

namespace MailApi.Delivery.Tls;

/// <summary>What the operator demands of the mail hosts of a domain, whatever the domain itself publishes.</summary>
public enum TlsLevel
{
    /// <summary>TLS where offered, with any certificate, else in the clear: MTA-STS and DANE are not looked at.</summary>
    Opportunistic,

    /// <summary>TLS with any certificate.</summary>
    Encrypt,

    /// <summary>TLS with a valid certificate for the mail host's name.</summary>
    Verify,

    /// <summary>TLS with a certificate that TLSA records name.</summary>
    Dane,
}

/// <summary>Section <c>Delivery:Tls</c>: TLS with receivers. A relay has its own.</summary>
public sealed class TlsSettings
{
    /// <summary>Look for TLSA records in signed zones, and hold to them (RFC 7672).</summary>
    public bool Dane { get; set; } = true;

    /// <summary>Look for MTA-STS policies, and hold to them (RFC 8461).</summary>
    public bool MtaSts { get; set; } = true;

    /// <summary>The port that policies are fetched from; another than 443 only for tests.</summary>
    public int MtaStsPort { get; set; } = 443;

    /// <summary>By recipient domain, or <c>*.</c> and the end of the names of mail hosts; a domain goes before, and the longest end.</summary>
    public Dictionary<string, TlsLevel> Policies { get; set; } = [];

    /// <summary>Null where the operator demands nothing.</summary>
    internal TlsLevel? For(string domain, string host)
    {
        if (Policies.Count == 0) return null;
        foreach (var (name, level) in Policies)
            if (name.Equals(domain, StringComparison.OrdinalIgnoreCase)) return level;
        return Policies.Where(policy => policy.Key.StartsWith("*.", StringComparison.Ordinal) && host.EndsWith(policy.Key[1..], StringComparison.OrdinalIgnoreCase))
            .OrderByDescending(policy => policy.Key.Length).Select(policy => (TlsLevel?)policy.Value).FirstOrDefault();
    }

    internal static bool IsName(string name) => DomainName.TryParse(name.StartsWith("*.", StringComparison.Ordinal) ? "mx" + name[1..] : name, out _);
}
