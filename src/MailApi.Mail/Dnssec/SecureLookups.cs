using System.Collections.Concurrent;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Dnssec;

/// <summary>
/// Validated answers on the path of every message: kept by their time to live, so that a domain or mail host costs one walk from the root and then
/// a look into a table. Who asks what is being asked already waits for the same answer.
/// </summary>
public sealed class SecureLookups(DnssecValidator validator, TimeProvider time)
{
    /// <summary>When it is full it is emptied.</summary>
    public const int EntriesMax = 20_000;

    /// <summary>Answers are kept for so long at least, whatever they say, failures too.</summary>
    public static readonly TimeSpan AgeMin = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan AgeMax = TimeSpan.FromHours(1);

    /// <summary>How long resolvers that pass no signatures on are not asked for any.</summary>
    public static readonly TimeSpan Unavailable = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(string Name, RecordType Type), (DnssecAnswer Answer, DateTimeOffset Until)> known = new();
    private readonly ConcurrentDictionary<(string Name, RecordType Type), Lazy<Task<DnssecAnswer>>> asking = new();
    private volatile bool hasValidated;
    private long unavailableUntil;

    /// <summary>As <see cref="DnssecValidator.Lookup"/>; indeterminate means that it ought to be known and is not.</summary>
    public async Task<DnssecAnswer> Find(string name, RecordType type, CancellationToken ct)
    {
        var key = (name, type);
        var now = time.GetUtcNow();
        if (known.TryGetValue(key, out var entry) && entry.Until > now) return entry.Answer;
        if (!hasValidated && now.Ticks < Interlocked.Read(ref unavailableUntil)) return WithoutDnssec("The resolvers pass no signatures on.");
        ct.ThrowIfCancellationRequested();
        var shared = asking.GetOrAdd(key, _ => new Lazy<Task<DnssecAnswer>>(() => Ask(key)));
        return await shared.Value.WaitAsync(ct);
    }

    private async Task<DnssecAnswer> Ask((string Name, RecordType Type) key)
    {
        try
        {
            var answer = await validator.Lookup(key.Name, key.Type, CancellationToken.None);
            if (answer.State is DnssecState.Secure or DnssecState.Insecure) hasValidated = true;
            // Once signatures have come through these resolvers their absence is suspect. Until then the network has no DNSSEC, and mail flows all the same.
            if (!hasValidated && answer.State == DnssecState.Indeterminate)
            {
                Interlocked.Exchange(ref unavailableUntil, (time.GetUtcNow() + Unavailable).Ticks);
                return WithoutDnssec(answer.Reason);
            }
            if (known.Count >= EntriesMax) known.Clear();
            known[key] = (answer, time.GetUtcNow() + TimeSpan.FromTicks(Math.Clamp(answer.Age.Ticks, AgeMin.Ticks, AgeMax.Ticks)));
            return answer;
        }
        finally
        {
            asking.TryRemove(key, out _);
        }
    }

    private static DnssecAnswer WithoutDnssec(string reason) => new(DnssecState.Insecure, reason, new DnsAnswer<byte[]>.Failed(reason));
}
