using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace MailApi.Mail.Dkim;

/// <summary>What one DKIM signature of a message is worth; results in the words of RFC 8601 §2.7.1.</summary>
/// <param name="Domain">The signing domain, empty where the signature names none.</param>
/// <param name="Selector">Empty where the signature names none.</param>
/// <param name="Algorithm">Empty where the signature names none.</param>
/// <param name="Result"><c>pass, fail, neutral, permerror, temperror</c>.</param>
/// <param name="Reason">Why, when it did not pass.</param>
public sealed record SignatureVerdict(string Domain, string Selector, string Algorithm, string Result, string? Reason);

/// <summary>
/// Verifies the DKIM signatures of a raw message (RFC 6376 §6), over its octets: a MIME parser would not give back all of them as they came.
/// </summary>
public static class Verifier
{
    /// <summary>Each costs a look-up and a public key operation that the sender chooses; those after it are neutral.</summary>
    public const int SignaturesMax = 10;

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
    public static async Task<IReadOnlyList<SignatureVerdict>> Verify(
        ReadOnlyMemory<byte> message, Func<string, string, CancellationToken, Task<string?>> keyRecord, TimeProvider time, CancellationToken ct)
    {
        var raw = RawMessage.Parse(WithCrLf(message));
        var verdicts = new List<SignatureVerdict>();
        foreach (var field in raw.Fields.Where(field => field.Name == "dkim-signature"))
        {
            var isWellFormed = Signature.TryParse(field, out var tags, out var signature, out var error);
            var (result, reason) = !isWellFormed ? ("permerror", error)
                : verdicts.Count >= SignaturesMax ? ("neutral", $"only the first {SignaturesMax} signatures are verified")
                : await Judge(raw, signature!, keyRecord, time, ct);
            verdicts.Add(new SignatureVerdict(
                signature?.Domain ?? tags?.Compact("d") ?? "", tags?.Compact("s") ?? "", tags?.Compact("a") ?? "", result, reason));
        }
        return verdicts;
    }

    private static async Task<(string Result, string? Reason)> Judge(
        RawMessage message, Signature signature, Func<string, string, CancellationToken, Task<string?>> keyRecord, TimeProvider time, CancellationToken ct)
    {
        if (signature.Expires < time.GetUtcNow().ToUnixTimeSeconds()) return ("fail", "the signature has expired");

        string? text;
        try
        {
            text = await keyRecord(signature.Selector, signature.Domain, ct);
        }
        catch (Exception) when (!ct.IsCancellationRequested)
        {
            return ("temperror", "the key could not be looked up");
        }
        if (text is null) return ("permerror", "no key for signature");
        var (key, error) = KeyRecord.Parse(text);
        if (key is null) return ("permerror", error);

        var (bodyHash, length) = Canonical.HashBody(message.Body.Span, signature.RelaxedBody, signature.BodyLength);
        if (signature.BodyLength > length) return ("permerror", "l= is longer than the body");
        if (!bodyHash.AsSpan().SequenceEqual(signature.BodyHash)) return ("fail", "the body hash does not match the body");
        return key.Check(signature, HashHeader(message, signature)) switch
        {
            null => ("pass", null),
            { IsKeyError: true } wrong => ("permerror", wrong.Reason),
            { } wrong => ("fail", wrong.Reason),
        };
    }

    /// <summary>The signed fields, then the signature's own without its value and its CRLF (RFC 6376 §3.7).</summary>
    private static byte[] HashHeader(RawMessage message, Signature signature)
    {
        var signed = new ArrayBufferWriter<byte>();
        foreach (var field in message.Select(signature.SignedNames).Append(WithoutSignature(signature.Field)))
        {
            if (signature.RelaxedHeader) Canonical.RelaxedField(field, signed);
            else signed.Write(field.Octets.Span);
        }
        return SHA256.HashData(signed.WrittenSpan[..^2]);
    }

    /// <summary>The field with everything between <c>b=</c> and the next semicolon taken out, and a CRLF at its end.</summary>
    private static RawField WithoutSignature(RawField field)
    {
        var text = Encoding.Latin1.GetString(field.Octets.Span);
        var start = text.IndexOf(':', StringComparison.Ordinal) + 1;
        while (text.AsSpan(start, text.IndexOf('=', start) - start).Trim(" \t\r\n") is not "b") start = text.IndexOf(';', start) + 1;
        start = text.IndexOf('=', start) + 1;
        var end = text.IndexOf(';', start);
        return field with { Octets = Encoding.Latin1.GetBytes(text[..start] + (end < 0 ? "" : text[end..].TrimEnd('\r', '\n')) + "\r\n") };
    }

    private static ReadOnlyMemory<byte> WithCrLf(ReadOnlyMemory<byte> message)
    {
        var octets = message.Span;
        if (octets.Count((byte)'\n') == octets.Count("\r\n"u8)) return message;
        var text = new ArrayBufferWriter<byte>(octets.Length + octets.Length / 16);
        for (var i = 0; i < octets.Length; i++)
        {
            if (octets[i] == '\n' && (i == 0 || octets[i - 1] != '\r')) text.Write("\r\n"u8);
            else text.Write(octets.Slice(i, 1));
        }
        return text.WrittenMemory;
    }
}
