using MailApi.Mail.Routing;
using static MailApi.Mail.Dnssec.Signatures;

namespace MailApi.Mail.Dnssec;

/// <summary>One look-up: the way from the root down to the zone of a name, then the name's own records.</summary>
internal sealed class DnssecWalk(DnssecValidator validator, NameServers servers, DnsOptions options, TimeProvider time)
{
    /// <summary>A name of many labels and aliases takes about 30.</summary>
    public const int QuestionsMax = 60;

    /// <summary>Of one answer; a proof takes three or four.</summary>
    private const int ProofsMax = 8;

    /// <summary>Of one zone, while keys are changed; a DS record each. Both are hashed with each other.</summary>
    private const int KeysMax = 32;

    private readonly Signatures signatures = new(time);
    private int questions;

    public async Task<DnssecAnswer> Lookup(string name, RecordType type, CancellationToken ct)
    {
        var (asked, seen) = (name, new HashSet<string>());
        DnssecVerdict? insecure = null;
        var age = TimeSpan.MaxValue;
        while (seen.Add(name) && seen.Count <= AliasChain.HopsMax + 1)
        {
            var (zone, verdict) = insecure is null ? await Descend(name, type, ct) : (null, insecure);
            if (verdict is { State: not DnssecState.Insecure }) return DnssecValidator.Unusable(verdict.State, verdict.Reason);
            insecure ??= verdict;

            var heard = await Ask(name, type, ct);
            if (heard.Message is not { } message) return DnssecValidator.Unusable(DnssecState.Indeterminate, Silent(name, heard.Reason));
            var step = zone is null ? Unverified(message, name, type) : Verified(zone, message, name, type);
            if (step.Verdict is { State: not DnssecState.Insecure } bad) return DnssecValidator.Unusable(bad.State, bad.Reason);
            insecure ??= step.Verdict;
            age = AgeOf(message, name, type) is var shorter && shorter < age ? shorter : age;
            if (step.Answer is { } answer)
            {
                var found = insecure is not null
                    ? new DnssecAnswer(DnssecState.Insecure, insecure.Reason, answer)
                    : new DnssecAnswer(DnssecState.Secure, $"Every signature from the root down to {asked} is right.", answer);
                return found with { Owner = name, Age = age };
            }
            name = step.Alias!;
        }
        return DnssecValidator.Unusable(DnssecState.Bogus, $"The aliases of {asked} have no end.");
    }

    /// <summary>The zone that the name is in, with its keys; or the verdict on all that is below a certain point of the way.</summary>
    private async Task<(SecureZone?, DnssecVerdict?)> Descend(string name, RecordType type, CancellationToken ct)
    {
        // The DS records of a zone are its parent's (RFC 4035 §3.1.4.1).
        var target = type == RecordType.Ds ? DnsName.Parent(name) : name;
        var zone = validator.Closest(target);
        if (zone is null)
        {
            (zone, var verdict) = await Keys("", [.. options.TrustAnchors.Select(anchor => anchor.Data)], ct);
            if (zone is null) return (null, verdict);
        }
        for (var labels = DnsName.Labels(zone.Name) + 1; labels <= DnsName.Labels(target); labels++)
        {
            var (child, verdict, ended) = await Delegation(zone, DnsName.Last(target, labels), ct);
            if (verdict is not null) return (null, verdict);
            if (ended) break;
            zone = child ?? zone;
        }
        return (zone, null);
    }

    /// <summary>The zone that begins at the name, if one does.</summary>
    private async Task<(SecureZone? Child, DnssecVerdict?, bool Ended)> Delegation(SecureZone zone, string name, CancellationToken ct)
    {
        var heard = await Ask(name, RecordType.Ds, ct);
        if (heard.Message is not { } message) return (null, new(DnssecState.Indeterminate, Silent(name, heard.Reason)), false);
        var records = Owned(message.Answers, name, RecordType.Ds);
        if (records.Count > 0)
        {
            if (Flaw(zone, records, message) is { } flaw) return (null, flaw, false);
            var (child, verdict) = await Keys(name, [.. records.Select(DsData.TryRead).OfType<DsData>()], ct);
            return (child, verdict, false);
        }
        // No zone begins at an alias (RFC 1034 §3.6.2).
        if (Owned(message.Answers, name, RecordType.Cname) is { Count: > 0 } alias) return (null, AliasFlaw(zone, alias, message), false);
        return Proofs(zone, message).OfDelegation(name) switch
        {
            Absence.NoData => (null, null, false),
            Absence.NoName => (null, null, true),
            Absence.Unsigned => (null, new(DnssecState.Insecure, $"{Shown(zone.Name)} publishes no DS record for {name}: DNSSEC is not switched on for it, so nothing can be proven about its records."), false),
            Absence.OptOut => (null, new(DnssecState.Insecure, $"{Shown(zone.Name)} does not prove which of the zones below it are unsigned, and has no DS record for {name}."), false),
            _ => (null, Unproven(zone, name, "DS"), false),
        };
    }

