using MailApi.Limits;

namespace MailApi.Integration.Tests.Limits;

/// <summary>What the script does, permit by permit, on the buckets of one tenant. For one permit it is <see cref="LocalSendLimiter"/>.</summary>
internal sealed class LendingTwin
{
    private readonly Dictionary<string, GcraState> states = [];

    /// <summary>The permits taken, negated, else the microseconds until the slot handed out.</summary>
    public long Take(IReadOnlyList<Bucket> buckets, int wanted, long late, long now)
    {
        var current = buckets.Select(bucket => states.GetValueOrDefault(bucket.Name, GcraState.Full).At(now, bucket.Rule)).ToArray();
        if (!IsFree(buckets, current, now)) return Refuse(buckets, current, now);

        var lent = current.Select(state => state with { FullAt = Math.Max(state.FullAt, now + late) }).ToArray();
        var count = 0;
        for (; count < wanted && IsFree(buckets, lent, now); count++) lent = Spend(buckets, lent);
        Write(buckets, count > 1 ? lent : Spend(buckets, current));
        return -Math.Max(count, 1);
    }

    private long Refuse(IReadOnlyList<Bucket> buckets, GcraState[] current, long now)
    {
        var slot = now;
        for (var i = 0; i < current.Length; i++)
        {
            if (current[i].FreeAt(buckets[i].Rule) <= now) continue;
            current[i] = current[i].HandOutSlot(now, buckets[i].Rule);
            slot = Math.Max(slot, current[i].LastSlot);
        }
        Write(buckets, current);
        return slot - now;
    }

    private void Write(IReadOnlyList<Bucket> buckets, GcraState[] fresh)
    {
        for (var i = 0; i < fresh.Length; i++) states[buckets[i].Name] = fresh[i];
    }

    private static bool IsFree(IReadOnlyList<Bucket> buckets, GcraState[] of, long now) => buckets.Zip(of).All(it => it.Second.FreeAt(it.First.Rule) <= now);

    private static GcraState[] Spend(IReadOnlyList<Bucket> buckets, GcraState[] of) => [.. buckets.Zip(of).Select(it => it.Second.Spend(it.First.Rule))];
}
