using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MailApi.Mail.Composition;
using MailApi.Mail.Dkim;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Authentication;

/// <summary>What one relay added: its results, its signature over the message and its seal over the chain (RFC 8617 §4.1).</summary>
internal sealed record ArcSet(RawField Results, RawField Signature, RawField Seal, TagList SealTags);

/// <summary>
/// Validates the chain of ARC sets of a message (RFC 8617 §5.2). A chain that passes says what earlier relays found; whether to believe them is the
/// receiver's affair.
/// </summary>
public static class ArcChain
{
    /// <summary>§4.2.1.</summary>
    public const int SetsMax = 50;

    /// <summary>All ARC fields together. Each seal hashes all before it, so that their size counts fifty times.</summary>
    public const int OctetsMax = 512 * 1024;

    private static readonly string[] Names = ["arc-authentication-results", "arc-message-signature", "arc-seal"];
    private static readonly string[] SealTagsRequired = ["a", "b", "cv", "d", "s"];

    /// <param name="message">The raw message.</param>
    /// <param name="dns">Knows the keys.</param>
    /// <param name="time">Tells which signatures have expired.</param>
    /// <param name="ct">Ends the look-ups.</param>
    public static Task<ArcVerdict> Verify(ReadOnlyMemory<byte> message, DnsResolver dns, TimeProvider time, CancellationToken ct) =>
        Verify(RawMessage.Parse(RawMessage.WithCrLf(message)), new KeyLookup(dns), time, ct);

    internal static async Task<ArcVerdict> Verify(RawMessage message, KeyLookup keys, TimeProvider time, CancellationToken ct)
    {
        var fields = message.Fields.Where(field => Names.Contains(field.Name)).ToList();
        if (fields.Count == 0) return new ArcVerdict(AuthenticationResult.None, 0, "", null);
        if (fields.Count > 3 * SetsMax) return new ArcVerdict(AuthenticationResult.Fail, fields.Count / 3, "", $"there are more than {SetsMax} sets");
        if (fields.Sum(field => (long)field.Octets.Length) > OctetsMax) return new ArcVerdict(AuthenticationResult.Fail, fields.Count / 3, "", "its fields are larger than any chain needs");

        var (sets, error) = Collect(fields);
        if (sets is null) return new ArcVerdict(AuthenticationResult.Fail, fields.Count / 3, "", error);
        var sealer = DomainName.TryParse(sets[^1].SealTags.Compact("d"), out var domain) ? domain : "";
        error = ChainError(sets) ?? await SignatureError(message, sets[^1], keys, time, ct);
        for (var i = sets.Count; i > 0 && error is null; i--) error = await SealError(sets, i, keys, ct);
        return new ArcVerdict(error is null ? AuthenticationResult.Pass : AuthenticationResult.Fail, sets.Count, sealer, error);
    }

    /// <summary>The sets in order; one of each field for every number from 1 without a gap (§5.2 step 3).</summary>
    private static (IReadOnlyList<ArcSet>? Sets, string? Error) Collect(List<RawField> fields)
    {
        var numbered = new Dictionary<(string Name, int Instance), (RawField Field, TagList? Tags)>();
        foreach (var field in fields)
        {
            var text = Encoding.UTF8.GetString(field.Value.Span);
            TagList? tags = null;
            if (field.Name != Names[0] && !TagList.TryParse(text, out tags)) return (null, $"an {Shown(field.Name)} is no list of tags");
            if (InstanceOf(tags is null ? text.Split(';', 2)[0] : $"i={tags["i"]}") is not { } instance) return (null, $"an {Shown(field.Name)} has no number from 1 to {SetsMax}");
            if (!numbered.TryAdd((field.Name, instance), (field, tags))) return (null, $"there are two {Shown(field.Name)} fields of number {instance}");
        }
        var sets = new List<ArcSet>();
        for (var i = 1; sets.Count * 3 < numbered.Count; i++)
        {
            if (!numbered.TryGetValue((Names[0], i), out var results) || !numbered.TryGetValue((Names[1], i), out var signature) || !numbered.TryGetValue((Names[2], i), out var seal))
                return (null, $"set {i} is not complete");
            sets.Add(new ArcSet(results.Field, signature.Field, seal.Field, seal.Tags!));
        }
        return (sets, null);
    }

