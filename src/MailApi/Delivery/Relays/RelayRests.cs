using System.Collections.Concurrent;

namespace MailApi.Delivery.Relays;

/// <summary>
/// Relays that could not be reached or refused the login, and rest in this process: others are tried in their place, and an account is not locked by
/// a wrong password said for every message. After a rest one attempt goes first, and what comes of it decides: each rest in a row is twice as long as
/// the one before. A relay whose settings change is tried at once.
/// </summary>
internal sealed class RelayRests(TimeProvider time)
{
    public static readonly TimeSpan RestMin = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan RestMax = TimeSpan.FromMinutes(15);

    /// <summary>How long the others wait for the attempt that goes first; if it has come to nothing by then, the next one goes.</summary>
    public static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(30);

    /// <summary>All relays of a large service; beyond it none rests.</summary>
    private const int EntriesMax = 10_000;

    private readonly ConcurrentDictionary<RelayId, Entry> resting = new();
    private readonly long born = time.GetTimestamp();

    private TimeSpan Now => time.GetElapsedTime(born);

    /// <summary>Why the relay may not be tried now; null when it may, which after a rest the first alone is told who asks.</summary>
    /// <param name="relay">Which.</param>
    /// <param name="version">When its settings changed last.</param>
    public string? Blocks(RelayId relay, DateTimeOffset version)
    {
        if (!resting.TryGetValue(relay, out var entry) || entry.Version != version) return null;
        lock (entry)
        {
            if (Now < entry.Until) return entry.Reason;
            (entry.IsProbed, entry.Until) = (true, Now + ProbeTime);
            return null;
        }
    }

    /// <summary>An attempt failed. During a rest it had begun before, and says nothing new.</summary>
    public void Failed(RelayId relay, DateTimeOffset version, string reason)
    {
        if (resting.Count >= EntriesMax) resting.Clear();
        var entry = resting.AddOrUpdate(relay, _ => new Entry(version), (_, known) => known.Version == version ? known : new Entry(version));
        lock (entry)
        {
            if (entry.Rest > TimeSpan.Zero && !entry.IsProbed) return;
            entry.Rest = entry.Rest == TimeSpan.Zero ? RestMin : entry.Rest * 2 < RestMax ? entry.Rest * 2 : RestMax;
            (entry.IsProbed, entry.Until, entry.Reason) = (false, Now + entry.Rest, reason);
        }
    }

    /// <summary>An attempt got past the login. During a rest it had logged in before, and says nothing of who comes next.</summary>
    public void Worked(RelayId relay)
    {
        if (!resting.TryGetValue(relay, out var entry)) return;
        lock (entry)
            if (entry.IsProbed) resting.TryRemove(KeyValuePair.Create(relay, entry));
    }

    private sealed class Entry(DateTimeOffset version)
    {
        public DateTimeOffset Version => version;

        /// <summary>The last one's length.</summary>
        public TimeSpan Rest { get; set; }

        /// <summary>Until then nobody else goes.</summary>
        public TimeSpan Until { get; set; }

        /// <summary>The rest is over, and one attempt went first.</summary>
        public bool IsProbed { get; set; }
        public string Reason { get; set; } = "";
    }
}
