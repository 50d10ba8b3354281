using System.Collections.Concurrent;
using System.Data.Common;
using MailApi.Api;
using MailApi.Mail.Smtp;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>An envelope leased to this node, with the message it carries.</summary>
public sealed record Claim
{
    public required EnvelopeId Envelope { get; init; }
    public required MessageId Message { get; init; }
    public required TenantId Tenant { get; init; }
    public required DomainId DomainId { get; init; }
    public required string Domain { get; init; }
    public required Category Category { get; init; }
    public required bool Test { get; init; }
    public required string Recipient { get; init; }
    public required string RecipientDomain { get; init; }
    public required bool NeedsSmtpUtf8 { get; init; }

    /// <summary>What the message is about, by its tenant's name for it; null where the tenant gave none.</summary>
    public string? Topic { get; init; }

    /// <summary>To be sent with REQUIRETLS (RFC 8689) or not at all.</summary>
    public bool RequireTls { get; init; }

    /// <summary>The fence: what is recorded under another attempt touches nothing.</summary>
    public required int Attempt { get; init; }

    /// <summary>Conversations with a receiver so far.</summary>
    public required int Tries { get; init; }
    public required bool DuplicatePossible { get; init; }

    /// <summary>Of its lifetime, by the store's clock.</summary>
    public required TimeSpan Left { get; init; }

    public bool Expired => Left <= TimeSpan.Zero;

    /// <summary>Of the try before this one; null where no receiver spoke.</summary>
    public Reply? LastReply { get; init; }

    /// <summary>Since its acceptance.</summary>
    public required TimeSpan Age { get; init; }

    /// <summary>The age at which its tenant wants to be told; null: the category's.</summary>
    public required TimeSpan? DelayedAfter { get; init; }

    /// <summary><c>message.delayed</c> has been told already.</summary>
    public required bool Delayed { get; init; }
    public required OnUncertain OnUncertain { get; init; }

    /// <summary>The entries of the tenant's suppression list that name the recipient.</summary>
    public required IReadOnlyList<SuppressionEntry> Suppressions { get; init; }

    /// <summary>Octets of the message.</summary>
    public required int Size { get; init; }

    /// <summary>The composed octets, unsigned; null when there are more than <see cref="Claims.ContentMax"/>: <see cref="Claims.LargeContent"/>.</summary>
    public required byte[]? Content { get; init; }

    /// <summary>When this node's lease began, on its own monotonic clock.</summary>
    public required long ClaimedAt { get; init; }
}

/// <param name="Reason">As stored.</param>
/// <param name="Category">Null: it holds for every category.</param>
public sealed record SuppressionEntry(string Reason, Category? Category);

/// <summary>The statement that reads <see cref="SuppressionEntry"/> for an envelope: a reason, and a category or an empty text.</summary>
public delegate Statement SuppressionsOf(Claim claim);

/// <summary>Takes leases: of any number of doorbells for one attempt, one wins.</summary>
internal sealed class Claims : IAsyncDisposable
{
    /// <summary>Octets of a message that are read with its claim: a batch of claims stays within 64 MiB.</summary>
    public const int ContentMax = 256 * 1024;

    private readonly Db db;
    private readonly Node node;
    private readonly TimeSpan lease;
    private readonly TimeProvider time;
    private readonly SuppressionsOf suppressions;
    private readonly Window window;
    private readonly RecentMessages recent;
    private readonly Batcher<DoorbellEntry, Claim?> batcher;

    /// <summary>What this node claims or works on, by envelope and attempt: never more than there are delivery slots.</summary>
    private readonly ConcurrentDictionary<(Guid, int), bool> inHand = new();

    public Claims(Db db, Node node, SpoolOptions options, SuppressionsOf suppressions, Window window, RecentMessages recent, TimeProvider time)
    {
        (this.db, this.node, lease, this.suppressions, this.window, this.recent, this.time) = (db, node, options.Lease, suppressions, window, recent, time);
        batcher = new(lanes: db.Dialect.OneWriter ? 1 : 2, Commit);
    }

