using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>Every fault that the matrix runs, and the command line knows by name.</summary>
public static class All
{
    /// <summary>New ones: each trial needs its own, which knows what it has put up.</summary>
    public static IReadOnlyList<Fault> Faults() =>
    [
        new BrokerKilled(), new BrokerDown(TimeSpan.FromMinutes(2)), new BrokerWiped(), new QueuesDeleted(), new BrokerMemoryAlarm(), new BrokerWayBad(), new BrokerAndCountersDown(),
        new CountersKilled(), new CountersFlushed(), new ScriptsFlushed(), new CountersWayBad(),
        new StoreKilled(), new StoreConnectionsCut(), new StoreWayBad(), new DiskFull(),
        new RepliesLost(), new SiteDead(), new ReceiversHalfOpen(), new TlsBroken(),
        new NamesFail(DnsFailure.ServFail), new NamesFail(DnsFailure.Timeout), new NamesFail(DnsFailure.NxDomain),
        new ClockJumps("clock-forward", TimeSpan.FromHours(1)), new ClockJumps("clock-back", TimeSpan.FromSeconds(-30)),
        new DoorbellsRepeated(), new Storm(), new SameKey(), new Neighbours(),
        new EndpointAway("webhook-down", isSlow: false), new EndpointAway("webhook-slow", isSlow: true), new EndpointGone(),
        new OrderlyStop(),
        new NodeStopped(lease: null),
        new NodeStopped(lease: TimeSpan.FromSeconds(20)),
        new StoreAwayAfterTheDot(), new NodeCutOff(isMissed: false), new NodeCutOff(isMissed: true),
    ];
}
