using MailApi.Delivery;

namespace MailApi.Tests.Delivery;

/// <summary>Who gets a delivery slot next.</summary>
public sealed class SlotsTests
{
    private static readonly Guid Ann = Guid.CreateVersion7(), Bob = Guid.CreateVersion7(), Cid = Guid.CreateVersion7();

    [Fact]
    public void One_tenant_alone_leaves_an_eighth_of_the_slots_to_who_comes_next()
    {
        var slots = new Slots(16, _ => 1, CancellationToken.None);

        var flood = Take(slots, Ann, 100);

        Assert.Equal(14, flood.Count(Granted));
        Assert.True(Granted(slots.Take(Bob)));
        Assert.True(Granted(slots.Take(Cid)));
        Assert.False(Granted(slots.Take(Cid)));
    }

    [Fact]
    public void A_freed_slot_goes_to_the_next_tenant_however_many_of_another_wait()
    {
        var slots = new Slots(8, _ => 1, CancellationToken.None);
        var flood = Take(slots, Ann, 100);
        var late = Take(slots, Bob, 3);
        Assert.True(Granted(late[0]));

        slots.Release(Ann);
        slots.Release(Ann);

        Assert.Equal((7, 2), (flood.Count(Granted), late.Count(Granted)));
    }

    [Fact]
    public void While_several_wait_none_holds_more_than_a_quarter()
    {
        var slots = new Slots(16, _ => 1, CancellationToken.None);
        var others = Take(slots, Cid, 16);
        var (ann, bob) = (Take(slots, Ann, 50), Take(slots, Bob, 50));

        for (var freed = 0; freed < 14; freed++) slots.Release(Cid);

        Assert.Equal(14, others.Take(14).Count(Granted));
        Assert.Equal((4, 4), (ann.Count(Granted), bob.Count(Granted)));
    }

    [Fact]
    public void A_turn_is_as_long_as_the_weight()
    {
        var slots = new Slots(64, tenant => tenant == Bob ? 3 : 1, CancellationToken.None);
        var held = Take(slots, Cid, 64);
        var (ann, bob) = (Take(slots, Ann, 60), Take(slots, Bob, 60));
        // What the two were given at once is neither's merit.
        var before = (Ann: ann.Count(Granted), Bob: bob.Count(Granted));

        for (var freed = 0; freed < 12; freed++) slots.Release(Cid);

        Assert.Equal(56, held.Count(Granted));
        Assert.Equal((3, 9), (ann.Count(Granted) - before.Ann, bob.Count(Granted) - before.Bob));
    }

    [Fact]
    public async Task Who_waits_when_the_process_stops_gets_none()
    {
        using var stopping = new CancellationTokenSource();
        var slots = new Slots(1, _ => 1, stopping.Token);
        var first = slots.Take(Ann);
        var second = slots.Take(Bob);

        await stopping.CancelAsync();

        Assert.True(await first);
        Assert.False(await second);
        Assert.False(await slots.Take(Cid));
        slots.Release(Ann);
    }

    [Fact]
    public async Task Under_any_load_no_slot_is_lost_and_none_is_given_twice()
    {
        const int count = 12;
        var slots = new Slots(count, tenant => tenant == Ann ? 5 : 1, CancellationToken.None);
        var (held, most, served) = (0, 0, 0);
        await Task.WhenAll(Enumerable.Range(0, 3_000).Select(async turn =>
        {
            var tenant = (Guid[])[Ann, Bob, Cid];
            Assert.True(await slots.Take(tenant[turn % 3]));
            var now = Interlocked.Increment(ref held);
            InterlockedMax(ref most, now);
            await Task.Yield();
            Interlocked.Increment(ref served);
            Interlocked.Decrement(ref held);
            slots.Release(tenant[turn % 3]);
        }));

        Assert.Equal(3_000, served);
        Assert.InRange(most, 2, count);
        Assert.Equal(11, Take(slots, Bob, count).Count(Granted));
    }

    private static List<Task<bool>> Take(Slots slots, Guid tenant, int times) => [.. Enumerable.Range(0, times).Select(_ => slots.Take(tenant))];

    private static bool Granted(Task<bool> slot) => slot.IsCompletedSuccessfully;

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = Volatile.Read(ref target); value > seen; seen = Volatile.Read(ref target))
            Interlocked.CompareExchange(ref target, value, seen);
    }
}
