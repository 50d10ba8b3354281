using System.Diagnostics.Metrics;

namespace MailApi.Limits;

internal static class LimitMetrics
{
    public const string Fallback = "mailapi.limits.fallback";

    private static readonly Meter Meter = new("MailApi");
    private static int inFallback;

    static LimitMetrics() =>
        Meter.CreateObservableUpDownCounter(Fallback, () => Volatile.Read(ref inFallback), "{limiter}", "1 while Redis is away and sending is limited by this node alone.");

    public static void EnterFallback() => Interlocked.Increment(ref inFallback);

    public static void LeaveFallback() => Interlocked.Decrement(ref inFallback);
}
