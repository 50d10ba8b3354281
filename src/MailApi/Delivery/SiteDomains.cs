using System.Collections.Concurrent;
using MailApi.Storage;
using Route = MailApi.Mail.Routing.Route;

namespace MailApi.Delivery;

/// <summary>
/// Which recipient domains go to which site: learnt from routing, told to the store, so that the queue can be shown, held and flushed by site. Mail
/// that takes a relay says nothing of its recipient's domain.
/// </summary>
internal sealed class SiteDomains
{
    /// <summary>Remembered, so that they need not be told again; with more of them all are forgotten, and told anew.</summary>
    public const int DomainsMax = 50_000;

    /// <summary>In one transaction.</summary>
    private const int RowsMax = 500;

    private readonly ConcurrentDictionary<string, string> known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> untold = new(StringComparer.Ordinal);

    /// <summary>The route tells where the mail of its recipient's domain goes.</summary>
    public static bool Learns(Route route) => !route.Site.StartsWith("relay:", StringComparison.Ordinal);

    public void Note(string domain, Route route)
    {
        if (known.TryGetValue(domain, out var site) && site == route.Site) return;
        if (!Learns(route)) return;
        if (known.Count >= DomainsMax) Forget();
        known[domain] = route.Site;
        if (untold.Count < DomainsMax) untold[domain] = route.Site;
    }

    /// <summary>Everything is told again when it is met again: rows that are not are removed after a while.</summary>
    public void Forget() => known.Clear();

    /// <summary>What the store does not know yet, or some of it.</summary>
    public IReadOnlyList<Statement> Untold()
    {
        var statements = new List<Statement>();
        foreach (var entry in untold.Take(RowsMax))
        {
            if (!untold.TryRemove(entry)) continue;
            statements.Add(new Statement(
                """
                insert into site_domains (recipient_domain, site, seen_at) values (@domain, @site, now_ms())
                on conflict (recipient_domain) do update set site = excluded.site, seen_at = excluded.seen_at
                """, ("domain", entry.Key), ("site", entry.Value)));
        }
        return statements;
    }
}
