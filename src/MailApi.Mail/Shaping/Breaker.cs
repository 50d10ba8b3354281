namespace MailApi.Mail.Shaping;

/// <summary>
/// Spares a dead site, and us: after so many failed connections in a row it opens, for longer each time; then one attempt is let through, and what
/// comes of it decides. Instants are of the owner's monotonic clock.
/// </summary>
internal sealed class Breaker
{
    public const int FailuresMax = 5;
    public static readonly TimeSpan BackOffMin = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan BackOffMax = TimeSpan.FromMinutes(15);

    /// <summary>When to ask again while the one attempt is under way.</summary>
    public static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(5);

    private int failures;
    private bool probing;
    private TimeSpan backOff;

    /// <summary>Null while mail flows.</summary>
    public TimeSpan? OpenUntil { get; private set; }

    /// <summary>Until when nothing may pass; null when something may.</summary>
    public TimeSpan? Blocks(TimeSpan now) =>
        OpenUntil is not { } until ? null
        : now < until ? until
        : probing ? now + ProbeTime
        : null;

    /// <summary>An attempt begins that <see cref="Blocks"/> did not stop; true when it is the one that decides.</summary>
    public bool Pass() => OpenUntil is not null && (probing = true);

    /// <summary>The site has spoken, whatever it said.</summary>
    public void Spoke() => (failures, probing, backOff, OpenUntil) = (0, false, TimeSpan.Zero, null);

    /// <param name="probe">It was the attempt that decides; others that began before say nothing new.</param>
    /// <returns>True when the breaker opens, or opens again.</returns>
    public bool Failed(TimeSpan now, bool probe)
    {
        if (OpenUntil is null ? ++failures < FailuresMax : !probe) return false;
        backOff = backOff == TimeSpan.Zero ? BackOffMin : backOff * 2 < BackOffMax ? backOff * 2 : BackOffMax;
        (probing, OpenUntil) = (false, now + backOff);
        return true;
    }

    /// <summary>The attempt that decides may begin now.</summary>
    public void TryNow(TimeSpan now)
    {
        if (OpenUntil > now) OpenUntil = now;
    }

    /// <summary>The attempt that was to decide came to nothing: the next one decides.</summary>
    public void Undecided() => probing = false;
}