    /// <summary>False while another doorbell of this attempt is at work in this process; else to be followed by <see cref="End"/>.</summary>
    public bool Begin(DoorbellEntry entry) => inHand.TryAdd((entry.Id, entry.Attempt), true);

    public void End(DoorbellEntry entry) => inHand.TryRemove((entry.Id, entry.Attempt), out _);

    /// <summary>Null when another doorbell won, or the envelope was canceled meanwhile.</summary>
    /// <exception cref="DbException">The store is away. Whether the claim was committed is unknown: <see cref="GiveBack"/>.</exception>
    public Task<Claim?> Claim(DoorbellEntry entry, CancellationToken ct) => batcher.Add(entry, ct);

    /// <summary>
    /// A claim whose commit was not answered may have been granted. Nobody works under it, so it is rung again at once: it would wait for the end of its lease, and then
    /// pass for an attempt that nobody knows the end of. <see cref="Begin"/> is what makes sure that no other doorbell here has it. A commit that is still on its way holds the row, which the
    /// statement waits for only if it would touch it as it was before.
    /// </summary>
    /// <exception cref="DbException">The store is away.</exception>
    public Task<int> GiveBack(DoorbellEntry entry, CancellationToken ct) => db.Execute(
        "update envelopes set state = 'rung', due_at = now_ms(), node_id = null, updated_at = now_ms() where id = @id and ((attempt = @attempt and state = 'sending' and node_id = @node) or (attempt = @attempt - 1 and state = 'rung'))",
        ct, ("id", entry.Id), ("attempt", entry.Attempt + 1), ("node", node.Id));

    /// <summary>What a claim of a large message leaves out.</summary>
    /// <exception cref="DbException">The store is away.</exception>
    public async Task<byte[]> LargeContent(Claim claim, CancellationToken ct) =>
        (await db.Query("select content from messages where id = @id", row => row.Bytes(0), ct, ("id", claim.Message.Value)))[0];

    /// <summary>
    /// Whether this node may still send the final dot: the node is heard of, was without a gap since it took the lease, and the lease covers the wait for
    /// the reply. After a gap, or when what is left is too short, the store is asked and renews it.
    /// </summary>
    public async ValueTask<bool> MayFinish(Claim claim, TimeSpan wait, CancellationToken ct)
    {
        if (!node.IsHeard) return false;
        if (node.IsHeardSince(claim.ClaimedAt) && time.GetElapsedTime(claim.ClaimedAt) + wait < lease) return true;
        try
        {
            return await db.Execute(
                "update envelopes set due_at = now_ms() + @lease where id = @id and attempt = @attempt and state = 'sending'",
                ct, ("lease", (long)wait.TotalMilliseconds), ("id", claim.Envelope.Value), ("attempt", claim.Attempt)) == 1;
        }
        catch (DbException)
        {
            return false;
        }
    }

    public ValueTask DisposeAsync() => batcher.DisposeAsync();

    private async Task<IReadOnlyList<Claim?>> Commit(IReadOnlyList<DoorbellEntry> batch)
    {
        var claimedAt = time.GetTimestamp();
        var granted = await db.Write<IReadOnlyList<Claim?>>(async transaction =>
        {
            var claims = new Claim?[batch.Count];
            await transaction.Run([.. batch.Select(Lease)], (index, row) => claims[index] = Read(row, claimedAt), CancellationToken.None);

            var won = claims.OfType<Claim>().ToList();
            var messages = new Dictionary<MessageId, ClaimedMessage>();
            foreach (var claim in won)
                if (recent.Take(claim.Message) is { } message) messages[claim.Message] = message;
            var wanted = won.Select(claim => claim.Message).Where(id => !messages.ContainsKey(id)).Distinct().ToList();
            var suppressed = won.ToDictionary(claim => claim.Envelope, _ => new List<SuppressionEntry>());
            await transaction.Run([.. wanted.Select(Message), .. won.Select(claim => suppressions(claim))], (index, row) =>
            {
                if (index < wanted.Count) messages[wanted[index]] = ReadMessage(row);
                else suppressed[won[index - wanted.Count].Envelope].Add(ReadSuppression(row));
            }, CancellationToken.None);
            return [.. claims.Select(claim => claim is null ? null : Complete(claim, messages[claim.Message]) with { Suppressions = suppressed[claim.Envelope] })];
        }, CancellationToken.None);
        foreach (var claim in granted)
            if (claim is not null) window.Leave(claim.Category, claim.Tenant);
        return granted;
    }

