using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using MailApi.Mail.Authentication;
using MailApi.Mail.Composition;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Dkim;

/// <summary>
/// Verifies the DKIM signatures of a raw message (RFC 6376 §6), over its octets: a MIME parser would not give back all of them as they came.
/// </summary>
public static class Verifier
{
    /// <summary>Each costs a look-up and a public key operation that the sender chooses; those after it are neutral.</summary>
    public const int SignaturesMax = 10;

    /// <summary>A selector has one record; of several, which RFC 6376 §3.6.2.2 leaves undefined, this many are tried.</summary>
    public const int KeyRecordsMax = 5;

    /// <summary>How far a signer's clock may be ahead of ours before <c>t=</c> lies in the future (RFC 6376 §3.5).</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    /// <inheritdoc cref="Verify(ReadOnlyMemory{byte}, Func{string, string, CancellationToken, Task{string}}, TimeProvider, CancellationToken)"/>
    public static Task<IReadOnlyList<SignatureVerdict>> Verify(
        ReadOnlyMemory<byte> message, Func<string, string, CancellationToken, Task<string?>> keyRecord, CancellationToken ct) =>
        Verify(message, keyRecord, TimeProvider.System, ct);

    /// <summary>One verdict for each signature, in the order of the header.</summary>
    /// <param name="message">The raw message. Bare LFs are taken for line ends, as of a message that was stored in a file.</param>
    /// <param name="keyRecord">
    /// The TXT value of a selector of a domain (in this order), or null where there is none. Any exception of it but cancellation means
    /// that the look-up failed for now.
    /// </param>
    /// <param name="time">Tells which signatures have expired.</param>
    /// <param name="ct">Ends the look-ups.</param>
    public static Task<IReadOnlyList<SignatureVerdict>> Verify(
        ReadOnlyMemory<byte> message, Func<string, string, CancellationToken, Task<string?>> keyRecord, TimeProvider time, CancellationToken ct) =>
        Verify(RawMessage.Parse(RawMessage.WithCrLf(message)), new KeyLookup(keyRecord), time, ct);

    /// <summary>The same with the keys from the DNS: every TXT record at <c>selector._domainkey.domain</c> is considered.</summary>
    public static Task<IReadOnlyList<SignatureVerdict>> Verify(ReadOnlyMemory<byte> message, DnsResolver dns, TimeProvider time, CancellationToken ct) =>
        Verify(RawMessage.Parse(RawMessage.WithCrLf(message)), new KeyLookup(dns), time, ct);

    internal static async Task<IReadOnlyList<SignatureVerdict>> Verify(RawMessage message, KeyLookup keys, TimeProvider time, CancellationToken ct)
    {
        var fields = message.Fields.Where(field => field.Name == "dkim-signature").ToList();
        // The look-ups wait on the network and run at once; a slow one holds up no other.
        var tried = await Task.WhenAll(fields.Take(SignaturesMax).Select(field => Verify(message, field, keys, time, ct)));
        return [.. tried, .. fields.Skip(SignaturesMax).Select(field => Refused(field, AuthenticationResult.Neutral, SignatureFault.NotTried, $"only the first {SignaturesMax} signatures are verified"))];
    }

    /// <summary>One signature of a message, of DKIM or of ARC.</summary>
    internal static async Task<SignatureVerdict> Verify(RawMessage message, RawField field, KeyLookup keys, TimeProvider time, CancellationToken ct)
    {
        if (!Signature.TryParse(field, out _, out var signature, out var error))
            return Refused(field, error.Fault == SignatureFault.Malformed ? AuthenticationResult.Neutral : AuthenticationResult.PermError, error.Fault, error.Reason);

        var verdict = new SignatureVerdict(signature.Domain, signature.Selector, signature.Algorithm, AuthenticationResult.Pass, null);
        var now = time.GetUtcNow();
        if (signature.Expires < now.ToUnixTimeSeconds()) return verdict with { Result = AuthenticationResult.Fail, Reason = "the signature has expired", Fault = SignatureFault.Expired };
        if (signature.Made > (now + ClockSkew).ToUnixTimeSeconds())
            return verdict with { Result = AuthenticationResult.Neutral, Reason = "the signature was made in the future", Fault = SignatureFault.TooNew };

        var (records, failure) = await keys.Find(signature.Selector, signature.Domain, ct);
        if (records is null) return verdict with { Result = AuthenticationResult.TempError, Reason = failure, Fault = SignatureFault.LookupFailed };
        if (records.Count == 0) return verdict with { Result = AuthenticationResult.PermError, Reason = "no key for signature", Fault = SignatureFault.NoKey };
        return Judge(message, signature, verdict with { KeyRecords = records.Count }, records);
    }

