using System.Data.Common;
using System.Globalization;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Events;
using MailApi.Mail.Bounces;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>A message as <c>GET /messages</c> lists it.</summary>
public sealed record MessageSummary
{
    public required MessageId Id { get; init; }
    public required Category Category { get; init; }
    public required string Domain { get; init; }
    public required string From { get; init; }
    public required string Subject { get; init; }
    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>What it is about, by the tenant's name for it.</summary>
    public string? Topic { get; init; }
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>Octets of the composed message, unsigned.</summary>
    public required int Size { get; init; }
    public required bool Test { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
    public IReadOnlyList<RecipientView> Recipients { get; init; } = [];

    /// <summary>The timeline, oldest first; on <c>GET /messages/{id}</c> only.</summary>
    public IReadOnlyList<Event>? Events { get; init; }
}

/// <summary>An envelope as the outside sees it.</summary>
public sealed record RecipientView
{
    public required EnvelopeId Id { get; init; }
    public required string Address { get; init; }
    public required EnvelopeState State { get; init; }

    /// <summary>Conversations with a receiver so far.</summary>
    public required int Attempts { get; init; }

    /// <summary>The last reply; code 0 where no receiver spoke, null before the first attempt.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required EventReply? Reply { get; init; }

    /// <summary>What kind of refusal the reply of a bounced recipient is.</summary>
    public BounceClass? Class { get; init; }

    /// <summary>Of a bounced recipient: whether trying again is of no use. Absent of one that bounced before this was recorded.</summary>
    public bool? Hard { get; init; }

    /// <summary>An attempt ended without an answer after its final dot: the receiver may hold a copy.</summary>
    public required bool DuplicatePossible { get; init; }

    /// <summary>When it is next due, while it waits. Absent also while the operator decides about mail that may have left before the store was restored from a backup.</summary>
    public required DateTimeOffset? NextAttemptAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>What <c>GET /messages</c> can be narrowed by; null is "any".</summary>
public sealed record MessageFilter
{
    public EnvelopeState? State { get; init; }
    public Category? Category { get; init; }
    public string? Domain { get; init; }
    public string? Recipient { get; init; }
    public string? Tag { get; init; }
    public DateTimeOffset? From { get; init; }
    public DateTimeOffset? To { get; init; }
}

/// <summary>Reads messages for their tenant, and calls them back.</summary>
internal sealed class Messages(Db db, EventsAppended appended)
{
    /// <summary>The clocks of this program and of its database are never so far apart.</summary>
    private static readonly TimeSpan ClocksApart = TimeSpan.FromDays(1);

    private const string Columns = "id, category, domain, sender, subject, tags, metadata, size, test, created_at, expires_at, topic";

    public async Task<MessageSummary?> Find(TenantId tenant, MessageId id, CancellationToken ct)
    {
        var found = await db.QueryAs(
            tenant, $"select {Columns} from messages where tenant_id = @tenant and id = @id", ReadMessage, ct, ("tenant", tenant.Value), ("id", id.Value));
        if (found.Count == 0) return null;

        // States before events: whoever waits for a state finds the event that tells of it.
        var shown = (await WithRecipients(tenant, found, ct))[0];
        var events = await db.QueryAs(
            tenant, $"select {EventLog.Columns} from events e join messages m on m.id = e.message_id where e.tenant_id = @tenant and e.message_id = @id order by e.position",
            EventLog.Read, ct, ("tenant", tenant.Value), ("id", id.Value));
        return shown with { Events = events };
    }

    /// <summary>Newest first. <paramref name="before"/> is the id of the last message of the page before.</summary>
    public async Task<IReadOnlyList<MessageSummary>> List(TenantId tenant, MessageFilter filter, MessageId? before, int limit, CancellationToken ct)
    {
        var conditions = new List<string> { "tenant_id = @tenant" };
        var args = new List<(string, object?)> { ("tenant", tenant.Value), ("limit", limit) };
        Narrow("id < @before", "before", before?.Value);
        Narrow("category = @category", "category", filter.Category?.ToText());
        Narrow("domain = @domain", "domain", filter.Domain);
        Narrow("created_at >= @from", "from", filter.From?.ToUnixTimeMilliseconds());
        Narrow("created_at < @to", "to", filter.To?.ToUnixTimeMilliseconds());
        // Ids begin with the time of their making by this program's clock, and are in the index.
        Narrow("id >= @first", "first", filter.From is { } from ? PrefixedId.FirstAt(from, -ClocksApart) : null);
        Narrow("id < @last", "last", filter.To is { } to ? PrefixedId.FirstAt(to, ClocksApart) : null);
        Narrow("id in (select message_id from message_tags where tenant_id = @tenant and tag = @tag)", "tag", filter.Tag);
        Narrow("id in (select message_id from envelopes where tenant_id = @tenant and recipient = @recipient)", "recipient", filter.Recipient);
        if (filter.State is { } state) conditions.Add($"exists (select 1 from envelopes e where e.message_id = messages.id and {InState(state)})");

        var found = await db.QueryAs(
            tenant, $"select {Columns} from messages where {string.Join(" and ", conditions)} order by id desc limit @limit", ReadMessage, ct, [.. args]);
        return await WithRecipients(tenant, found, ct);

        void Narrow(string condition, string name, object? value)
        {
            if (value is null) return;
            conditions.Add(condition);
            args.Add((name, value));
        }
    }

