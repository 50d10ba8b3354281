using System.Collections.Concurrent;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Shaping;

/// <summary>
/// The destinations of this process and what each is given now: how many connections, what rate, or nothing. Everything here is memory and gone with
/// the process: a receiver that still objects says so again.
/// </summary>
public sealed class Sites(SiteProfiles profiles, TimeProvider time)
{
    /// <summary>Sites remembered: some 2 KB each, what is reported of them included.</summary>
    public const int SitesMax = 25_000;

    /// <summary>Those unused for so long may be forgotten when there are too many.</summary>
    public static readonly TimeSpan IdleMin = TimeSpan.FromMinutes(1);

    /// <summary>Looking for idle sites costs milliseconds: not on every attempt.</summary>
    private static readonly TimeSpan TidyInterval = TimeSpan.FromSeconds(1);

    /// <summary>When to come back if there is no room for another site: so many busy ones are left only by an attack or a fault.</summary>
    private static readonly TimeSpan NoRoomDelay = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Site> sites = new(StringComparer.Ordinal);
    private readonly Lock tidying = new();
    private int nodeCount = 1;
    private long tidiedAt;

    /// <summary>Processes that deliver and share the limits, this one included.</summary>
    public int NodeCount
    {
        get => Volatile.Read(ref nodeCount);
        set => Volatile.Write(ref nodeCount, Math.Max(1, value));
    }

    /// <summary>Asks to go there now.</summary>
    /// <param name="route">The way.</param>
    /// <param name="domain">The recipient's.</param>
    /// <param name="flow">Whose mail it is.</param>
    public Admission Enter(Route route, string domain, Flow flow)
    {
        while (true)
        {
            if (!sites.TryGetValue(route.Site, out var site))
            {
                if (!HasRoom()) return new Admission.Refused(NoRoomDelay);
                site = sites.GetOrAdd(route.Site, name => New(name, route));
            }
            // A relay's owner has changed them: who is on the way still leaves by the old door.
            if (site.Limits != route.Limits && sites.TryUpdate(route.Site, New(route.Site, route), site)) continue;
            if (site.Enter(flow, domain, NodeCount) is { } admission) return admission;
            sites.TryRemove(KeyValuePair.Create(route.Site, site));
        }
    }

    /// <summary>The operator wants the site tried: a pause ends, and a closed one is let have its next attempt.</summary>
    public void TryNow(string name)
    {
        if (sites.TryGetValue(name, out var site)) site.TryNow();
    }

    /// <summary>All sites that are remembered.</summary>
    public IReadOnlyList<SiteReport> Report() => [.. sites.Values.Select(site => site.Report())];

    private Site New(string name, Route route) => new(name, profiles.For(route), time) { Limits = route.Limits };

    private bool HasRoom()
    {
        if (sites.Count < SitesMax) return true;
        lock (tidying)
        {
            if (tidiedAt != 0 && time.GetElapsedTime(tidiedAt) < TidyInterval) return sites.Count < SitesMax;
            tidiedAt = time.GetTimestamp();
            foreach (var entry in sites)
                if (entry.Value.TryForget(IdleMin)) sites.TryRemove(entry);
        }
        return sites.Count < SitesMax;
    }
}
