using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Dnssec;

/// <summary>What is proven about a name that an answer has no records of.</summary>
internal enum Absence
{
    /// <summary>Nothing.</summary>
    Unproven,

    /// <summary>The name is there, the type is not.</summary>
    NoData,

    /// <summary>There is no such name.</summary>
    NoName,

    /// <summary>The name is where another zone begins, which has no DS record: it is not signed.</summary>
    Unsigned,

    /// <summary>There may be unsigned zones here (RFC 5155 §6, opt-out), or the proof is made to cost more than it is worth (RFC 9276 §3.2).</summary>
    OptOut,
}

/// <summary>Proofs of absence: the NSEC (RFC 4035 §5.4) and NSEC3 records (RFC 5155 §8) of one answer, whose signatures have been verified.</summary>
internal sealed class Denial(string zone, IReadOnlyList<NsecData> nsec, IReadOnlyList<Nsec3Data> nsec3)
{
    /// <summary>RFC 9276 §3.1 recommends none; resolvers draw the line between 50 and 150.</summary>
    public const int IterationsMax = 150;

    private const int Sha1 = 1;

    private readonly IReadOnlyList<Nsec3Data> hashed = [.. nsec3.Where(record => record.Algorithm == Sha1 && DnsName.Parent(record.Owner) == zone)];

    /// <summary>Why there are no records of this type at the name.</summary>
    public Absence Of(string name, RecordType type)
    {
        if (TooCostly) return Absence.OptOut;
        if (Match(name) is { } types) return Lacking(types, type);
        if (Encloser(name) is not { } encloser) return Absence.Unproven;
        var (covered, optOut) = Covers(NextCloser(name, encloser));
        if (!covered) return Absence.Unproven;
        if (optOut) return Absence.OptOut;
        var wildcard = encloser.Length == 0 ? "*" : "*." + encloser;
        if (Match(wildcard) is { } those) return those.Has(type) || those.Has(RecordType.Cname) ? Absence.Unproven : Absence.NoData;
        return Covers(wildcard).Covered ? Absence.NoName : Absence.Unproven;
    }

    /// <summary>
    /// Whether another zone begins at the name: <see cref="Absence.Unsigned"/> if so. That a wildcard stands for the name changes nothing,
    /// so it need not be denied.
    /// </summary>
    public Absence OfDelegation(string name)
    {
        if (TooCostly) return Absence.OptOut;
        if (Match(name) is { } types)
        {
            // With an SOA the record is the child's own and says nothing about its parent (RFC 6840 §4.4).
            if (types.Has(RecordType.Ds) || types.Has(RecordType.Soa)) return Absence.Unproven;
            return types.Has(RecordType.Ns) ? Absence.Unsigned : Absence.NoData;
        }
        if (Encloser(name) is not { } encloser) return Absence.Unproven;
        var (covered, optOut) = Covers(NextCloser(name, encloser));
        return !covered ? Absence.Unproven : optOut ? Absence.OptOut : Absence.NoName;
    }

    /// <summary>That there is no name that is closer than the wildcard an answer was made from (RFC 4035 §5.3.4, RFC 5155 §8.8).</summary>
    public Absence OfCloser(string name, int labels)
    {
        if (TooCostly) return Absence.OptOut;
        var (covered, optOut) = Covers(DnsName.Last(name, labels + 1));
        return !covered ? Absence.Unproven : optOut ? Absence.OptOut : Absence.NoName;
    }

    private bool TooCostly => hashed.Any(record => record.Iterations > IterationsMax);

    private static Absence Lacking(TypeBitmap types, RecordType type)
    {
        if (types.Has(type) || types.Has(RecordType.Cname)) return Absence.Unproven;
        // A parent knows nothing of its child's types but DS; a child nothing of its own DS (RFC 6840 §4.1, §4.4).
        if (type == RecordType.Ds ? types.Has(RecordType.Soa) : types.Has(RecordType.Ns) && !types.Has(RecordType.Soa)) return Absence.Unproven;
        return Absence.NoData;
    }

    private static string NextCloser(string name, string encloser) => DnsName.Last(name, DnsName.Labels(encloser) + 1);

