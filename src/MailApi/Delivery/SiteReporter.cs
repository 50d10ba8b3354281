using System.Data.Common;
using System.Text.Json;
using MailApi.Api;
using MailApi.Mail.Shaping;
using MailApi.Spool;
using MailApi.Storage;

namespace MailApi.Delivery;

/// <summary>
/// Tells the store what this process has in force at its sites, so that any process can show it, and learns from there with how many others it
/// shares their limits, and which of them the operator wants tried now.
/// </summary>
internal sealed partial class SiteReporter(Sites sites, SiteDomains domains, Node node, Db db, TimeProvider time, ILogger<SiteReporter> log) : BackgroundService
{
    /// <summary>Between reports, and so much more for every thousand sites, since all are looked at.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private const int SitesPerInterval = 1000;

    /// <summary>Reports in one transaction; those that were told longest ago go first.</summary>
    private const int RowsMax = 1000;

    /// <summary>How long a recipient domain that gets no mail is remembered: as long as what was counted of it.</summary>
    private static readonly TimeSpan DomainsKept = TimeSpan.FromDays(400);

    private static readonly TimeSpan TidyInterval = TimeSpan.FromHours(1);

    /// <summary>Longer than a report may take; a flush that is older was found before.</summary>
    private static readonly TimeSpan FlushesLookedFor = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, SiteReport> told = new(StringComparer.Ordinal);
    private HashSet<(string Site, long At)> flushed = [];
    private long tidiedAt;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(Report(stoppingToken), TryFlushed(stoppingToken));

    private async Task Report(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                sites.NodeCount = node.DeliveringCount;
                try
                {
                    if (tidiedAt == 0 || time.GetElapsedTime(tidiedAt) > TidyInterval) await Tidy(stoppingToken);
                    timer.Period = Interval * (1 + await Tell(stoppingToken) / SitesPerInterval);
                }
                catch (DbException e)
                {
                    LogStoreAway(e.Message);
                    told.Clear();
                    domains.Forget();
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The rows go when the node is forgotten.
        }
    }

    /// <summary>At an interval that does not grow with the sites: what was flushed is due soon.</summary>
    private async Task TryFlushed(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await TryRecent(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The rest is tried by the other nodes.
        }
    }

    private async Task TryRecent(CancellationToken ct)
    {
        try
        {
            var recent = await db.Query("select site, flushed_at from flushes where flushed_at > now_ms() - @age", row => (Site: row.GetString(0), At: row.GetInt64(1)), ct, ("age", (long)FlushesLookedFor.TotalMilliseconds));
            foreach (var flush in recent)
                if (!flushed.Contains(flush)) sites.TryNow(flush.Site);
            flushed = [.. recent];
        }
        catch (DbException)
        {
            // The report says so; what was flushed meanwhile is still found afterwards.
        }
    }

    /// <returns>How many sites there are.</returns>
    private async Task<int> Tell(CancellationToken ct)
    {
        var current = sites.Report();
        var statements = domains.Untold().ToList();
        statements.AddRange(current.Where(IsNews).OrderBy(report => told.GetValueOrDefault(report.Site)?.UsedAt).Take(RowsMax).Select(Row));
        statements.AddRange(told.Keys.Except(current.Select(report => report.Site)).ToList().Select(Gone));
        if (statements.Count > 0) await db.Write(async transaction =>
        {
            await transaction.Run(statements, onRow: null, ct);
            return true;
        }, ct);
        return current.Count;
    }

    /// <summary>Records compare by value, but lists by identity.</summary>
    private bool IsNews(SiteReport report) =>
        !told.TryGetValue(report.Site, out var before) || before with { Domains = report.Domains, Since = report.Since, Until = report.Until, UsedAt = report.UsedAt } != report
        || before.Domains.Count != report.Domains.Count;

    private Statement Row(SiteReport report)
    {
        told[report.Site] = report;
        return new Statement(
            """
            insert into sites (site, node_id, state, report, updated_at) values (@site, @node, @state, @report, now_ms())
            on conflict (site, node_id) do update set state = excluded.state, report = excluded.report, updated_at = excluded.updated_at
            """, ("site", report.Site), ("node", node.Id), ("state", report.State.ToText()), ("report", JsonSerializer.Serialize(SiteView.From(report), SiteJson.Default.SiteView)));
    }

    private Statement Gone(string site)
    {
        told.Remove(site);
        return new Statement("delete from sites where site = @site and node_id = @node", ("site", site), ("node", node.Id));
    }

    private async Task Tidy(CancellationToken ct)
    {
        tidiedAt = time.GetTimestamp();
        domains.Forget();
        await db.Execute("delete from site_domains where seen_at < now_ms() - @age", ct, ("age", (long)DomainsKept.TotalMilliseconds));
        await db.Execute("delete from flushes where flushed_at < now_ms() - @age", ct, ("age", (long)TidyInterval.TotalMilliseconds));
        await db.Execute("delete from sites where node_id not in (select id from nodes)", ct);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, sites are not reported: {Error}")]
    private partial void LogStoreAway(string error);
}
