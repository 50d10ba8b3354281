using System.Collections.Concurrent;

namespace MailApi.Delivery.Relays;

/// <summary>
/// Relays that could not be reached or refused the login, and rest in this process: others are tried in their place, and an account is not locked by
/// a wrong password said for every message. A relay whose settings change is tried at once.
/// </summary>
internal sealed class RelayRests(TimeProvider time)
{
    public static readonly TimeSpan RestTime = TimeSpan.FromSeconds(30);

    /// <summary>All relays of a large service; beyond it none rests.</summary>
    private const int EntriesMax = 10_000;

    private readonly ConcurrentDictionary<RelayId, Entry> resting = new();

    /// <summary>Why the relay rests; null when it does not.</summary>
    public string? ReasonFor(Relay relay) =>
        resting.TryGetValue(relay.Id, out var entry) && entry.Version == relay.ChangedAt && time.GetElapsedTime(entry.Since) < RestTime ? entry.Reason : null;

    public void Rest(Relay relay, string reason)
    {
        if (resting.Count >= EntriesMax) resting.Clear();
        resting[relay.Id] = new Entry(relay.ChangedAt, time.GetTimestamp(), reason);
    }

    private sealed record Entry(DateTimeOffset Version, long Since, string Reason);
}
