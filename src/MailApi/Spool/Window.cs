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

    private readonly Lock gate = new();
    private Dictionary<(Category, Guid), int> rung = [];
    private long dueUntil = time.GetTimestamp();

    /// <summary>Throttled mail of this node is coming due: worth looking often, so that its slots are not missed.</summary>
    public bool ExpectsDue => time.GetTimestamp() < Volatile.Read(ref dueUntil);

    /// <summary>Takes up to <paramref name="wanted"/> slots for newly accepted envelopes; answers how many are granted.</summary>
    public int Take(Category category, TenantId tenant, int wanted)
    {
        lock (gate)
        {
            var total = 0;
            foreach (var (key, count) in rung)
                if (key.Item1 == category) total += count;
            var mine = rung.GetValueOrDefault((category, tenant.Value));
            var granted = Math.Max(0, Math.Min(wanted, Math.Min(SlotsMax - total, TenantSlotsMax - mine)));
            if (granted > 0) rung[(category, tenant.Value)] = mine + granted;
            return granted;
        }
    }

    /// <summary>An envelope will be due after this delay.</summary>
    public void ExpectDue(TimeSpan delay)
    {
        var until = time.GetTimestamp() + (long)((delay + Sweeper.Idle).TotalSeconds * time.TimestampFrequency);
        lock (gate) dueUntil = Math.Max(dueUntil, until);
    }

    /// <summary>Replaces the estimate by what the store counted.</summary>
    public void Recount(IEnumerable<(Category Category, Guid Tenant, int Rung)> counts)
    {
        var fresh = counts.ToDictionary(count => (count.Category, count.Tenant), count => count.Rung);
        lock (gate) rung = fresh;
    }
}
