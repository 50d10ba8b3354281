using MailApi.Mail.Dnssec;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Tls;

/// <summary>What TLSA records demand of one mail host. The set of cases is closed.</summary>
public abstract record DaneAnswer
{
    private DaneAnswer() { }

    /// <summary>Nothing is published, or nothing that can be believed is: DANE does not apply.</summary>
    public sealed record None : DaneAnswer;

    /// <summary>Records are published: the proof that they allow, or mere encryption where none of them is usable (RFC 7672 §2.2).</summary>
    public sealed record Published(TlsDemand Demand) : DaneAnswer;

    /// <summary>It cannot be told, or signatures are wrong: the host may not be used now (RFC 7672 §2.2).</summary>
    public sealed record Failed(string Reason) : DaneAnswer;
}

/// <summary>Finds the TLSA records of mail hosts whose names came out of a signed zone (RFC 7672 §2.2).</summary>
public sealed class Dane(SecureLookups lookups)
{
    /// <summary>Of records of one host; more are not looked at.</summary>
    public const int RecordsMax = 20;

    private static readonly DaneAnswer Nothing = new DaneAnswer.None();

    /// <param name="host">A mail host, from MX records whose signatures are right.</param>
    /// <param name="domain">The recipient's, which may stand in certificates, too (RFC 7672 §3.2.2).</param>
    /// <param name="ct">Ends the look-ups.</param>
    public async Task<DaneAnswer> Find(string host, string domain, CancellationToken ct)
    {
        var address = await lookups.Find(host, RecordType.A, ct);
        if (address.State is DnssecState.Bogus or DnssecState.Indeterminate) return new DaneAnswer.Failed(address.Reason);
        foreach (var name in await Bases(host, address, ct))
        {
            var answer = await lookups.Find($"_25._tcp.{name}", RecordType.Tlsa, ct);
            if (answer.State is DnssecState.Bogus or DnssecState.Indeterminate) return new DaneAnswer.Failed(answer.Reason);
            if (answer is { State: DnssecState.Secure, Answer: DnsAnswer<byte[]>.Found found }) return new DaneAnswer.Published(Demand(found.Values, name, host, domain));
        }
        return Nothing;
    }

    /// <summary>
    /// RFC 7672 §2.2.2: where the host's zone is not signed, TLSA records are not even asked for, since name servers of such zones fail at the
    /// question. An alias stands for its target where all of the way is signed, else for itself.
    /// </summary>
    private async Task<IReadOnlyList<string>> Bases(string host, DnssecAnswer address, CancellationToken ct)
    {
        var isAlias = address.Owner is not null && address.Owner != host;
        if (address.State == DnssecState.Secure) return isAlias ? [address.Owner!, host] : [host];
        return isAlias && await lookups.Find(host, RecordType.Cname, ct) is { State: DnssecState.Secure, Answer: DnsAnswer<byte[]>.Found } ? [host] : [];
    }

    private static TlsDemand Demand(IReadOnlyList<byte[]> records, string name, string host, string domain)
    {
        List<TlsaRecord> usable = [.. records.Take(RecordsMax).Select(data => TlsaRecord.TryRead(data)).OfType<TlsaRecord>().Where(record => record.IsUsable).OrderBy(record => record.ToString(), StringComparer.Ordinal)];
        var demand = new TlsDemand { Proof = TlsProof.Encryption, IsEnforced = true, Policy = TlsPolicyType.Tlsa, ServerName = name };
        if (usable.Count == 0) return demand;
        // Names matter with an authority alone; without them all domains of the host share its connections.
        return demand with { Proof = TlsProof.Tlsa, Tlsa = usable, Names = usable.Exists(record => record.Usage == TlsaRecord.TrustAnchor) ? [.. new[] { name, host, domain }.Distinct()] : [] };
    }
}