    /// <summary>The keys of a zone, proven by one of the digests that its parent publishes.</summary>
    private async Task<(SecureZone?, DnssecVerdict?)> Keys(string name, IReadOnlyList<DsData> digests, CancellationToken ct)
    {
        var known = digests.Where(Knows).Take(KeysMax).ToList();
        // RFC 4035 §5.2: signed in ways that we do not know is as good as not signed.
        if (known.Count == 0) return (null, new(DnssecState.Insecure, $"{Shown(name)} is signed only with algorithms that are out of use or not known here, which counts as not signed."));
        var heard = await Ask(name, RecordType.Dnskey, ct);
        if (heard.Message is not { } message) return (null, new(DnssecState.Indeterminate, Silent(name, heard.Reason)));
        var records = Owned(message.Answers, name, RecordType.Dnskey);
        if (name.Length == 0 && !message.Answers.Any(record => record.Type == RecordType.Rrsig))
            return (null, new(DnssecState.Indeterminate, "The resolver passes no signatures on, so nothing can be proven through it."));
        if (records.Count == 0) return (null, new(DnssecState.Bogus, $"The parent zone says that {Shown(name)} is signed, but {Shown(name)} publishes no keys."));

        var keys = records.Select(DnskeyData.TryRead).OfType<DnskeyData>().Take(KeysMax).ToList();
        var entries = keys.Where(key => known.Any(digest => Matches(digest, name, key))).ToList();
        if (entries.Count == 0)
            return (null, new(DnssecState.Bogus, $"None of the keys of {Shown(name)} is the one that the DS record of its parent zone names. Publish the DS record that the host of the zone shows, or remove it."));
        var (good, why) = signatures.Verify(records, message.Answers, name, entries);
        if (good is null) return (null, new(DnssecState.Bogus, $"The keys of {Shown(name)} {why}."));
        var zone = new SecureZone(name, keys);
        validator.Keep(zone, Age(records, good));
        return (zone, null);
    }

    private (DnsAnswer<byte[]>? Answer, string? Alias, DnssecVerdict? Verdict) Verified(SecureZone zone, DnsMessage message, string name, RecordType type)
    {
        var records = Owned(message.Answers, name, type);
        if (records.Count > 0) return (Found(records), null, Flaw(zone, records, message));
        if (Owned(message.Answers, name, RecordType.Cname) is { Count: > 0 } alias)
        {
            return (null, RecordData.Name(alias[0]), AliasFlaw(zone, alias, message));
        }
        return Proofs(zone, message).Of(name, type) switch
        {
            Absence.NoData => (new DnsAnswer<byte[]>.NoData(), null, null),
            Absence.NoName => (new DnsAnswer<byte[]>.NoSuchDomain(), null, null),
            Absence.OptOut => (None(message), null, Unproven(zone)),
            _ => (null, null, Unproven(zone, name, Word(type))),
        };
    }

    private static (DnsAnswer<byte[]>? Answer, string? Alias, DnssecVerdict? Verdict) Unverified(DnsMessage message, string name, RecordType type)
    {
        if (Owned(message.Answers, name, type) is { Count: > 0 } records) return (Found(records), null, null);
        if (Owned(message.Answers, name, RecordType.Cname) is { Count: > 0 } alias) return (null, RecordData.Name(alias[0]), null);
        return (None(message), null, null);
    }

    /// <summary>What is wrong with records of the zone; null if nothing is.</summary>
    private DnssecVerdict? Flaw(SecureZone zone, List<ResourceRecord> records, DnsMessage message)
    {
        var (name, type) = (records[0].Name, records[0].Type);
        var (good, why) = signatures.Verify(records, message.Answers, zone.Name, zone.Keys);
        if (good is null) return new(DnssecState.Bogus, $"The {Word(type)} records of {Shown(name)} {why}.");
        var made = good.Labels < DnsName.Labels(name) && !name.StartsWith("*.", StringComparison.Ordinal);
        if (!made) return null;
        return Proofs(zone, message).OfCloser(name, good.Labels) switch
        {
            Absence.NoName => null,
            Absence.OptOut => Unproven(zone),
            _ => Unproven(zone, name, "closer"),
        };
    }

