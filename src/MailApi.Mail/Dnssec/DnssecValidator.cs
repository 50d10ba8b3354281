using System.Collections.Concurrent;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Dnssec;

/// <summary>
/// Tells by validation whether answers can be believed: from the keys of the root, zone by zone, through DS, DNSKEY and RRSIG records
/// (RFC 4035). The configured resolvers only carry the records; what they say about having validated them (AD) is not read.
/// </summary>
/// <remarks>
/// Why not a library: ARSoft.Tools.Net 3.6.1, which validates, was run against NSD with the zones of our tests and with
/// resolvers that lie. Signed, unsigned, broken and expired zones it judges rightly. But an empty answer or NXDOMAIN without any proof,
/// for a name of a signed zone, it calls "unsigned" instead of bogus: whoever is in between can make records vanish, TLSA records of DANE
/// among them. It has one sentence for all failures, does not tell bogus from unreachable by its result, and no stated bound on the
/// signatures that one answer may make it verify (CVE-2023-50387).
/// </remarks>
/// <param name="dns">Carries the questions, within its bounds.</param>
/// <param name="options">With the trust anchors and <see cref="DnsOptions.WalkDeadline"/>.</param>
/// <param name="time">For deadlines, and to judge when signatures are valid.</param>
public sealed class DnssecValidator(DnsResolver dns, DnsOptions options, TimeProvider time)
{
    /// <summary>Zones whose keys are kept, at most an hour. When it is full it is emptied.</summary>
    public const int ZonesMax = 2_000;

    private readonly ConcurrentDictionary<string, (SecureZone Zone, DateTimeOffset Until)> zones = new();

    /// <summary>The state of a mail domain: of its zone, then of what a receiver looks up there (MX, TXT); the first that is not secure counts.</summary>
    public async Task<DnssecVerdict> Validate(string domain, CancellationToken ct)
    {
        var answer = await Lookup(domain, RecordType.Soa, ct);
        foreach (var type in (RecordType[])[RecordType.Mx, RecordType.Txt])
        {
            if (answer.State == DnssecState.Secure) answer = await Lookup(domain, type, ct);
        }
        return new DnssecVerdict(answer.State, answer.Reason);
    }

    /// <summary>Looks records up, aliases followed, and says how far they can be believed.</summary>
    public async Task<DnssecAnswer> Lookup(string name, RecordType type, CancellationToken ct)
    {
        if (DnsName.Canonical(name) is not { } canonical) return Unusable(DnssecState.Indeterminate, $"{name} is no name that could be asked for.");
        name = canonical;
        using var deadline = new CancellationTokenSource(options.WalkDeadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        try
        {
            return await new DnssecWalk(this, dns.Servers, options, time).Lookup(name, type, either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return Unusable(DnssecState.Indeterminate, $"The records that prove {name} did not come in time.");
        }
    }

    internal static DnssecAnswer Unusable(DnssecState state, string reason) => new(state, reason, new DnsAnswer<byte[]>.Failed(reason));

    /// <summary>The closest zone at or above the name whose keys are known; null: not even the root's.</summary>
    internal SecureZone? Closest(string name)
    {
        var now = time.GetUtcNow();
        while (true)
        {
            if (zones.TryGetValue(name, out var known) && known.Until > now) return known.Zone;
            if (name.Length == 0) return null;
            name = DnsName.Parent(name);
        }
    }

    internal void Keep(SecureZone zone, TimeSpan age)
    {
        if (zones.Count >= ZonesMax) zones.Clear();
        zones[zone.Name] = (zone, time.GetUtcNow() + (age < AnswerCache.AgeMax ? age : AnswerCache.AgeMax));
    }
}

/// <summary>A zone whose keys are proven.</summary>
internal sealed record SecureZone(string Name, IReadOnlyList<DnskeyData> Keys);
