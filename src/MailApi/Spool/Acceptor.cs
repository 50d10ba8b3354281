using System.Data.Common;
using System.Security.Cryptography;
using MailApi.Api;
using MailApi.Events;
using MailApi.Mail;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>A composed message with its envelopes, ready to be committed.</summary>
public sealed record Acceptance
{
    public required MessageId Id { get; init; }
    public required TenantId Tenant { get; init; }
    public required DomainId DomainId { get; init; }
    public required string Domain { get; init; }
    public required Category Category { get; init; }
    public required bool Test { get; init; }

    /// <summary>The From header as given.</summary>
    public required string Sender { get; init; }
    public required string Subject { get; init; }
    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>What the message is about, by its tenant's name for it.</summary>
    public string? Topic { get; init; }
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }
    public required OnUncertain OnUncertain { get; init; }

    /// <summary>To be sent with REQUIRETLS (RFC 8689) or not at all.</summary>
    public bool RequireTls { get; init; }

    /// <summary>The composed octets, unsigned.</summary>
    public required byte[] Content { get; init; }
    public required IReadOnlyList<AcceptedEnvelope> Envelopes { get; init; }
    public required DateTimeOffset? SendAt { get; init; }
    public required TimeSpan Lifetime { get; init; }
    public required IdempotencyKey? Idempotency { get; init; }

    /// <summary>The answer to store under the idempotency key.</summary>
    public required string Response { get; init; }
}

public sealed record AcceptedEnvelope(EnvelopeId Id, string Recipient, string RecipientDomain, bool NeedsSmtpUtf8);

/// <summary>The caller's <c>Idempotency-Key</c> and the SHA-256 of the body that came with it.</summary>
public sealed record IdempotencyKey(string Key, byte[] BodyHash);

/// <summary>What became of an <see cref="Acceptance"/>.</summary>
public abstract record AcceptResult
{
    /// <summary>Committed to disk.</summary>
    public sealed record Committed : AcceptResult;

    /// <summary>The key was used with the same body before: the first answer again.</summary>
    public sealed record Replayed(string Response) : AcceptResult;

    /// <summary>The key was used with another body before.</summary>
    public sealed record KeyReused : AcceptResult;

    /// <summary>Too much waits to be committed; nothing was accepted.</summary>
    public sealed record Full : AcceptResult;

    private AcceptResult() { }
}

/// <summary>Commits messages: one transaction holds the idempotency key, the message, its envelopes and their events.</summary>
internal sealed class Acceptor : IAsyncDisposable
{
    /// <summary>Octets of messages that may wait for their commit in this process.</summary>
    public const long WaitingBytesMax = 256L << 20;

    private const string FirstAnswer = "select body_hash, response from idempotency where tenant_id = @tenant and key = @key";

    private readonly Db db;
    private readonly Window window;
    private readonly Suspensions suspensions;
    private readonly Ringer ringer;
    private readonly RecentMessages recent;
    private readonly Batcher<Acceptance, AcceptResult> batcher;
    private long waitingBytes;

    public Acceptor(Db db, Window window, Suspensions suspensions, Ringer ringer, RecentMessages recent)
    {
        (this.db, this.window, this.suspensions, this.ringer, this.recent) = (db, window, suspensions, ringer, recent);
        batcher = new(lanes: db.Dialect.OneWriter ? 1 : 2, Commit, acceptance => acceptance.Content.Length);
    }

    /// <exception cref="DbException">The store is away: nothing is known to be accepted.</exception>
    public async Task<AcceptResult> Accept(Acceptance acceptance)
    {
        if (Interlocked.Add(ref waitingBytes, acceptance.Content.Length) > WaitingBytesMax)
        {
            Interlocked.Add(ref waitingBytes, -acceptance.Content.Length);
            return new AcceptResult.Full();
        }
        try
        {
            return batcher.TryAdd(acceptance) is { } committing ? await committing : new AcceptResult.Full();
        }
        catch (DbException e) when (Failures.IsDuplicate(e))
        {
            // A commit can land and be answered by an error all the same; tried again, it meets itself. Ids are made for each request: one that is there is this one's.
            if (!await IsCommitted(acceptance.Id)) throw;
            return new AcceptResult.Committed();
        }
        finally
        {
            Interlocked.Add(ref waitingBytes, -acceptance.Content.Length);
        }
    }