    /// <summary>The types of a name that is there; null if none of the records is the name's.</summary>
    private TypeBitmap? Match(string name)
    {
        if (nsec.FirstOrDefault(record => record.Owner == name) is { } own) return own.Types;
        // A name without types of its own, between an owner and a next name that is below it.
        if (nsec.Any(record => IsBetween(record, name) && DnsName.IsWithin(record.Next, name))) return TypeBitmap.Empty;
        return hashed.FirstOrDefault(record => HashLabel(record) is { } label && label == Label(Hash(name, record)))?.Types;
    }

    /// <summary>The closest name above this one that is there.</summary>
    private string? Encloser(string name)
    {
        if (nsec.FirstOrDefault(record => Denies(record, name)) is { } covering)
        {
            var (one, other) = (DnsName.Common(name, covering.Owner), DnsName.Common(name, covering.Next));
            return one.Length > other.Length ? one : other;
        }
        if (hashed.Count == 0) return null;
        while (name != zone)
        {
            name = DnsName.Parent(name);
            if (Match(name) is not { } types) continue;
            // RFC 5155 §8.3: below a delegation or a DNAME this zone has no say.
            return types.Has(RecordType.Dname) || (types.Has(RecordType.Ns) && !types.Has(RecordType.Soa)) ? null : name;
        }
        return null;
    }

    private (bool Covered, bool OptOut) Covers(string name)
    {
        if (nsec.Any(record => Denies(record, name))) return (true, false);
        foreach (var record in hashed)
        {
            if (HashLabel(record) is not { } owner) continue;
            var (hash, next) = (Label(Hash(name, record)), Label(record.Next));
            if (IsBetween(string.CompareOrdinal(owner, hash), string.CompareOrdinal(hash, next), string.CompareOrdinal(owner, next))) return (true, record.OptOut);
        }
        return (false, false);
    }

    /// <summary>RFC 6840 §4.1: the record of a delegation or a DNAME says nothing about names below it.</summary>
    private static bool Denies(NsecData record, string name) =>
        IsBetween(record, name) && !DnsName.IsWithin(record.Next, name)
        && !(DnsName.IsWithin(name, record.Owner)
            && (record.Types.Has(RecordType.Dname) || (record.Types.Has(RecordType.Ns) && !record.Types.Has(RecordType.Soa))));

    private static bool IsBetween(NsecData record, string name) =>
        IsBetween(DnsName.Compare(record.Owner, name), DnsName.Compare(name, record.Next), DnsName.Compare(record.Owner, record.Next));

    /// <summary>Strictly between; the last record of a zone leads back to the first.</summary>
    private static bool IsBetween(int fromOwner, int toNext, int ownerToNext) =>
        ownerToNext < 0 ? fromOwner < 0 && toNext < 0 : fromOwner < 0 || (toNext < 0 && fromOwner != 0);

    private static string? HashLabel(Nsec3Data record) => record.Owner.Split('.')[0] is { Length: 32 } label ? label : null;

    /// <summary>RFC 5155 §5, which knows no other hash.</summary>
    [SuppressMessage("Security", "CA5350", Justification = "What the records are made with; they are protected by their signatures.")]
    private static byte[] Hash(string name, Nsec3Data record)
    {
        var hash = SHA1.HashData([.. DnsName.ToWire(name) ?? [], .. record.Salt]);
        for (var i = 0; i < record.Iterations; i++) hash = SHA1.HashData([.. hash, .. record.Salt]);
        return hash;
    }

    /// <summary>Base 32 with the extended hexadecimal alphabet (RFC 4648 §7), which keeps the order.</summary>
    private static string Label(byte[] hash)
    {
        const string Digits = "0123456789abcdefghijklmnopqrstuv";
        Span<char> label = stackalloc char[32];
        for (var i = 0; i < label.Length; i++)
        {
            var bit = i * 5;
            var pair = (hash.ElementAtOrDefault(bit / 8) << 8) | hash.ElementAtOrDefault((bit / 8) + 1);
            label[i] = Digits[(pair >> (11 - (bit % 8))) & 31];
        }
        return new string(label);
    }
}
