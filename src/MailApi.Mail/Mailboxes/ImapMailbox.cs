using System.Globalization;
using MailKit;
using MailKit.Net.Imap;
using MailKit.Search;

namespace MailApi.Mail.Mailboxes;

/// <summary>A folder of an IMAP account (RFC 9051; RFC 3501 with what it has of IDLE, MOVE, UIDPLUS).</summary>
internal sealed class ImapMailbox : IMailbox
{
    /// <summary>The mark of messages that need no second look, beside the ones of RFC 5788.</summary>
    public const string Keyword = "$Processed";

    /// <summary>Servers may end a connection that is silent for 30 minutes (RFC 2177), and what stands between does so sooner.</summary>
    private static readonly TimeSpan IdleMax = TimeSpan.FromMinutes(9);

    /// <summary>Where the server offers no IDLE.</summary>
    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(30);

    private readonly MailboxOptions options;
    private readonly TimeProvider time;
    private readonly MailboxConnection connection;
    private readonly MailboxConnection.Imap client;
    private readonly SemaphoreSlim arrived = new(0, 1);
    private IMailFolder folder = null!;
    private IMailFolder? target;

    private ImapMailbox(MailboxOptions options, TimeProvider time)
    {
        (this.options, this.time) = (options, time);
        connection = new MailboxConnection(options, time);
        client = new MailboxConnection.Imap(connection);
    }

    public static async Task<ImapMailbox> Open(MailboxOptions options, TimeProvider time, CancellationToken ct)
    {
        var mailbox = new ImapMailbox(options, time);
        try
        {
            await mailbox.connection.Open(mailbox.client, ct);
            mailbox.folder = await mailbox.connection.Step(mailbox.OpenFolder, ct);
            mailbox.folder.CountChanged += (_, _) => mailbox.Wake();
            mailbox.folder.MessageExpunged += (_, _) => mailbox.Wake();
            if (options.After == AfterTaking.Move) mailbox.target = await mailbox.connection.Step(mailbox.Target, ct);
            return mailbox;
        }
        catch
        {
            await mailbox.DisposeAsync();
            throw;
        }
    }

    public async Task<IReadOnlyList<StoredMessage>> List(CancellationToken ct)
    {
        var unmarked = options.After == AfterTaking.Flag ? SearchQuery.NotDeleted.And(SearchQuery.NotKeyword(Keyword)) : SearchQuery.NotDeleted;
        var found = await connection.Step(step => folder.SearchAsync(unmarked, step), ct);
        // One range of a few octets can claim any number: it is counted before anything is made of it.
        if (found.Count > MailboxSession.ListedMax) throw MailboxSession.TooMany();
        return [.. found.OrderBy(uid => uid.Id).Select(uid => new StoredMessage(string.Create(CultureInfo.InvariantCulture, $"{folder.UidValidity}:{uid.Id}"), uid.Id))];
    }

    public async Task<long?> Size(StoredMessage message, CancellationToken ct)
    {
        var found = await connection.Step(step => folder.FetchAsync([Uid(message)], new FetchRequest(MessageSummaryItems.UniqueId | MessageSummaryItems.Size), step), ct);
        return found.FirstOrDefault(summary => summary.UniqueId.Id == message.Number)?.Size;
    }

    public Task<byte[]?> Fetch(StoredMessage message, int octetsMax, CancellationToken ct) => connection.Fetch(octetsMax, step => folder.GetStreamAsync(Uid(message), "", step), ct);

    public Task MarkTaken(StoredMessage message, CancellationToken ct) => connection.Step(async step =>
    {
        var uid = Uid(message);
        switch (options.After)
        {
            case AfterTaking.Move:
                await folder.MoveToAsync(uid, target!, step);
                break;
            case AfterTaking.Delete:
                await folder.StoreAsync(uid, new StoreFlagsRequest(StoreAction.Add, MessageFlags.Deleted) { Silent = true }, step);
                await folder.ExpungeAsync([uid], step);
                break;
            default:
                await folder.StoreAsync(uid, new StoreFlagsRequest(StoreAction.Add, MessageFlags.Seen, Keywords) { Silent = true }, step);
                break;
        }
    }, ct);

