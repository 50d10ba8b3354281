using System.Collections.Frozen;
using MailApi.Api;

namespace MailApi.Spool;

/// <summary>
/// How many envelopes are rung (on their way through the bus) per category and tenant, as this node knows it: counted by each sweep,
/// carried forward by accepts in between. It bounds what waits in the bus, and what one tenant may have there; the rest of the
/// backlog stays in the store's index, where it can be counted, paused and dealt fairly.
/// </summary>
internal sealed class Window(TimeProvider time)
{
    /// <summary>Rung envelopes per category.</summary>
    public const int SlotsMax = 1024;

    /// <summary>Slots one tenant may take while another has due work.</summary>
    public const int TenantSlotsMax = SlotsMax / 4;

    /// <summary>
    /// Places for newly accepted mail of tenants that have fewer than <see cref="FewSlots"/>, however many the others have: it need not wait for a sweep because a flood filled the window.
    /// </summary>
    public const int ReservedSlots = SlotsMax / 8;
    public const int FewSlots = 16;

    /// <summary>What is due later than this is found by ordinary sweeps: a pause of hours is no reason to look twenty times a second.</summary>
    private static readonly TimeSpan ExpectMax = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private Dictionary<(Category, Guid), int> rung = [];
    private FrozenDictionary<Guid, int> weights = FrozenDictionary<Guid, int>.Empty;
    private long dueUntil = time.GetTimestamp();

    /// <summary>Throttled mail of this node is coming due: worth looking often, so that its slots are not missed.</summary>
    public bool ExpectsDue => time.GetTimestamp() < Volatile.Read(ref dueUntil);

    /// <summary>A tenant's share beside others of weight 1, as a sweep read it last.</summary>
    public int Weight(Guid tenant) => weights.GetValueOrDefault(tenant, 1);

    /// <summary>A category has no room: worth looking often, so that what becomes free is dealt at once.</summary>
    public bool IsFull
    {
        get
        {
            lock (gate) return rung.GroupBy(entry => entry.Key.Item1, entry => entry.Value).Any(counts => counts.Sum() >= SlotsMax);
        }
    }

    /// <summary>Takes up to <paramref name="wanted"/> slots for newly accepted envelopes; answers how many are granted.</summary>
    public int Take(Category category, TenantId tenant, int wanted)
    {
        lock (gate)
        {
            var (total, few) = (0, 0);
            foreach (var (key, count) in rung)
            {
                if (key.Item1 != category) continue;
                total += count;
                if (count <= FewSlots) few += count;
            }
            var mine = rung.GetValueOrDefault((category, tenant.Value));
            var free = Math.Max(SlotsMax - total, Math.Min(FewSlots - mine, ReservedSlots - few));
            var granted = Math.Max(0, Math.Min(wanted, Math.Min(free, TenantSlotsMax - mine)));
            if (granted > 0) rung[(category, tenant.Value)] = mine + granted;
            return granted;
        }
    }

    /// <summary>A rung envelope was claimed by this process.</summary>
    public void Leave(Category category, TenantId tenant)
    {
        lock (gate)
        {
            // A recount in between may have left it out already.
            var left = rung.GetValueOrDefault((category, tenant.Value)) - 1;
            if (left > 0) rung[(category, tenant.Value)] = left;
            else rung.Remove((category, tenant.Value));
        }
    }

    /// <summary>The sweep rang envelopes of the backlog.</summary>
    public void Add(Category category, IEnumerable<(Guid Tenant, int Count)> counts)
    {
        lock (gate)
            foreach (var (tenant, count) in counts) rung[(category, tenant)] = rung.GetValueOrDefault((category, tenant)) + count;
    }

    /// <summary>An envelope will be due after this delay.</summary>
    public void ExpectDue(TimeSpan delay)
    {
        if (delay > ExpectMax) return;
        var until = time.GetTimestamp() + (long)((delay + Sweeper.Idle).TotalSeconds * time.TimestampFrequency);
        lock (gate) dueUntil = Math.Max(dueUntil, until);
    }

    /// <summary>Replaces the estimate by what the store counted, of each category and tenant that has rung envelopes.</summary>
    public void Recount(IEnumerable<(Category Category, Guid Tenant, int Rung)> counts)
    {
        var fresh = counts.ToDictionary(count => (count.Category, count.Tenant), count => count.Rung);
        lock (gate) rung = fresh;
    }

    /// <summary>Learns the weight of each tenant whose weight is another than 1.</summary>
    public void Weigh(IEnumerable<(Guid Tenant, int Weight)> weights) => this.weights = weights.ToFrozenDictionary(it => it.Tenant, it => it.Weight);
}
