using System.Collections.Concurrent;
using System.Collections.Frozen;
using MailApi.Api;
using MailApi.Spool;

namespace MailApi.Delivery;

/// <summary>
/// How many deliveries of a category are at work at once. Who has nothing to do but wait for a slow receiver is <em>set aside</em>: it gives its slot
/// and its doorbell back and goes on, so that a receiver that answers slowly takes nothing from mail to others. A stop waits for them.
/// </summary>
internal sealed class DeliverySlots(FrozenDictionary<Category, CategoryRules> rules, Window window, Stopping stopping) : IHostedService
{
    /// <summary>Deliveries set aside at a time: each is a connection at most, and a message in memory.</summary>
    public const int AsideMax = 256;

    /// <summary>Octets of their messages.</summary>
    public const long AsideBytesMax = 64 << 20;

    /// <summary>
    /// Messages of a category too large to be read with their claim that are in memory at once: 25 MiB each, and half as much again while they are signed.
    /// Those set aside count as such.
    /// </summary>
    private const int LargeAtOnce = 4;

    private readonly FrozenDictionary<Category, Slots> free =
        rules.ToFrozenDictionary(rule => rule.Key, rule => new Slots(rule.Value.ConcurrentDeliveries, window.Weight, stopping.Token));
    private readonly FrozenDictionary<Category, Slots> freeForLarge =
        rules.ToFrozenDictionary(rule => rule.Key, _ => new Slots(LargeAtOnce, window.Weight, stopping.Token));
    private readonly ConcurrentDictionary<Task, bool> aside = new();
    private readonly Lock gate = new();
    private int asideCount;
    private long asideBytes;

    /// <summary>Waits for one that is the tenant's to take; null when the process stops first.</summary>
    public async Task<Slot?> Take(Category category, Guid tenant) => await free[category].Take(tenant) ? new Slot(this, free[category], freeForLarge[category], tenant) : null;

    /// <summary>Works, and returns when the slot is free again: the work is done, or set aside.</summary>
    public async Task Work(Slot slot, Func<Slot, Task> work)
    {
        var working = ToTheEnd();
        await Task.WhenAny(working, slot.Freed);
        if (working.IsCompleted) await working;
        else if (aside.TryAdd(working, true)) _ = working.ContinueWith(done => aside.TryRemove(done, out _), TaskScheduler.Default);

        async Task ToTheEnd()
        {
            try
            {
                await work(slot);
            }
            finally
            {
                slot.End();
            }
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll(aside.Keys).WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Patience is at its end; what has no outcome is found by its lease.
        }
    }

    private bool HasRoomAside(long contentBytes)
    {
        // A stop waits for doorbells first: whoever is at work by then stays with its own.
        if (stopping.Token.IsCancellationRequested) return false;
        lock (gate)
        {
            if (asideCount == AsideMax || asideBytes + contentBytes > AsideBytesMax) return false;
            (asideCount, asideBytes) = (asideCount + 1, asideBytes + contentBytes);
            return true;
        }
    }

    private void LeaveAside(long contentBytes)
    {
        lock (gate) (asideCount, asideBytes) = (asideCount - 1, asideBytes - contentBytes);
    }

    /// <summary>One delivery's right to be at work.</summary>
    internal sealed class Slot(DeliverySlots slots, Slots free, Slots freeForLarge, Guid tenant)
    {
        private readonly TaskCompletionSource freed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long bytes = -1;
        private bool isLarge;

        public Task Freed => freed.Task;

        /// <summary>Waits for the place of a large message, which goes back with the slot; false when the process stops first.</summary>
        public async Task<bool> TakeLarge() => isLarge = await freeForLarge.Take(tenant);

        /// <summary>Gives the slot back, if so many may go on without one.</summary>
        /// <param name="contentBytes">Of the message that stays in memory.</param>
        public bool TrySetAside(long contentBytes)
        {
            if (bytes >= 0) return true;
            if (!slots.HasRoomAside(contentBytes)) return false;
            bytes = contentBytes;
            GiveBack();
            freed.TrySetResult();
            return true;
        }

        internal void End()
        {
            if (bytes < 0) GiveBack();
            else slots.LeaveAside(bytes);
        }

        private void GiveBack()
        {
            free.Release(tenant);
            if (isLarge) freeForLarge.Release(tenant);
        }
    }
}
