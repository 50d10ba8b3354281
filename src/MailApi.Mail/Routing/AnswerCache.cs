using System.Collections.Concurrent;

namespace MailApi.Mail.Routing;

/// <summary>Answers until their time to live ends, negative ones too (RFC 2308). Bounded, for the names and answers are chosen by strangers.</summary>
internal sealed class AnswerCache(TimeProvider time)
{
    /// <summary>When it is full of live answers it is emptied: asking again is cheaper than keeping an order of age.</summary>
    public const int EntriesMax = 20_000;

    /// <summary>Of the messages that the answers came in; in memory they take about twice as much.</summary>
    public const long OctetsMax = 32L << 20;

    public static readonly TimeSpan AgeMax = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<(string Name, RecordType Type), Entry> entries = new();
    private long octetsKept;

    public DnsAnswer<T>? Find<T>(string name, RecordType type) =>
        entries.TryGetValue((name, type), out var entry) && entry.Until > time.GetUtcNow() ? (DnsAnswer<T>)entry.Answer : null;

    public void Keep<T>(string name, RecordType type, DnsAnswer<T> answer, TimeSpan age, int octets)
    {
        if (age <= TimeSpan.Zero) return;
        if (entries.Count >= EntriesMax || Interlocked.Read(ref octetsKept) >= OctetsMax) Shrink();
        entries[(name, type)] = new Entry(answer, time.GetUtcNow() + (age < AgeMax ? age : AgeMax), octets);
        Interlocked.Add(ref octetsKept, octets);
    }

    public void Forget(string name)
    {
        foreach (var type in Enum.GetValues<RecordType>())
            if (entries.TryRemove((name, type), out var entry)) Interlocked.Add(ref octetsKept, -entry.Octets);
    }

    private void Shrink()
    {
        var now = time.GetUtcNow();
        long live = 0;
        foreach (var (key, entry) in entries)
        {
            if (entry.Until <= now) entries.TryRemove(key, out _);
            else live += entry.Octets;
        }
        if (entries.Count >= EntriesMax || live >= OctetsMax)
        {
            entries.Clear();
            live = 0;
        }
        Interlocked.Exchange(ref octetsKept, live);
    }

    private sealed record Entry(object Answer, DateTimeOffset Until, int Octets);
}