    private Statement Lease(DoorbellEntry entry) => new(
        """
        update envelopes
        set state = 'sending', attempt = attempt + 1, due_at = now_ms() + @lease, node_id = @node, updated_at = now_ms()
        where id = @id and attempt = @attempt and state = 'rung'
        returning id, message_id, tenant_id, domain_id, category, test, recipient, recipient_domain, smtp_utf8, attempt, tries, duplicate_possible,
                  expires_at - now_ms(), now_ms() - created_at, delayed, topic,
                  reply_code, reply_enhanced, reply_text, (select delayed_after_seconds from tenants where tenants.id = envelopes.tenant_id)
        """,
        ("lease", (long)lease.TotalMilliseconds), ("node", node.Id), ("id", entry.Id), ("attempt", entry.Attempt));

    private static Claim Read(DbDataReader row, long claimedAt) => new()
    {
        Envelope = new EnvelopeId(row.GetGuid(0)),
        Message = new MessageId(row.GetGuid(1)),
        Tenant = new TenantId(row.GetGuid(2)),
        DomainId = new DomainId(row.GetGuid(3)),
        Category = EnumText.Parse<Category>(row.GetString(4)),
        Test = row.GetBoolean(5),
        Recipient = row.GetString(6),
        RecipientDomain = row.GetString(7),
        NeedsSmtpUtf8 = row.GetBoolean(8),
        Attempt = row.GetInt32(9),
        Tries = row.GetInt32(10),
        DuplicatePossible = row.GetBoolean(11),
        Left = TimeSpan.FromMilliseconds(row.GetInt64(12)),
        Age = TimeSpan.FromMilliseconds(row.GetInt64(13)),
        Delayed = row.GetBoolean(14),
        Topic = row.TextOrNull(15),
        LastReply = row.IntOrNull(16) is { } code ? new Reply(code, row.TextOrNull(17), row.TextOrNull(18) ?? "") : null,
        ClaimedAt = claimedAt,
        Domain = "",
        OnUncertain = OnUncertain.Retry,
        Suppressions = [],
        DelayedAfter = row.IntOrNull(19) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        Size = 0,
        Content = null,
    };

    private static Statement Message(MessageId id) => new(
        """
        select domain, on_uncertain, require_tls, size, case when size <= @max then content end from messages where id = @id
        """, ("id", id.Value), ("max", ContentMax));

    private static ClaimedMessage ReadMessage(DbDataReader row) =>
        new(row.GetString(0), EnumText.Parse<OnUncertain>(row.GetString(1)), row.GetBoolean(2), row.GetInt32(3), row.IsDBNull(4) ? null : row.Bytes(4));

    private static Claim Complete(Claim claim, ClaimedMessage message) => claim with
    {
        Domain = message.Domain,
        OnUncertain = message.OnUncertain,
        RequireTls = message.RequireTls,
        Size = message.Size,
        Content = message.Content,
    };

    private static SuppressionEntry ReadSuppression(DbDataReader row) =>
        new(row.GetString(0), row.GetString(1) is { Length: > 0 } category ? EnumText.Parse<Category>(category) : null);
}
