using System.Globalization;
using MailApi.Api;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Caching.Memory;

namespace MailApi.Tenants;

/// <summary>
/// Holds a tenant to its ingress rate, per process and in memory: accepting needs neither broker nor Redis. Tells where it stands in the
/// RateLimit header fields (draft-ietf-httpapi-ratelimit-headers-11) and refuses with 429 and Retry-After (RFC 6585).
/// </summary>
internal sealed class IngressLimit(TimeProvider time) : IDisposable
{
    /// <summary>Two for each tenant remembered; one that is not seen for this long has its whole burst again anyway.</summary>
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(10);
    private readonly MemoryCache buckets = new(new MemoryCacheOptions { SizeLimit = 100_000 });

    /// <summary>Null when the request may go on.</summary>
    /// <param name="sends">Whether it is mail, or changes something else: setting up must not use up what is for sending.</param>
    public ProblemHttpResult? Take(HttpContext context, TenantId tenant, IngressRate rate, bool sends)
    {
        var taken = Take(tenant, rate, sends);
        var (headers, name) = (context.Response.Headers, sends ? "tenant" : "tenant-changes");
        headers["RateLimit-Policy"] = string.Create(CultureInfo.InvariantCulture, $"\"{name}\";q={rate.Burst};w={Math.Ceiling((double)rate.Burst / rate.PerSecond)}");
        headers["RateLimit"] = string.Create(CultureInfo.InvariantCulture, $"\"{name}\";r={taken.Remaining};t={Math.Ceiling(taken.SecondsUntilFull)}");
        if (taken.Granted) return null;
        headers.RetryAfter = Math.Max(1, Math.Ceiling(taken.SecondsUntilNext)).ToString(CultureInfo.InvariantCulture);
        return Refusal(rate);
    }

    /// <summary>For a message that comes in otherwise than by a request; it counts the same.</summary>
    public ProblemHttpResult? TakeOne(TenantId tenant, IngressRate rate) => Take(tenant, rate, sends: true).Granted ? null : Refusal(rate);

    public void Dispose() => buckets.Dispose();

    private static ProblemHttpResult Refusal(IngressRate rate) => Problem.RateLimited.With($"The tenant may send {rate.PerSecond} a second, {rate.Burst} at once, and change as much besides.");

    private Taken Take(TenantId tenant, IngressRate rate, bool sends) => buckets.GetOrCreate((tenant, sends), entry =>
    {
        entry.SetSize(1).SetSlidingExpiration(Forgotten);
        return new Bucket(rate.Burst, time.GetTimestamp());
    })!.Take(rate, time);

    private readonly record struct Taken(bool Granted, int Remaining, double SecondsUntilFull, double SecondsUntilNext);

    /// <summary>A token bucket.</summary>
    private sealed class Bucket(double tokens, long at)
    {
        private readonly Lock gate = new();

        public Taken Take(IngressRate rate, TimeProvider time)
        {
            lock (gate)
            {
                var now = time.GetTimestamp();
                tokens = Math.Min(rate.Burst, tokens + time.GetElapsedTime(at, now).TotalSeconds * rate.PerSecond);
                at = now;
                var granted = tokens >= 1;
                if (granted) tokens--;
                return new Taken(granted, (int)tokens, (rate.Burst - tokens) / rate.PerSecond, (1 - tokens) / rate.PerSecond);
            }
        }
    }
}
