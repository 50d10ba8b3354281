namespace MailApi.Webhooks;

/// <summary>
/// When a failed delivery is tried again: ten tries over some 75 hours, the schedule of Standard Webhooks. Up to 10 % is added to each
/// wait, so that the deliveries which failed together in an outage do not come back together.
/// </summary>
internal static class RetrySchedule
{
    private const double JitterMax = 0.1;

    private static readonly TimeSpan[] Delays =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5),
        TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];

    /// <summary>The wait after failed try number <paramref name="tries"/> (from 1), or null after the last.</summary>
    /// <param name="chance">From 0 up to 1.</param>
    public static TimeSpan? After(int tries, double chance) => tries <= Delays.Length ? Delays[tries - 1] * (1 + JitterMax * chance) : null;
}
