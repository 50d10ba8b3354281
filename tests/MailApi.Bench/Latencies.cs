using System.Globalization;

namespace MailApi.Bench;

/// <summary>Durations, and what a reader wants to know of them.</summary>
internal sealed class Latencies(string name, IEnumerable<TimeSpan> durations)
{
    private readonly double[] sorted = [.. durations.Select(duration => duration.TotalMilliseconds).Order()];

    public int Count => sorted.Length;

    /// <summary>Milliseconds that this share of the durations does not exceed (nearest rank).</summary>
    public double At(double share) => sorted.Length == 0 ? double.NaN : sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{name,-16} p50 {At(0.5):0.0} ms, p90 {At(0.9):0.0} ms, p99 {At(0.99):0.0} ms, max {At(1):0.0} ms ({sorted.Length})");
}
