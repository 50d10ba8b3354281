using MailApi.Api;

namespace MailApi.Spool;

/// <summary>What a claim asks of its message; it never changes.</summary>
/// <param name="Domain">The sending domain's name.</param>
/// <param name="OnUncertain">Whether a second copy may be sent.</param>
/// <param name="RequireTls">To be sent with REQUIRETLS (RFC 8689) or not at all.</param>
/// <param name="Size">Octets of the message.</param>
/// <param name="Content">The composed octets, unsigned; null when there are more than <see cref="Claims.ContentMax"/>.</param>
internal sealed record ClaimedMessage(string Domain, OnUncertain OnUncertain, bool RequireTls, int Size, byte[]? Content);

/// <summary>
/// Messages that this process committed and rang a moment ago, so that a claim in the same process need not read them back. Each is given away as often as it was rung;
/// what is not here is read from the store.
/// </summary>
/// <param name="bytesMax">Octets that are kept; 0 in a process that does not deliver.</param>
internal sealed class RecentMessages(long bytesMax)
{
    public const long BytesMaxDefault = 32 << 20;

    /// <summary>Of those that were kept last, given away or not.</summary>
    private const int CountMax = 8 * Window.SlotsMax;

    private readonly Lock gate = new();
    private readonly Dictionary<MessageId, (ClaimedMessage Message, int Left)> kept = [];
    private readonly Queue<MessageId> oldestFirst = new();
    private long bytes;

    /// <summary>Keeps a message whose commit is known, for so many claims.</summary>
    public void Keep(MessageId id, ClaimedMessage message, int claims)
    {
        if (message.Content is null || message.Size > bytesMax) return;
        lock (gate)
        {
            if (!kept.TryAdd(id, (message, claims))) return;
            oldestFirst.Enqueue(id);
            bytes += message.Size;
            while (bytes > bytesMax || oldestFirst.Count > CountMax) Remove(oldestFirst.Dequeue());
        }
    }

    /// <summary>Null when it is not kept.</summary>
    public ClaimedMessage? Take(MessageId id)
    {
        lock (gate)
        {
            if (!kept.TryGetValue(id, out var entry)) return null;
            if (entry.Left > 1) kept[id] = entry with { Left = entry.Left - 1 };
            else Remove(id);
            return entry.Message;
        }
    }

    private void Remove(MessageId id)
    {
        if (kept.Remove(id, out var entry)) bytes -= entry.Message.Size;
    }
}
