using MailApi.Mail.Routing;

namespace MailApi.Mail.Dkim;

/// <summary>Where the key records of selectors come from.</summary>
internal sealed class KeyLookup
{
    private readonly Func<string, string, CancellationToken, Task<IReadOnlyList<string>>> find;

    public KeyLookup(Func<string, string, CancellationToken, Task<string?>> record) =>
        find = async (selector, domain, ct) => await record(selector, domain, ct) is { } found ? [found] : [];

    /// <summary>All TXT records at <c>selector._domainkey.domain</c> (RFC 6376 §3.6.2).</summary>
    public KeyLookup(DnsResolver dns) => find = async (selector, domain, ct) => await dns.Txt($"{selector}._domainkey.{domain}", ct) switch
    {
        DnsAnswer<string>.Found found => found.Values,
        DnsAnswer<string>.Failed failed => throw new InvalidOperationException(failed.Reason),
        _ => [],
    };

    /// <summary>The records, none where the selector has none; or why nobody can say at present.</summary>
    public async Task<(IReadOnlyList<string>? Records, string? Failure)> Find(string selector, string domain, CancellationToken ct)
    {
        try
        {
            return (await find(selector, domain, ct), null);
        }
        catch (Exception) when (!ct.IsCancellationRequested)
        {
            return (null, "the key could not be looked up");
        }
    }
}
