using MailApi.Api;

namespace MailApi.Limits;

/// <summary>Grants permits to send: in this process (<see cref="LocalSendLimiter"/>) or shared by all nodes (<see cref="RedisSendLimiter"/>).</summary>
internal interface ISendLimiter
{
    /// <summary>Takes one permit of every bucket of the request, or none at all. Never throws because the limiter's server is away.</summary>
    ValueTask<Permit> Take(SendPermitRequest request, CancellationToken ct);
}

/// <summary>One attempt's permits. The buckets differ in name. Requests are equal that draw on the same buckets, by the same rules.</summary>
internal sealed record SendPermitRequest(TenantId Tenant, IReadOnlyList<Bucket> Buckets)
{
    public bool Equals(SendPermitRequest? other)
    {
        if (other is null || Tenant != other.Tenant || Buckets.Count != other.Buckets.Count) return false;
        for (var i = 0; i < Buckets.Count; i++)
            if (Buckets[i] != other.Buckets[i]) return false;
        return true;
    }

    public override int GetHashCode()
    {
        var hash = Tenant.GetHashCode();
        for (var i = 0; i < Buckets.Count; i++) hash = HashCode.Combine(hash, Buckets[i].Name);
        return hash;
    }
}

/// <summary>
/// A budget of a tenant: of every window <c>w</c>, at most <c>Burst + PerSecond·w</c> permits. Choose a burst of at least the rate times the
/// period by which callers come late to their slot, or the rate is not reached.
/// </summary>
internal sealed record Bucket
{
    /// <exception cref="ArgumentOutOfRangeException">The rate or the burst is not positive.</exception>
    public Bucket(string name, double perSecond, int burst) => (Name, PerSecond, Burst, Rule) = (name, perSecond, burst, GcraRule.From(perSecond, burst));

    /// <summary>Which budget: <c>domain:dom_…</c>.</summary>
    public string Name { get; }
    public double PerSecond { get; }
    public int Burst { get; }
    public GcraRule Rule { get; }
}

/// <summary>The answer to a request for permits.</summary>
internal abstract record Permit
{
    private Permit() { }

    /// <summary>Every permit was taken.</summary>
    public sealed record Granted : Permit
    {
        public static readonly Granted Instance = new();
    }

    /// <summary>
    /// No permit was taken; come back after <paramref name="Delay"/>. Refusals in a row are given slots in a row, so that those who wait do
    /// not all return at once; a slot reserves nothing. In whole milliseconds, rounded up, as instants are stored: who comes back a
    /// fraction too early is sent to the end of the line.
    /// </summary>
    public sealed record Refused(TimeSpan Delay) : Permit
    {
        public static Refused For(long microseconds) => new(TimeSpan.FromMilliseconds(Math.Ceiling(microseconds / 1000.0)));
    }
}
