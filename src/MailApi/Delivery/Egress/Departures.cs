using System.Net.Sockets;
using MailApi.Mail.Shaping;
using MailApi.Mail.Smtp;
using MailApi.Spool;
using Route = MailApi.Mail.Routing.Route;

namespace MailApi.Delivery.Egress;

/// <summary>Where an attempt leaves from, or why it does not leave. The set of cases is closed.</summary>
internal abstract record Departure
{
    private Departure() { }

    /// <summary>Leaves; and <see cref="Departures.Settle"/> is owed for it.</summary>
    /// <param name="Route">With its source.</param>
    /// <param name="Taken">Null where nothing is counted.</param>
    public sealed record From(Route Route, SentKey? Taken) : Departure;

    /// <summary>Every address that it may leave from has sent to the site what it may today, or is about to.</summary>
    public sealed record Later(TimeSpan Delay) : Departure;

    /// <summary>No address is of a family that the receiver has.</summary>
    public sealed record Nowhere(string Reason) : Departure;
}

/// <summary>
/// Chooses the source address of an attempt: in its pool, then in the pool's overflow, among those of the receiver's address families that do not rest and
/// may still send to the site today, the one that was used longest ago. Where all rest, none does.
/// </summary>
internal sealed class Departures(EgressPools pools, EgressRests rests, SentToday sent, Sites sites)
{
    /// <summary>When to come back where attempts under way, or those of other nodes, may take what is left.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    /// <summary>What waits for the next day does not come back all at once.</summary>
    public static readonly TimeSpan SpreadMax = TimeSpan.FromHours(1);

    private readonly Lock gate = new();
    private readonly Dictionary<EgressAddress, long> usedAt = [];
    private long turn;

    /// <summary>Mail to the sandbox and through relays leaves from wherever the system chooses: receivers see another's address.</summary>
    public Departure For(Claim claim, Route route) =>
        !claim.Test && SiteDomains.Learns(route) && pools.For(claim.Tenant, claim.Domain, claim.Category) is { } pool ? From(pool, route, isFirstTry: claim.Tries == 0) : new Departure.From(route, null);

    public void Settle(Departure.From departure, TransmitResult? result)
    {
        if (departure.Taken is { } taken) sent.Settle(taken, result is TransmitResult.Accepted or TransmitResult.Refused { Stage: >= Stage.MailFrom } or TransmitResult.Uncertain);
    }

    internal Departure From(EgressPool pool, Route route, bool isFirstTry)
    {
        var families = route.Hosts.SelectMany(host => host.Addresses).Select(address => address.AddressFamily).ToHashSet();
        var (own, spare) = (Reaching(pool.Addresses, families, pool, isFirstTry), Reaching(pools.Spare(pool), families, pool, isFirstTry));
        if (own.Count + spare.Count == 0)
            return new Departure.Nowhere($"The mail hosts have {(families.Contains(AddressFamily.InterNetworkV6) ? "IPv6" : "IPv4")} addresses alone, and the pool that the mail leaves from has none.");
        var anyWell = own.Concat(spare).Any(IsWell);
        var spent = true;
        lock (gate)
        {
            foreach (var address in InTurn(own, route, anyWell).Concat(InTurn(spare, route, anyWell)))
            {
                if (sent.TryTake(address, route.Site, sites.NodeCount, out var isSpent) is { } taken)
                {
                    usedAt[address] = ++turn;
                    return new Departure.From(route with { Source = address.Source }, taken);
                }
                spent &= isSpent;
            }
        }
        return new Departure.Later(spent ? sent.UntilTomorrow + SpreadMax * Random.Shared.NextDouble() : Soon);
    }

    private static List<EgressAddress> Reaching(IReadOnlyList<EgressAddress> addresses, HashSet<AddressFamily> families, EgressPool pool, bool isFirstTry)
    {
        var preferred = pool.Prefer == AddressPreference.IPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        var reaching = addresses.Where(address => families.Contains(address.Source.Local.AddressFamily)).ToList();
        if (isFirstTry && pool.Prefer != AddressPreference.Any && reaching.Exists(IsPreferred)) reaching.RemoveAll(address => !IsPreferred(address));
        return reaching;

        bool IsPreferred(EgressAddress address) => address.Source.Local.AddressFamily == preferred;
    }

    /// <summary>Those that reach the most preferred host first: what only another's family reaches goes to the host for emergencies.</summary>
    private IEnumerable<EgressAddress> InTurn(List<EgressAddress> addresses, Route route, bool anyWell) => addresses.Where(address => !anyWell || IsWell(address))
        .OrderBy(address => !route.Hosts[0].Addresses.Any(host => host.AddressFamily == address.Source.Local.AddressFamily)).ThenBy(address => usedAt.GetValueOrDefault(address));

    private bool IsWell(EgressAddress address) => rests.Why(address) is null;
}
