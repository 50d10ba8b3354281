using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace MailApi.Mail.Mailboxes;

/// <summary>How a mailbox is read.</summary>
public enum MailboxProtocol
{
    /// <summary>RFC 9051, RFC 3501.</summary>
    Imap,

    /// <summary>RFC 1939.</summary>
    Pop3,
}

/// <summary>How the connection is protected; there is none in the clear.</summary>
public enum MailboxTls
{
    /// <summary>TLS from the first octet (RFC 8314).</summary>
    Implicit,

    /// <summary>STARTTLS or STLS, or nothing (RFC 9051 §6.2.1, RFC 2595).</summary>
    StartTls,
}

/// <summary>How a login is made.</summary>
public enum MailboxAuth
{
    /// <summary>By the best mechanism that the server offers.</summary>
    Password,

    /// <summary>With an access token (Google, Microsoft).</summary>
    Xoauth2,
}

/// <summary>What becomes of a message that was taken.</summary>
public enum AfterTaking
{
    /// <summary>It is moved to another folder; IMAP alone.</summary>
    Move,

    /// <summary>It stays. With IMAP it is marked as read and with the keyword <c>$Processed</c>.</summary>
    Flag,

    /// <summary>It is removed.</summary>
    Delete,
}

/// <summary>A mailbox, and how to come to it.</summary>
public sealed record MailboxOptions
{
    public required MailboxProtocol Protocol { get; init; }

    /// <summary>Certificates are checked against it.</summary>
    public required string Host { get; init; }

    /// <summary>Where the host is connected to, in this order; it is not looked up again.</summary>
    public required IReadOnlyList<IPAddress> Addresses { get; init; }
    public required int Port { get; init; }
    public required MailboxTls Tls { get; init; }
    public required MailboxAuth Auth { get; init; }
    public required string Username { get; init; }

    /// <summary>The password or access token; never printed.</summary>
    public required string Secret { get; init; }

    /// <summary>Of IMAP, as the server names it.</summary>
    public string Folder { get; init; } = "INBOX";
    public AfterTaking After { get; init; } = AfterTaking.Flag;

    /// <summary>Made where it does not exist.</summary>
    public string MoveTo { get; init; } = "Processed";

    /// <summary>Certificate authorities trusted in place of the system's; null: the system's.</summary>
    public X509Certificate2Collection? TrustedRoots { get; init; }

    public override string ToString() => $"{Protocol} {Host}:{Port}";
}
