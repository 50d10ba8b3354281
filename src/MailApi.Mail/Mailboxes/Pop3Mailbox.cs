using MailKit.Net.Pop3;

namespace MailApi.Mail.Mailboxes;

/// <summary>A POP3 maildrop (RFC 1939). What is removed is gone once the session is ended in order (§6): until then it may be listed again.</summary>
internal sealed class Pop3Mailbox : IMailbox
{
    private readonly MailboxOptions options;
    private readonly TimeProvider time;
    private readonly MailboxConnection connection;
    private readonly MailboxConnection.Pop3 client;

    private Pop3Mailbox(MailboxOptions options, TimeProvider time)
    {
        (this.options, this.time) = (options, time);
        connection = new MailboxConnection(options, time);
        client = new MailboxConnection.Pop3(connection);
    }

    public static async Task<Pop3Mailbox> Open(MailboxOptions options, TimeProvider time, CancellationToken ct)
    {
        var mailbox = new Pop3Mailbox(options, time);
        try
        {
            await mailbox.connection.Open(mailbox.client, ct);
            return mailbox.client.Capabilities.HasFlag(Pop3Capabilities.UIDL)
                ? mailbox
                : throw new MailboxException($"{options.Host}:{options.Port} has no UIDL (RFC 1939 §7), without which its messages cannot be told apart. Use IMAP.");
        }
        catch
        {
            await mailbox.DisposeAsync();
            throw;
        }
    }

    public async Task<IReadOnlyList<StoredMessage>> List(CancellationToken ct)
    {
        if (client.Count == 0) return [];
        if (client.Count > MailboxSession.ListedMax) throw MailboxSession.TooMany();
        var uids = await connection.Step(client.GetMessageUidsAsync, ct);
        return [.. uids.Select((uid, index) => new StoredMessage(uid, index))];
    }

    public async Task<long?> Size(StoredMessage message, CancellationToken ct) => await connection.Step(step => client.GetMessageSizeAsync((int)message.Number, step), ct);

    public Task<byte[]?> Fetch(StoredMessage message, int octetsMax, CancellationToken ct) => connection.Fetch(octetsMax, step => client.GetStreamAsync((int)message.Number, headersOnly: false, step), ct);

    public async Task MarkTaken(StoredMessage message, CancellationToken ct)
    {
        if (options.After == AfterTaking.Delete) await connection.Step(step => client.DeleteMessageAsync((int)message.Number, step), ct);
    }

    public Task MarkLeft(StoredMessage message, CancellationToken ct) => Task.CompletedTask;

    public async Task<bool> Wait(TimeSpan atMost, CancellationToken ct)
    {
        await connection.Step(step => client.DisconnectAsync(quit: true, step), ct);
        return false;
    }

    public async ValueTask DisposeAsync()
    {
        await MailboxEnd.Leave(client, time);
        client.Dispose();
        connection.Dispose();
    }
}
