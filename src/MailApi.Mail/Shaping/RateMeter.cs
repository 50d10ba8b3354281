namespace MailApi.Mail.Shaping;

/// <summary>
/// Holds messages to a rate (generic cell rate algorithm, ITU-T I.371). Those who were sent away come back up to <see cref="Late"/> after their slot, so
/// that much may go at once, or the rate would not be reached.
/// </summary>
internal sealed class RateMeter
{
    public static readonly TimeSpan Late = TimeSpan.FromMilliseconds(250);

    private TimeSpan fullAt;

    /// <summary>Takes one, or tells when one is free.</summary>
    public bool TryTake(TimeSpan now, double perSecond, out TimeSpan freeAt)
    {
        var interval = Interval(perSecond);
        var span = interval > Late ? interval : Late;
        // What lies further ahead than an empty meter comes of a slower rate.
        fullAt = fullAt < now ? now : fullAt > now + span ? now + span : fullAt;
        freeAt = fullAt + interval - span;
        if (freeAt > now) return false;
        fullAt += interval;
        return true;
    }

    /// <summary>What was taken was not used.</summary>
    public void GiveBack(double perSecond) => fullAt -= Interval(perSecond);

    public static TimeSpan Interval(double perSecond) => TimeSpan.FromSeconds(1 / perSecond);
}