    /// <summary>The field with everything between <c>b=</c> and the next semicolon taken out, and a CRLF at its end (RFC 6376 §3.7).</summary>
    internal static RawField WithoutSignature(RawField field)
    {
        var text = Encoding.Latin1.GetString(field.Octets.Span);
        for (var start = text.IndexOf(':', StringComparison.Ordinal) + 1; ;)
        {
            var end = text.IndexOf(';', start) is var semicolon and >= 0 ? semicolon : text.Length;
            var tag = text.AsSpan(start, end - start);
            if (tag.IndexOf('=') is var equals and >= 0 && tag[..equals].Trim(" \t\r\n") is "b")
                return field with { Octets = Encoding.Latin1.GetBytes(string.Concat(text.AsSpan(0, start + equals + 1), text.AsSpan(end).TrimEnd("\r\n"), "\r\n")) };
            start = end + 1;
        }
    }

    private static SignatureVerdict Judge(RawMessage message, Signature signature, SignatureVerdict verdict, IReadOnlyList<string> records)
    {
        var (bodyHash, length) = Canonical.HashBody(message.Body.Span, signature.RelaxedBody, signature.BodyLength);
        verdict = verdict with { UnsignedOctets = signature.BodyLength is { } signed ? Math.Max(0, length - signed) : 0 };
        var bodyError = signature.BodyLength > length ? new KeyError(SignatureFault.BodyChanged, "l= is longer than the body")
            : bodyHash.AsSpan().SequenceEqual(signature.BodyHash) ? null
            : new KeyError(SignatureFault.BodyChanged, "the body hash does not match the body");
        var digest = HashHeader(message, signature);

        SignatureVerdict? first = null;
        foreach (var record in records.Take(KeyRecordsMax))
        {
            var tried = Judge(signature, verdict, record, bodyError, digest);
            if (tried.Result == AuthenticationResult.Pass) return tried;
            // A record that at least is a key tells more than another text that stands at the same name.
            if (first is null || first.Fault == SignatureFault.KeyMalformed) first = tried;
        }
        return first!;
    }

    private static SignatureVerdict Judge(Signature signature, SignatureVerdict verdict, string record, KeyError? bodyError, byte[] digest)
    {
        var (key, error) = KeyRecord.Parse(record);
        error ??= key!.CheckIdentity(signature) ?? bodyError ?? key.Check(signature.Algorithm, signature.Octets, digest);
        verdict = verdict with { IsTesting = key?.IsTesting ?? false };
        if (error is null) return verdict;
        var isKeyError = error.Fault is not (SignatureFault.BodyChanged or SignatureFault.HeaderChanged);
        verdict = verdict with { Result = isKeyError ? AuthenticationResult.PermError : AuthenticationResult.Fail, Reason = error.Reason, Fault = error.Fault };
        // RFC 6376 §3.6.1: mail of a domain that tests is no worse than unsigned mail, even if the signature fails.
        return verdict.IsTesting ? verdict with { Result = AuthenticationResult.Neutral, Reason = $"{error.Reason}; the key is published as a test (t=y), so this counts as unsigned" } : verdict;
    }

    private static SignatureVerdict Refused(RawField field, AuthenticationResult result, SignatureFault fault, string reason)
    {
        _ = Signature.TryParse(field, out var tags, out var signature, out _);
        return new SignatureVerdict(signature?.Domain ?? Shown(tags, "d"), Shown(tags, "s"), Shown(tags, "a"), result, reason) { Fault = fault };
    }

    /// <summary>What a stranger wrote, as far as it can be a name at all.</summary>
    private static string Shown(TagList? tags, string tag)
    {
        var value = tags?.Compact(tag) ?? "";
        return value.Length <= DomainName.OctetsMax && !value.Any(char.IsControl) ? value : "";
    }

    /// <summary>The signed fields, then the signature's own without its value and its CRLF (RFC 6376 §3.7).</summary>
    private static byte[] HashHeader(RawMessage message, Signature signature)
    {
        var signed = new ArrayBufferWriter<byte>();
        foreach (var field in message.Select(signature.SignedNames, signature.Field).Append(WithoutSignature(signature.Field)))
        {
            if (signature.RelaxedHeader) Canonical.RelaxedField(field, signed);
            else signed.Write(field.Octets.Span);
        }
        return SHA256.HashData(signed.WrittenSpan[..^2]);
    }
}