    private static int? InstanceOf(string tag)
    {
        var parts = tag.Split('=', 2);
        return parts.Length == 2 && parts[0].Trim() == "i" && int.TryParse(parts[1].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number is >= 1 and <= SetsMax ? number : null;
    }

    /// <summary><c>cv=</c>: the first seal found no chain, every later one a good one.</summary>
    private static string? ChainError(IReadOnlyList<ArcSet> sets)
    {
        for (var i = 0; i < sets.Count; i++)
        {
            var found = sets[i].SealTags["cv"];
            if (found != (i == 0 ? "none" : "pass")) return found == "fail" ? $"relay {i + 1} found the chain broken already" : $"the cv= of seal {i + 1} is not what it must be";
        }
        return null;
    }

    /// <summary>The last relay's signature must still match; those before it were broken in good faith, perhaps.</summary>
    private static async Task<string?> SignatureError(RawMessage message, ArcSet set, KeyLookup keys, TimeProvider time, CancellationToken ct)
    {
        // §4.1.2: a seal is not for a signature to cover, since it is made after it.
        if (TagList.TryParse(Encoding.UTF8.GetString(set.Signature.Value.Span), out var tags) && tags.List("h")?.Contains(Names[2], StringComparer.OrdinalIgnoreCase) == true)
            return "the last message signature covers ARC-Seal";
        var verdict = await Verifier.Verify(message, set.Signature, keys, time, ct);
        return verdict.Result == AuthenticationResult.Pass ? null : $"the last message signature ({verdict.Domain}) does not hold: {verdict.Reason}";
    }

    private static async Task<string?> SealError(IReadOnlyList<ArcSet> sets, int number, KeyLookup keys, CancellationToken ct)
    {
        var tags = sets[number - 1].SealTags;
        if (SealTagsRequired.FirstOrDefault(tag => tags[tag] is null) is { } missing) return $"seal {number} has no {missing}=";
        // §4.1.3: what a seal covers is fixed.
        if (tags["h"] is not null) return $"seal {number} has an h=";
        if (Signature.AlgorithmError(tags.Compact("a")!) is { } algorithm) return $"seal {number}: {algorithm.Reason}";
        if (!DomainName.TryParse(tags.Compact("d"), out var domain) || !Signature.IsSelector(tags.Compact("s")!)) return $"seal {number} names no key";
        if (!System.Buffers.Text.Base64.IsValid(tags.Compact("b"))) return $"the b= of seal {number} is no base64";

        // §5.2.2: that the DNS does not answer breaks a chain like anything else.
        var (records, failure) = await keys.Find(tags.Compact("s")!, domain, ct);
        if (records is null) return $"seal {number}: {failure}";
        var digest = Digest(sets, number);
        var error = "no key for signature";
        foreach (var record in records.Take(Verifier.KeyRecordsMax))
        {
            var (key, unusable) = KeyRecord.Parse(record);
            if ((unusable ?? key!.Check(tags.Compact("a")!, Convert.FromBase64String(tags.Compact("b")!), digest)) is not { } wrong) return null;
            error = wrong.Fault == SignatureFault.HeaderChanged ? "its signature does not match the chain" : wrong.Reason;
        }
        return $"seal {number} ({domain}): {error}";
    }

    /// <summary>§5.1.1: the fields of all sets up to this one, relaxed, in the order in which they were made.</summary>
    private static byte[] Digest(IReadOnlyList<ArcSet> sets, int number)
    {
        var text = new ArrayBufferWriter<byte>();
        foreach (var set in sets.Take(number))
        {
            Canonical.RelaxedField(set.Results, text);
            Canonical.RelaxedField(set.Signature, text);
            Canonical.RelaxedField(ReferenceEquals(set, sets[number - 1]) ? Verifier.WithoutSignature(set.Seal) : set.Seal, text);
        }
        return SHA256.HashData(text.WrittenSpan[..^2]);
    }

    private static string Shown(string name) => name switch
    {
        "arc-seal" => "ARC-Seal",
        "arc-message-signature" => "ARC-Message-Signature",
        _ => "ARC-Authentication-Results",
    };
}
