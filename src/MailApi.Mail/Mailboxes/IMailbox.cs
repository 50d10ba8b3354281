namespace MailApi.Mail.Mailboxes;

/// <summary>A message in a mailbox.</summary>
/// <param name="Key">The same as long as the message is there, and never another's: UIDVALIDITY and UID (RFC 9051 §2.3.1.1), or the UIDL (RFC 1939 §7).</param>
/// <param name="Number">Its UID, or its number in this session.</param>
public sealed record StoredMessage(string Key, long Number);

/// <summary>
/// A session with a mailbox, for one user at a time. What goes wrong is a <see cref="MailboxException"/>, after which the session is of no more use.
/// </summary>
public interface IMailbox : IAsyncDisposable
{
    /// <summary>Messages that bear no mark of ours, oldest first.</summary>
    Task<IReadOnlyList<StoredMessage>> List(CancellationToken ct);

    /// <summary>How large a message is, in octets, as far as the server tells; null when it has gone.</summary>
    Task<long?> Size(StoredMessage message, CancellationToken ct);

    /// <summary>A message's octets; null when it has gone.</summary>
    /// <param name="message">Which.</param>
    /// <param name="octetsMax">As many as are taken, whatever the server said of its size; more is a <see cref="MailboxException"/>.</param>
    /// <param name="ct">Ends the wait.</param>
    Task<byte[]?> Fetch(StoredMessage message, int octetsMax, CancellationToken ct);

    /// <summary>Does with a message that was taken what is to be done with it (<see cref="AfterTaking"/>).</summary>
    Task MarkTaken(StoredMessage message, CancellationToken ct);

    /// <summary>Leaves a message for people, marked where that keeps it from being listed again.</summary>
    Task MarkLeft(StoredMessage message, CancellationToken ct);

    /// <summary>Waits until there may be more messages, as long as the server can tell. False: it cannot, and the session is over.</summary>
    /// <param name="atMost">After so long there may be more in any case.</param>
    /// <param name="ct">Ends the wait.</param>
    Task<bool> Wait(TimeSpan atMost, CancellationToken ct);
}

/// <summary>Opens mailboxes.</summary>
public static class MailboxSession
{
    /// <summary>The largest message that is fetched, in octets.</summary>
    public const int MessageBytesMax = 40 << 20;

    /// <summary>Messages in one folder.</summary>
    public const int ListedMax = 500_000;

    internal static MailboxException TooMany() => new($"The folder holds more than {ListedMax} messages: name one of its own for what comes back.");

    /// <summary>Connects, protects the connection, logs in and opens the folder.</summary>
    /// <exception cref="MailboxException">Says which of these failed, and what to do.</exception>
    public static async Task<IMailbox> Open(MailboxOptions options, TimeProvider time, CancellationToken ct) =>
        options.Protocol == MailboxProtocol.Imap ? await ImapMailbox.Open(options, time, ct) : await Pop3Mailbox.Open(options, time, ct);
}
