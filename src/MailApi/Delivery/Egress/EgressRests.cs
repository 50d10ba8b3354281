using System.Collections.Concurrent;

namespace MailApi.Delivery.Egress;

/// <summary>What an address does.</summary>
internal enum EgressState
{
    /// <summary>It sends as much as there is.</summary>
    Active,

    /// <summary>It sends a little more each day.</summary>
    Warming,

    /// <summary>It is blocklisted or gone, and others send in its place.</summary>
    Resting,
}

/// <summary>The addresses that should not send now, and why.</summary>
internal sealed class EgressRests(EgressPools pools, SentToday sent)
{
    private readonly ConcurrentDictionary<EgressAddress, string> reasons = new();

    /// <summary>Null: it is well.</summary>
    public string? Why(EgressAddress address) => reasons.GetValueOrDefault(address);

    /// <param name="reason">Null: it is well.</param>
    public void Set(EgressAddress address, string? reason)
    {
        if (reason is null) reasons.TryRemove(address, out _);
        else reasons[address] = reason;
    }

    /// <summary>An address that is not well rests only while others of its pool or the pool's overflow are.</summary>
    public EgressState State(EgressAddress address)
    {
        var pool = pools.Named(address.Pool);
        if (Why(address) is not null && pool.Addresses.Concat(pools.Spare(pool)).Any(other => Why(other) is null)) return EgressState.Resting;
        return WarmUp.Allowance(address.Since, sent.Today) is null ? EgressState.Active : EgressState.Warming;
    }
}