    /// <summary>Cancels what has not left; what is being sent goes on. Null when there is no such message.</summary>
    public async Task<MessageSummary?> Cancel(TenantId tenant, MessageId id, CancellationToken ct)
    {
        await db.WriteAs(tenant, async transaction =>
        {
            var canceled = await transaction.Query(
                """
                update envelopes set state = 'canceled', seq = seq + 1, updated_at = now_ms()
                where message_id = @id and tenant_id = @tenant and state in ('queued', 'rung', 'deferred')
                returning id
                """, row => row.GetGuid(0), ct, ("id", id.Value), ("tenant", tenant.Value));
            foreach (var envelope in canceled)
            {
                var (_, data) = (await transaction.Query(EnvelopeEvents.Select + " where e.id = @id", EnvelopeEvents.Read, ct, ("id", envelope)))[0];
                await transaction.Run([.. EventLog.Append(tenant, EventType.MessageCanceled, data)], onRow: null, ct);
            }
            return canceled.Count;
        }, ct);
        appended();
        return await Find(tenant, id, ct);
    }

    private async Task<List<MessageSummary>> WithRecipients(TenantId tenant, List<MessageSummary> messages, CancellationToken ct)
    {
        if (messages.Count == 0) return messages;
        var names = messages.Select((_, index) => "m" + index.ToString(CultureInfo.InvariantCulture)).ToList();
        var recipients = await db.QueryAs(
            tenant,
            $"""
            select message_id, id, recipient, state, tries, reply_code, reply_enhanced, reply_text, reply_mx, duplicate_possible, due_at, updated_at, bounce_class, bounce_hard
            from envelopes where tenant_id = @tenant and message_id in ({string.Join(", ", names.Select(name => "@" + name))}) order by id
            """, row => (Message: new MessageId(row.GetGuid(0)), View: ReadRecipient(row)), ct,
            [("tenant", tenant.Value), .. messages.Select((message, index) => (names[index], (object?)message.Id.Value))]);
        var byMessage = recipients.ToLookup(recipient => recipient.Message, recipient => recipient.View);
        return [.. messages.Select(message => message with { Recipients = [.. byMessage[message.Id]] })];
    }

    private static string InState(EnvelopeState state) => state switch
    {
        EnvelopeState.Queued => "(e.state = 'queued' or (e.state = 'rung' and e.tries = 0))",
        EnvelopeState.Deferred => "(e.state = 'deferred' or (e.state = 'rung' and e.tries > 0))",
        _ => $"e.state = '{state.ToText()}'",
    };

    private static MessageSummary ReadMessage(DbDataReader row) => new()
    {
        Id = new MessageId(row.GetGuid(0)),
        Category = EnumText.Parse<Category>(row.GetString(1)),
        Domain = row.GetString(2),
        From = row.GetString(3),
        Subject = row.GetString(4),
        Tags = row.Texts(5),
        Metadata = JsonText.Map(row.GetString(6)),
        Size = row.GetInt32(7),
        Test = row.GetBoolean(8),
        CreatedAt = row.Instant(9),
        ExpiresAt = row.Instant(10),
        Topic = row.TextOrNull(11),
    };

    private static RecipientView ReadRecipient(DbDataReader row)
    {
        var state = EnvelopeStates.Shown(EnumText.Parse<EnvelopeState>(row.GetString(3)), row.GetInt32(4));
        return new RecipientView
        {
            Id = new EnvelopeId(row.GetGuid(1)),
            Address = row.GetString(2),
            State = state,
            Attempts = row.GetInt32(4),
            Reply = row.IsDBNull(5) ? null : new EventReply(row.GetInt32(5), row.TextOrNull(6), row.TextOrNull(7) ?? "", row.TextOrNull(8)),
            Class = row.TextOrNull(12) is { } name && BounceClasses.TryParse(name, out var kind) ? kind : null,
            Hard = row.IsDBNull(13) ? null : row.GetBoolean(13),
            DuplicatePossible = row.GetBoolean(9),
            NextAttemptAt = state is EnvelopeState.Queued or EnvelopeState.Deferred && row.GetInt64(10) != HeldMail.Never ? row.Instant(10) : null,
            UpdatedAt = row.Instant(11),
        };
    }
}