    public async Task MarkLeft(StoredMessage message, CancellationToken ct)
    {
        // Not \Seen: a person is to find it.
        if (options.After != AfterTaking.Flag || Keywords.Count == 0) return;
        await connection.Step(step => folder.StoreAsync(Uid(message), new StoreFlagsRequest(StoreAction.Add, Keywords) { Silent = true }, step), ct);
    }

    public async Task<bool> Wait(TimeSpan atMost, CancellationToken ct)
    {
        var idles = client.Capabilities.HasFlag(ImapCapabilities.Idle);
        var bound = idles ? IdleMax : PollEvery;
        if (atMost < bound) bound = atMost;
        using var timer = new CancellationTokenSource(bound, time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, ct);
        if (idles)
        {
            // What came during the last command has been told already.
            using var done = CancellationTokenSource.CreateLinkedTokenSource(over.Token);
            var told = WaitForWord(done);
            await connection.Wait(ended => client.IdleAsync(ended, CancellationToken.None), done.Token, ct);
            await done.CancelAsync();
            await told;
        }
        else
        {
            await WaitForWord(over);
        }
        ct.ThrowIfCancellationRequested();
        await connection.Step(client.NoOpAsync, ct);
        while (arrived.Wait(0, CancellationToken.None)) { }
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        await MailboxEnd.Leave(client, time);
        client.Dispose();
        connection.Dispose();
        arrived.Dispose();
    }

    /// <summary>Servers that keep no keywords of clients say so (RFC 9051 §2.3.2); they would be lost with the session.</summary>
    private HashSet<string> Keywords => folder.PermanentFlags.HasFlag(MessageFlags.UserDefined) ? [Keyword] : [];

    private UniqueId Uid(StoredMessage message) => new(folder.UidValidity, (uint)message.Number);

    private async Task<IMailFolder> OpenFolder(CancellationToken ct)
    {
        var named = options.Folder.Equals("INBOX", StringComparison.OrdinalIgnoreCase) ? client.Inbox! : await client.GetFolderAsync(options.Folder, ct);
        await named.OpenAsync(FolderAccess.ReadWrite, ct);
        return named.Access == FolderAccess.ReadWrite
            ? named
            : throw new MailboxException($"{options.Host}:{options.Port} opens the folder {options.Folder} for reading alone, so that nothing can be marked in it. Give {options.Username} the right to write there.");
    }

    /// <summary>Below the personal namespace (RFC 2342) where the name as it is given is none, since some servers keep all folders below INBOX.</summary>
    private async Task<IMailFolder> Target(CancellationToken ct)
    {
        try
        {
            return await client.GetFolderAsync(options.MoveTo, ct);
        }
        catch (FolderNotFoundException)
        {
            var root = client.GetFolder(client.PersonalNamespaces[0]);
            var known = (await root.GetSubfoldersAsync(subscribedOnly: false, ct)).FirstOrDefault(child => child.Name == options.MoveTo);
            return known ?? await root.CreateAsync(options.MoveTo, isMessageFolder: true, ct)
                ?? throw new MailboxException($"{options.Host}:{options.Port} did not make the folder {options.MoveTo}. Make it, or name another as moveTo.");
        }
    }

    private void Wake()
    {
        lock (arrived)
        {
            if (arrived.CurrentCount == 0) arrived.Release();
        }
    }

    /// <summary>Ends <paramref name="done"/> when the server says that the folder has changed.</summary>
    private async Task WaitForWord(CancellationTokenSource done)
    {
        try
        {
            await arrived.WaitAsync(done.Token);
            await done.CancelAsync();
        }
        catch (OperationCanceledException) when (done.IsCancellationRequested)
        {
            // The time was up.
        }
    }
}
