using MailApi.Api;

namespace MailApi.Reports;

/// <summary>
/// Names a domain in the address that reports are posted to. It stands in the DNS for all to read; what it keeps out is reports about domains that never asked for any.
/// </summary>
internal sealed class ReportToken(Func<byte[]> key)
{
    /// <summary>What the key is derived for (<see cref="Storage.Vault.Derived"/>).</summary>
    public const string KeyPurpose = "reports";

    private readonly KeyedId ids = new(key);

    public ReportToken(byte[] key) : this(() => key) { }

    public string Create(DomainId domain) => ids.ToBase64Url(domain.Value);

    /// <summary>False for a token that this service did not make.</summary>
    public bool TryRead(string token, out DomainId domain)
    {
        var isOurs = ids.TryReadBase64Url(token, out var id);
        domain = new DomainId(id);
        return isOurs;
    }
}
