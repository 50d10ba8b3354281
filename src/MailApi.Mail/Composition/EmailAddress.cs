using System.Diagnostics.CodeAnalysis;

namespace MailApi.Mail.Composition;

/// <summary>A mailbox address (RFC 5321 §4.1.2, RFC 6531): holding one is proof that it is safe on an SMTP command line.</summary>
public sealed record EmailAddress
{
    private EmailAddress(string localPart, string domain) => (LocalPart, Domain) = (localPart, domain);

    public string LocalPart { get; }

    /// <summary>The domain in lower-case A-labels.</summary>
    public string Domain { get; }

    /// <summary>The local part is not ASCII: only a receiver with SMTPUTF8 (RFC 6531) can take it.</summary>
    public bool NeedsSmtpUtf8 => !System.Text.Ascii.IsValid(LocalPart);

    public override string ToString() => $"{LocalPart}@{Domain}";

    public static bool TryParse(string? text, [NotNullWhen(true)] out EmailAddress? address) => throw new NotSupportedException();
}