    /// <summary>RFC 6672 §5.3.1: an alias may be made from a DNAME, which alone is signed.</summary>
    private DnssecVerdict? AliasFlaw(SecureZone zone, List<ResourceRecord> alias, DnsMessage message)
    {
        var name = alias[0].Name;
        if (message.Answers.FirstOrDefault(record => record.Type == RecordType.Dname && record.Name != name && DnsName.IsWithin(name, record.Name)) is not { } above)
            return Flaw(zone, alias, message);
        var made = name[..^above.Name.Length] + RecordData.Name(above);
        return made.TrimEnd('.') == RecordData.Name(alias[0])
            ? Flaw(zone, [above], message)
            : new(DnssecState.Bogus, $"The alias of {name} is not what the DNAME record of {above.Name} says.");
    }

    private Denial Proofs(SecureZone zone, DnsMessage message)
    {
        bool IsProven(ResourceRecord record) => signatures.Verify([record], message.Authorities, zone.Name, zone.Keys).Good is { } good
            // A record of absence is never made from a wildcard.
            && good.Labels == DnsName.Labels(record.Name) - (record.Name.StartsWith('*') ? 1 : 0);
        var proven = message.Authorities.Where(record => record.Type is RecordType.Nsec or RecordType.Nsec3).Take(ProofsMax).Where(IsProven).ToList();
        return new Denial(
            zone.Name,
            [.. proven.Where(record => record.Type == RecordType.Nsec).Select(NsecData.TryRead).OfType<NsecData>()],
            [.. proven.Where(record => record.Type == RecordType.Nsec3).Select(Nsec3Data.TryRead).OfType<Nsec3Data>()]);
    }

    private Task<Heard> Ask(string name, RecordType type, CancellationToken ct) => ++questions > QuestionsMax
        ? Task.FromResult(new Heard(null, "the chain is too long"))
        : servers.Ask(name, type, DnsAsk.Signatures, ct);

    private static TimeSpan AgeOf(DnsMessage message, string name, RecordType type)
    {
        List<ResourceRecord> own = [.. Owned(message.Answers, name, type), .. Owned(message.Answers, name, RecordType.Cname)];
        if (own.Count > 0) return TimeSpan.FromSeconds(own.Min(record => record.Ttl));
        return message.Soa(name) is { } soa ? RecordData.NegativeAge(soa) : TimeSpan.Zero;
    }

    /// <summary>Neither longer than the records last, nor than the signature says, nor than it is valid.</summary>
    private TimeSpan Age(List<ResourceRecord> records, RrsigData good)
    {
        var valid = good.Expiration - (uint)time.GetUtcNow().ToUnixTimeSeconds();
        return TimeSpan.FromSeconds(Math.Min(Math.Min(records.Min(record => record.Ttl), good.OriginalTtl), valid));
    }

    private static List<ResourceRecord> Owned(IReadOnlyList<ResourceRecord> records, string name, RecordType type) =>
        [.. records.Where(record => record.Name == name && record.Type == type)];

    private static DnsAnswer<byte[]>.Found Found(IReadOnlyList<ResourceRecord> records) => new([.. records.Select(record => record.Data)]);

    private static DnsAnswer<byte[]> None(DnsMessage message) => message.Code == 3 ? new DnsAnswer<byte[]>.NoSuchDomain() : new DnsAnswer<byte[]>.NoData();

    private static DnssecVerdict Unproven(SecureZone zone) => new(DnssecState.Insecure, $"{Shown(zone.Name)} does not prove which names it lacks.");

    private static DnssecVerdict Unproven(SecureZone zone, string name, string what) => new(
        DnssecState.Bogus, $"{Shown(zone.Name)} is signed, but the answer that {name} has no {what} records came without proof: it was forged, or signatures were removed on the way.");

    private static string Silent(string name, string reason) => $"The resolvers gave no usable answer about {Shown(name)} ({reason}).";

    private static string Word(RecordType type) => Enum.IsDefined(type) ? type.ToString().ToUpperInvariant() : $"TYPE{(int)type}";
}
