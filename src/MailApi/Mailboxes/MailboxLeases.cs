using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Mailboxes;

/// <summary>A mailbox that this process reads, or that nobody does.</summary>
/// <param name="Domain">Whose it is.</param>
/// <param name="Revision">Of its settings.</param>
/// <param name="IsOurs">This process reads it.</param>
internal sealed record HeldMailbox(DomainId Domain, int Revision, bool IsOurs);

/// <summary>
/// Who reads which mailbox, and what came of it. One process reads a mailbox as long as it says so; one that falls silent loses it after <see cref="Lease"/>.
/// A message that two read in between has no second effect.
/// </summary>
internal sealed class MailboxLeases(Db db)
{
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(20);

    private readonly Guid node = Guid.CreateVersion7();

    /// <summary>All that are this process's, and as many as <paramref name="freeMax"/> that are nobody's: first those that were not read for longest.</summary>
    public Task<List<HeldMailbox>> Look(int freeMax, CancellationToken ct) => db.Query("""
        select domain_id, revision, true from mailboxes where node_id = @node
        union all
        select domain_id, revision, false from (
            select domain_id, revision from mailboxes where leased_until < now_ms() and (node_id is null or node_id <> @node) order by leased_until limit @limit) as free
        """, row => new HeldMailbox(new DomainId(row.GetGuid(0)), row.GetInt32(1), row.GetBoolean(2)), ct, ("node", node), ("limit", freeMax));

    /// <summary>False when another process was faster.</summary>
    public async Task<bool> TryTake(DomainId domain, CancellationToken ct) => await db.Execute("""
        update mailboxes set node_id = @node, leased_until = now_ms() + @lease where domain_id = @id and leased_until < now_ms()
        """, ct, ("id", domain.Value), ("node", node), ("lease", (long)Lease.TotalMilliseconds)) == 1;

    /// <summary>This process lives and goes on reading those that are its own.</summary>
    public Task Renew(CancellationToken ct) =>
        db.Execute("update mailboxes set leased_until = now_ms() + @lease where node_id = @node", ct, ("node", node), ("lease", (long)Lease.TotalMilliseconds));

    /// <summary>Another process, or this one, may go on at once.</summary>
    public Task Release(DomainId domain, CancellationToken ct) =>
        db.Execute("update mailboxes set node_id = null, leased_until = now_ms() - 1 where domain_id = @id and node_id = @node", ct, ("id", domain.Value), ("node", node));

    /// <summary>The messages that need no second look.</summary>
    public async Task<HashSet<string>> Remembered(DomainId domain, CancellationToken ct) =>
        [.. await db.Query("select message_key from mailbox_messages where domain_id = @id", row => row.GetString(0), ct, ("id", domain.Value))];

    /// <summary>Messages that are no longer where they were.</summary>
    public Task Forget(DomainId domain, IReadOnlyList<string> keys, CancellationToken ct) => db.Write(async transaction =>
    {
        await transaction.Run([.. keys.Select(key => new Statement("delete from mailbox_messages where domain_id = @id and message_key = @key", ("id", domain.Value), ("key", key)))], onRow: null, ct);
        return true;
    }, ct);

    /// <summary>A message was looked at.</summary>
    /// <param name="mailbox">Where; nothing is noted once its settings are others.</param>
    /// <param name="key">Which; null where the server no longer shows it.</param>
    /// <param name="isTaken">It is not one that was left for people.</param>
    /// <param name="ct">Ends the wait.</param>
    public Task Note(Mailbox mailbox, string? key, bool isTaken, CancellationToken ct) => db.Write(async transaction =>
    {
        if (key is not null)
            await transaction.Execute("""
                insert into mailbox_messages (domain_id, tenant_id, message_key)
                select domain_id, tenant_id, @key from mailboxes where domain_id = @id and revision = @revision
                on conflict do nothing
                """, ct, ("id", mailbox.Domain.Value), ("revision", mailbox.Revision), ("key", key));
        return isTaken
            ? await transaction.Execute("update mailboxes set processed = processed + 1 where domain_id = @id", ct, ("id", mailbox.Domain.Value))
            : 0;
    }, ct);

    /// <summary>The mailbox was looked through.</summary>
    public Task NoteConnected(Mailbox mailbox, CancellationToken ct) => db.Execute("""
        update mailboxes set last_connected_at = now_ms(), last_error = null, last_error_at = null where domain_id = @id and revision = @revision
        """, ct, ("id", mailbox.Domain.Value), ("revision", mailbox.Revision));

    /// <summary>It could not be; told only by the process that reads it.</summary>
    public Task NoteFailed(DomainId domain, string error, CancellationToken ct) => db.Execute("""
        update mailboxes set last_error = @error, last_error_at = now_ms() where domain_id = @id and node_id = @node
        """, ct, ("id", domain.Value), ("node", node), ("error", error));
}
