using MailApi.Api;

namespace MailApi.Limits;

/// <summary>Permits of this process alone, for a service of one node; and what a node falls back to while Redis is away.</summary>
internal sealed class LocalSendLimiter : ISendLimiter
{
    private readonly Lock gate = new();
    private readonly BucketTable<(TenantId, string)> table;
    private readonly GcraClock clock;
    private readonly double? share;

    public LocalSendLimiter(TimeProvider time) : this(time, null, GcraState.Full) { }

    private LocalSendLimiter(TimeProvider time, double? share, GcraState fresh) => (clock, this.share, table) = (new GcraClock(time), share, new(fresh));

    /// <summary>
    /// For the time that Redis is away: a share of each rate, no burst, and buckets that begin empty, since nobody here knows what was taken
    /// before. Nodes whose shares add up to 1 together stay within the budget.
    /// </summary>
    public static LocalSendLimiter Conservative(double share, TimeProvider time) => new(time, share, GcraState.Empty);

    public ValueTask<Permit> Take(SendPermitRequest request, CancellationToken ct) => ValueTask.FromResult(TakeNow(request));

    public Permit TakeNow(SendPermitRequest request)
    {
        var states = new GcraState[request.Buckets.Count];
        lock (gate)
        {
            var now = clock.Now;
            var free = true;
            for (var i = 0; i < states.Length; i++)
            {
                var rule = Rule(request.Buckets[i]);
                if (!table.TryRead((request.Tenant, request.Buckets[i].Name), rule, now, out states[i])) return new Permit.Refused(BucketTable<TenantId>.NoRoomDelay);
                free &= states[i].FreeAt(rule) <= now;
            }
            return free ? Grant(request, states) : Refuse(request, states, now);
        }
    }

    private Permit.Granted Grant(SendPermitRequest request, GcraState[] states)
    {
        for (var i = 0; i < states.Length; i++) table.Write((request.Tenant, request.Buckets[i].Name), states[i].Spend(Rule(request.Buckets[i])));
        return Permit.Granted.Instance;
    }

    private Permit.Refused Refuse(SendPermitRequest request, GcraState[] states, long now)
    {
        var slot = now;
        for (var i = 0; i < states.Length; i++)
        {
            var rule = Rule(request.Buckets[i]);
            if (states[i].FreeAt(rule) > now)
            {
                states[i] = states[i].HandOutSlot(now, rule);
                slot = Math.Max(slot, states[i].LastSlot);
            }
            // Also the free ones: a bucket that begins empty begins once, and what a changed rule cut off stays cut off.
            table.Write((request.Tenant, request.Buckets[i].Name), states[i]);
        }
        return Permit.Refused.For(slot - now);
    }

    private GcraRule Rule(Bucket bucket) => share is { } part ? GcraRule.From(bucket.PerSecond * part, 1) : bucket.Rule;
}