    public ValueTask DisposeAsync() => batcher.DisposeAsync();

    private async Task<bool> IsCommitted(MessageId id) =>
        (await db.Query("select 1 from messages where id = @id", row => row.GetInt32(0), CancellationToken.None, ("id", id.Value))).Count > 0;

    private async Task<IReadOnlyList<AcceptResult>> Commit(IReadOnlyList<Acceptance> batch)
    {
        var rung = new List<(Acceptance Acceptance, DoorbellEntry Entry)>();
        var results = await db.Write<IReadOnlyList<AcceptResult>>(async transaction =>
        {
            var earlier = await ClaimKeys(transaction, batch);
            var (statements, events) = (new List<Statement>(), new EventBatch());
            foreach (var acceptance in batch)
                if (!earlier.ContainsKey(acceptance.Id)) statements.AddRange(Insert(acceptance, rung, events));
            statements.AddRange(events.Deliveries());
            await transaction.Run(statements, onRow: null, CancellationToken.None);
            CrashPoint.Pass("before-accept-commit");
            return [.. batch.Select(acceptance => earlier.GetValueOrDefault(acceptance.Id) ?? new AcceptResult.Committed())];
        }, CancellationToken.None);

        CrashPoint.Pass("after-accept-commit");
        foreach (var group in rung.GroupBy(it => it.Acceptance.Id)) recent.Keep(group.Key, ToClaimed(group.First().Acceptance), group.Count());
        foreach (var (acceptance, entry) in rung) ringer.Ring(acceptance.Category, entry);
        return results;
    }

    /// <summary>What the first message under a key got, or that its key stands for another body; null where there is none yet.</summary>
    public async Task<AcceptResult?> Find(TenantId tenant, IdempotencyKey key, CancellationToken ct) =>
        (await db.QueryAs(tenant, FirstAnswer, row => Earlier(row, key), ct, ("tenant", tenant.Value), ("key", key.Key))) is [var first] ? first : null;

    /// <summary>Claims the idempotency keys of the batch; answers for each message whose key was taken what its caller gets.</summary>
    private static async Task<Dictionary<MessageId, AcceptResult>> ClaimKeys(DbTransaction transaction, IReadOnlyList<Acceptance> batch)
    {
        var answers = new Dictionary<MessageId, AcceptResult>();
        // Sorted to the last, so that lanes and nodes that claim the same keys wait for each other in one order: tenants may choose the same text.
        var keyed = batch.Where(acceptance => acceptance.Idempotency is not null).OrderBy(acceptance => acceptance.Idempotency!.Key, StringComparer.Ordinal).ThenBy(acceptance => acceptance.Tenant.Value).ToList();
        if (keyed.Count == 0) return answers;

        var claimed = new HashSet<int>();
        await transaction.Run([.. keyed.Select(ClaimKey)], (index, _) => claimed.Add(index), CancellationToken.None);
        for (var index = 0; index < keyed.Count; index++)
        {
            if (claimed.Contains(index)) continue;
            var key = keyed[index].Idempotency!;
            var first = await transaction.Query(FirstAnswer, row => Earlier(row, key), CancellationToken.None, ("tenant", keyed[index].Tenant.Value), ("key", key.Key));
            answers[keyed[index].Id] = first[0];
        }
        return answers;
    }

    private static AcceptResult Earlier(DbDataReader row, IdempotencyKey key) =>
        CryptographicOperations.FixedTimeEquals(row.Bytes(0), key.BodyHash) ? new AcceptResult.Replayed(row.GetString(1)) : new AcceptResult.KeyReused();

    private static Statement ClaimKey(Acceptance acceptance) => new(
        """
        insert into idempotency (tenant_id, key, body_hash, message_id, response, created_at)
        values (@tenant, @key, @hash, @message, @response, now_ms())
        on conflict do nothing
        returning key
        """,
        ("tenant", acceptance.Tenant.Value), ("key", acceptance.Idempotency!.Key), ("hash", acceptance.Idempotency.BodyHash),
        ("message", acceptance.Id.Value), ("response", acceptance.Response));

    private static ClaimedMessage ToClaimed(Acceptance acceptance) =>
        new(acceptance.Domain, acceptance.OnUncertain, acceptance.RequireTls, acceptance.Content.Length, acceptance.Content.Length > Claims.ContentMax ? null : acceptance.Content);

