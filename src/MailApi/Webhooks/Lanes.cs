namespace MailApi.Webhooks;

/// <summary>
/// Each webhook's share of this process: so many requests at once while it answers, one while it fails, and after a failure none for a
/// moment that grows with the failures. So endpoints that hang cannot take the slots of those that answer. Losing this on a restart
/// costs nothing; the deliveries themselves wait in the store.
/// </summary>
internal sealed class Lanes(int perWebhook, TimeProvider clock)
{
    private const int PauseSecondsMax = 5;

    /// <summary>Failing webhooks remembered at most; past it, those whose pause is over are forgotten.</summary>
    private const int RememberedMax = 10_000;

    private readonly Lock gate = new();
    private readonly Dictionary<Guid, Lane> lanes = [];

    private readonly record struct Lane(int InFlight, int Failures, DateTimeOffset PausedUntil)
    {
        public int Room(int perWebhook, DateTimeOffset now) => now < PausedUntil ? 0 : (Failures > 0 ? 1 : perWebhook) - InFlight;
    }

    /// <summary>How many more requests the webhook may have open now; never negative.</summary>
    public int Room(Guid webhook)
    {
        lock (gate) return Math.Max(0, lanes.GetValueOrDefault(webhook).Room(perWebhook, clock.GetUtcNow()));
    }

    public void Enter(Guid webhook)
    {
        lock (gate)
        {
            var lane = lanes.GetValueOrDefault(webhook);
            lanes[webhook] = lane with { InFlight = lane.InFlight + 1 };
        }
    }

    /// <summary>Ends what <see cref="Enter"/> began; <paramref name="answered"/> tells whether the endpoint took the delivery.</summary>
    public void Leave(Guid webhook, bool answered)
    {
        lock (gate)
        {
            var lane = lanes[webhook];
            lane = lane with { InFlight = lane.InFlight - 1 };
            if (!answered)
            {
                var failures = lane.Failures + 1;
                lane = lane with { Failures = failures, PausedUntil = clock.GetUtcNow().AddSeconds(Math.Min(failures, PauseSecondsMax)) };
            }

            if (answered && lane.InFlight == 0) lanes.Remove(webhook);
            else lanes[webhook] = answered ? lane with { Failures = 0, PausedUntil = default } : lane;
            if (lanes.Count > RememberedMax) Forget();
        }
    }

    private void Forget()
    {
        var now = clock.GetUtcNow();
        foreach (var (webhook, lane) in lanes)
            if (lane.InFlight == 0 && now >= lane.PausedUntil) lanes.Remove(webhook);
    }
}
