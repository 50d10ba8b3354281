using System.Collections.Concurrent;
using System.Net;

namespace MailApi.Receiving;

/// <summary>
/// Clients that lately brought what was taken. They have shown that they wait for replies, and are greeted without the pause that tells mail servers from other programs:
/// one that opens a session for each of many bounces is not slowed down by it.
/// </summary>
internal sealed class Acquaintances(TimeProvider time)
{
    /// <summary>When it is full it is emptied.</summary>
    public const int AddressesMax = 10_000;

    /// <summary>Since the last mail.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<IPAddress, long> met = new();

    public bool Know(IPAddress client) => met.TryGetValue(client, out var last) && time.GetElapsedTime(last) < Memory;

    public void Meet(IPAddress client)
    {
        if (met.Count >= AddressesMax) met.Clear();
        met[client] = time.GetTimestamp();
    }
}