    private IEnumerable<Statement> Insert(Acceptance acceptance, List<(Acceptance, DoorbellEntry)> rung, EventBatch events)
    {
        var sendAt = acceptance.SendAt?.ToUnixTimeMilliseconds();
        yield return InsertMessage(acceptance, sendAt);
        foreach (var tag in acceptance.Tags.Distinct(StringComparer.Ordinal))
            yield return new Statement(
                "insert into message_tags (tenant_id, tag, message_id) values (@tenant, @tag, @message)",
                ("tenant", acceptance.Tenant.Value), ("tag", tag), ("message", acceptance.Id.Value));

        var mayRing = sendAt is null && !suspensions.Holds(acceptance.Category, acceptance.Tenant, acceptance.Domain);
        var granted = mayRing ? window.Take(acceptance.Category, acceptance.Tenant, acceptance.Envelopes.Count) : 0;
        foreach (var envelope in acceptance.Envelopes)
        {
            var ring = granted-- > 0;
            if (ring) rung.Add((acceptance, new DoorbellEntry(envelope.Id.Value, 0, acceptance.Tenant.Value)));
            yield return InsertEnvelope(acceptance, envelope, ring, sendAt);
            yield return events.Append(acceptance.Tenant, EventType.MessageAccepted, Accepted(acceptance, envelope));
        }
    }

    private static Statement InsertMessage(Acceptance acceptance, long? sendAt) => new(
        """
        insert into messages (id, tenant_id, domain_id, domain, category, test, sender, subject, tags, metadata, on_uncertain, require_tls, topic, size, content, created_at, expires_at)
        values (@id, @tenant, @domainId, @domain, @category, @test, @sender, @subject, @tags, @metadata, @onUncertain, @requireTls, @topic, @size, @content,
                now_ms(), coalesce(cast(@sendAt as bigint), now_ms()) + @lifetime)
        """,
        ("id", acceptance.Id.Value), ("tenant", acceptance.Tenant.Value), ("domainId", acceptance.DomainId.Value), ("domain", acceptance.Domain),
        ("category", acceptance.Category.ToText()), ("test", acceptance.Test), ("sender", acceptance.Sender), ("subject", acceptance.Subject),
        ("tags", JsonText.From(acceptance.Tags)), ("metadata", JsonText.From(acceptance.Metadata)), ("onUncertain", acceptance.OnUncertain.ToText()),
        ("requireTls", acceptance.RequireTls), ("topic", acceptance.Topic), ("size", acceptance.Content.Length), ("content", acceptance.Content), ("sendAt", sendAt), ("lifetime", (long)acceptance.Lifetime.TotalMilliseconds));

    private static Statement InsertEnvelope(Acceptance acceptance, AcceptedEnvelope envelope, bool ring, long? sendAt) => new(
        """
        insert into envelopes (id, message_id, tenant_id, domain_id, category, test, recipient, recipient_domain, smtp_utf8, topic, state, due_at, seq, created_at, expires_at, updated_at)
        values (@id, @message, @tenant, @domain, @category, @test, @recipient, @recipientDomain, @utf8, @topic, @state,
                coalesce(cast(@sendAt as bigint), now_ms()) + @patience, 1, now_ms(), (select expires_at from messages where id = @message), now_ms())
        """,
        ("id", envelope.Id.Value), ("message", acceptance.Id.Value), ("tenant", acceptance.Tenant.Value), ("domain", acceptance.DomainId.Value),
        ("category", acceptance.Category.ToText()), ("test", acceptance.Test), ("recipient", envelope.Recipient), ("recipientDomain", envelope.RecipientDomain),
        ("utf8", envelope.NeedsSmtpUtf8), ("topic", acceptance.Topic), ("state", (ring ? EnvelopeState.Rung : EnvelopeState.Queued).ToText()), ("sendAt", sendAt),
        ("patience", ring ? (long)Ringer.Patience.TotalMilliseconds : 0L));

    private static EventData Accepted(Acceptance acceptance, AcceptedEnvelope envelope) => new()
    {
        Message = acceptance.Id,
        Envelope = envelope.Id,
        Recipient = envelope.Recipient,
        Category = acceptance.Category,
        Domain = acceptance.Domain,
        Attempt = 0,
        Seq = 1,
        Test = acceptance.Test ? true : null,
    };
}
