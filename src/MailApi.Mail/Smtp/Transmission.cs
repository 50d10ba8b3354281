namespace MailApi.Mail.Smtp;

/// <summary>One envelope to be sent.</summary>
public sealed record Transmission
{
    /// <summary>The return path, without angle brackets; empty for a notification (RFC 5321 §4.5.5).</summary>
    public required string MailFrom { get; init; }

    /// <summary>A mailbox that is safe on a command line, as <see cref="Composition.EmailAddress"/> prints it. What is not is refused unsent.</summary>
    public required string Recipient { get; init; }

    /// <summary>
    /// The message in parts (signature fields, then the composed message), sent in order and octet by octet, with only dots stuffed (RFC 5321 §4.5.2).
    /// All lines end in CRLF and there is a line between header and body; else <see cref="Transmitter"/> throws <see cref="ArgumentException"/>.
    /// </summary>
    public required IReadOnlyList<ReadOnlyMemory<byte>> Content { get; init; }

    /// <summary>What a notification is to call the envelope (ENVID, RFC 3461 §4.4): visible ASCII without <c>+</c> and <c>=</c>; null: nothing.</summary>
    public string? EnvelopeId { get; init; }

    /// <summary>An address of the envelope or the header is not ASCII (RFC 6531).</summary>
    public bool NeedsSmtpUtf8 { get; init; }

    /// <summary>The content has octets above 127 (RFC 6152).</summary>
    public bool EightBit { get; init; }

    /// <summary>
    /// Asked when all content but a last block is with the receiver and before the final dot, which alone delivers it: may the dot be sent? The answer
    /// must hold for <see cref="SmtpTimeouts.FinalDot"/>: within that time the reply has come, or the connection is given up.
    /// </summary>
    public required Func<CancellationToken, ValueTask<bool>> DotGate { get; init; }

    /// <summary>Of the content, as for SIZE (RFC 1870): CRLF counted, stuffed dots not.</summary>
    internal long Bytes => Content.Sum(part => (long)part.Length);
}
