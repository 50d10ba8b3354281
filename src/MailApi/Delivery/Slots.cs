namespace MailApi.Delivery;

/// <summary>
/// A category's delivery slots in this process, dealt to tenants by weighted round robin: a free slot goes to the next tenant that waits,
/// however many envelopes of others came before. While several wait none holds more than a quarter; one alone leaves an eighth free,
/// so that who comes next begins at once even if every conversation of the first is a slow one.
/// </summary>
internal sealed class Slots
{
    private readonly Lock gate = new();
    private readonly Func<Guid, int> weightOf;
    private readonly int capAlone;
    private readonly int capAmongOthers;
    private readonly Dictionary<Guid, Line> lines = [];

    /// <summary>The tenants that wait, the next one first.</summary>
    private readonly LinkedList<Line> turns = new();
    private int free;
    private bool closed;

    /// <param name="count">Slots.</param>
    /// <param name="weightOf">How many slots in a row a tenant is dealt when its turn comes.</param>
    /// <param name="stopping">From then on nobody gets one.</param>
    public Slots(int count, Func<Guid, int> weightOf, CancellationToken stopping)
    {
        (free, capAlone, capAmongOthers, this.weightOf) = (count, Math.Max(1, count - Math.Max(1, count / 8)), Math.Max(1, count / 4), weightOf);
        stopping.Register(Close);
    }

    /// <summary>Completes with true once the slot is the caller's, to be given back by <see cref="Release"/>; with false when the process stops first.</summary>
    public Task<bool> Take(Guid tenant)
    {
        lock (gate)
        {
            if (closed) return Task.FromResult(false);
            if (!lines.TryGetValue(tenant, out var line)) lines[tenant] = line = new Line(tenant);
            if (turns.Count == 0 && free > 0 && line.Held < capAlone)
            {
                Grant(line);
                return Task.FromResult(true);
            }
            var waiting = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            line.Waiting.Enqueue(waiting);
            if (line.Waiting.Count == 1) Queue(line);
            Deal();
            return waiting.Task;
        }
    }

    public void Release(Guid tenant)
    {
        lock (gate)
        {
            var line = lines[tenant];
            line.Held--;
            free++;
            if (line is { Held: 0, Waiting.Count: 0 }) lines.Remove(tenant);
            Deal();
        }
    }

    private void Deal()
    {
        for (var passed = 0; free > 0 && passed < turns.Count;)
        {
            var line = turns.First!.Value;
            if (line.Held >= (turns.Count > 1 ? capAmongOthers : capAlone))
            {
                turns.RemoveFirst();
                turns.AddLast(line);
                passed++;
                continue;
            }
            passed = 0;
            Grant(line);
            line.Waiting.Dequeue().SetResult(true);
            line.Turns--;
            if (line.Waiting.Count > 0 && line.Turns > 0) continue;
            turns.RemoveFirst();
            if (line.Waiting.Count > 0) Queue(line);
        }
    }

    private void Close()
    {
        lock (gate)
        {
            closed = true;
            foreach (var line in turns)
                foreach (var waiting in line.Waiting) waiting.TrySetResult(false);
            turns.Clear();
        }
    }

    private void Queue(Line line)
    {
        line.Turns = weightOf(line.Tenant);
        turns.AddLast(line);
    }

    private void Grant(Line line)
    {
        line.Held++;
        free--;
    }

    private sealed class Line(Guid tenant)
    {
        public Guid Tenant => tenant;
        public Queue<TaskCompletionSource<bool>> Waiting { get; } = new();
        public int Held { get; set; }

        /// <summary>Slots that are left of this turn.</summary>
        public int Turns { get; set; }
    }
}
