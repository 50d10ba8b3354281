using System.Collections.Concurrent;
using DnsClient;

namespace MailApi.Mail.Routing;

/// <summary>
/// Answers until their time to live ends, negative ones too (RFC 2308). DnsClient's own cache has no bound and keeps no negative answers;
/// here the names are chosen by strangers.
/// </summary>
internal sealed class AnswerCache(TimeProvider time)
{
    /// <summary>About 10 MB. When it is full of live answers it is emptied: asking again is cheaper than keeping an order of age.</summary>
    public const int EntriesMax = 20_000;

    public static readonly TimeSpan AgeMax = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<(string Name, QueryType Type), (object Answer, DateTimeOffset Until)> entries = new();

    public DnsAnswer<T>? Find<T>(string name, QueryType type) =>
        entries.TryGetValue((name, type), out var entry) && entry.Until > time.GetUtcNow() ? (DnsAnswer<T>)entry.Answer : null;

    public void Keep<T>(string name, QueryType type, DnsAnswer<T> answer, TimeSpan age)
    {
        if (age <= TimeSpan.Zero) return;
        if (entries.Count >= EntriesMax) Shrink();
        entries[(name, type)] = (answer, time.GetUtcNow() + (age < AgeMax ? age : AgeMax));
    }

    private void Shrink()
    {
        var now = time.GetUtcNow();
        foreach (var (key, entry) in entries)
        {
            if (entry.Until <= now) entries.TryRemove(key, out _);
        }
        if (entries.Count >= EntriesMax) entries.Clear();
    }
}
