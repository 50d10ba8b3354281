namespace MailApi.Mail.Shaping;

/// <summary>
/// Hands out the times at which those come back who found no room, one after the other, each flow in a line of its own: who sends little does not
/// stand behind who sends much. A slot reserves nothing. Instants are of the owner's monotonic clock.
/// </summary>
internal sealed class SiteLine
{
    /// <summary>Whoever would stand behind this comes back then, and asks again.</summary>
    public static readonly TimeSpan Horizon = TimeSpan.FromMinutes(15);

    /// <summary>Lines at a time; beyond them flows share one.</summary>
    public const int FlowsMax = 1000;

    private static readonly TimeSpan TidyInterval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<Flow, TimeSpan> last = [];
    private TimeSpan tidiedAt;

    /// <summary>The next slot of a flow.</summary>
    /// <param name="from">The first instant that can be one.</param>
    /// <param name="interval">Between two slots of the site.</param>
    /// <param name="horizon">From then on there are no slots; at most <see cref="Horizon"/>.</param>
    public TimeSpan NextSlot(Flow flow, TimeSpan now, TimeSpan from, TimeSpan interval, TimeSpan horizon)
    {
        Tidy(now);
        if (last.Count >= FlowsMax && !last.ContainsKey(flow)) flow = default;
        var known = last.TryGetValue(flow, out var before);
        var slot = known ? before + interval * last.Count : from;
        last[flow] = slot = slot < from ? from : slot > from + horizon ? from + horizon : slot;
        return slot;
    }

    /// <summary>Whoever comes from now on has nobody before them.</summary>
    public void Clear() => last.Clear();

    private void Tidy(TimeSpan now)
    {
        if (now - tidiedAt < TidyInterval) return;
        tidiedAt = now;
        foreach (var (flow, slot) in last)
            if (slot <= now) last.Remove(flow);
    }
}
