namespace MailApi.Mail.Dkim;

/// <summary>What one DKIM signature of a message is worth; results in the words of RFC 8601 §2.7.1.</summary>
/// <param name="Result"><c>pass, fail, neutral, permerror, temperror</c>.</param>
/// <param name="Reason">Why, when it did not pass.</param>
public sealed record SignatureVerdict(string Domain, string Selector, string Algorithm, string Result, string? Reason);

/// <summary>Verifies the DKIM signatures of a raw message (RFC 6376 §6).</summary>
public static class Verifier
{
    /// <param name="message">The raw message.</param>
    /// <param name="keyRecord">The TXT value of a selector of a domain, or null where there is none.</param>
    /// <param name="ct">Ends the look-ups.</param>
    public static Task<IReadOnlyList<SignatureVerdict>> Verify(ReadOnlyMemory<byte> message, Func<string, string, CancellationToken, Task<string?>> keyRecord, CancellationToken ct) =>
        throw new NotSupportedException();
}
