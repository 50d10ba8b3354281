namespace MailApi.Mail.Shaping;

/// <summary>
/// The few who wait for a connection of a site to come free, so that it is never idle while those with a slot in the line are still on their way. The
/// urgent go first, but every fourth time whoever has waited longest; no flow takes all seats.
/// </summary>
internal sealed class WaitingRoom
{
    private const int OldestFirst = 4;

    private readonly List<Waiter> waiting = [];
    private int turns;

    public int Count => waiting.Count;

    public bool HasSeatFor(Flow flow, int seats) =>
        waiting.Count < seats && waiting.Count(waiter => waiter.Flow == flow) < Math.Max(1, seats * 3 / 4);

    public void Sit(Waiter waiter) => waiting.Add(waiter);

    public bool Remove(Waiter waiter) => waiting.Remove(waiter);

    /// <summary>Whose turn it is; null when nobody waits.</summary>
    public Waiter? Next()
    {
        if (waiting.Count == 0) return null;
        var next = ++turns % OldestFirst == 0 ? waiting[0] : waiting.MinBy(waiter => waiter.Flow.Urgency)!;
        waiting.Remove(next);
        return next;
    }

    public IReadOnlyList<Waiter> Clear()
    {
        Waiter[] all = [.. waiting];
        waiting.Clear();
        return all;
    }
}

/// <summary>One who waits, with the permit of the site's rate already taken.</summary>
internal sealed class Waiter(Flow flow)
{
    public Flow Flow => flow;
    public TaskCompletionSource<Admission> Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
