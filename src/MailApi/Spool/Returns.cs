using System.Data.Common;
using MailApi.Api;
using MailApi.Events;
using MailApi.Mail.Bounces;
using MailApi.Storage;

namespace MailApi.Spool;

/// <summary>What came back about an envelope after it had left. The set of cases is closed.</summary>
internal abstract record Return(EnvelopeId Envelope)
{
    /// <summary>The receiver, or one behind it, could not deliver what it had taken.</summary>
    public sealed record Bounce(EnvelopeId Envelope, EventReply Reply, BounceVerdict Verdict) : Return(Envelope);

    /// <summary>The recipient complains; <paramref name="FeedbackType"/> is of RFC 5965 §7.3.</summary>
    public sealed record Complaint(EnvelopeId Envelope, string FeedbackType) : Return(Envelope);

    /// <summary>What the envelope must be of for anything to change; null does not narrow.</summary>
    public Scope Of { get; init; }
}

/// <summary>The envelopes that an answer may be about.</summary>
/// <param name="Tenant">Whose they must be.</param>
/// <param name="Domain">Which they must have been sent from.</param>
/// <param name="Message">By its Message-ID: narrows only if there is one, since others' may look like ours.</param>
/// <param name="FeedbackOf">By its feedback id, which nobody else makes.</param>
/// <param name="Domains">The names of the domains, one of which they must have been sent from: what a key is bound to.</param>
/// <param name="TestOnly">What a test key sent, and nothing else.</param>
internal readonly record struct Scope(
    TenantId? Tenant = null, DomainId? Domain = null, MessageId? Message = null, MessageId? FeedbackOf = null, IReadOnlyList<string>? Domains = null, bool TestOnly = false);

/// <summary>What a return changed.</summary>
internal enum ReturnEffect
{
    /// <summary>State and event are committed.</summary>
    Recorded,

    /// <summary>It had come before, or the envelope has another end that stays.</summary>
    Nothing,

    /// <summary>The envelope is being sent at this moment: its outcome is not recorded yet, and the answer was faster.</summary>
    TooEarly,

    /// <summary>There is no such envelope, or it is another's.</summary>
    Unknown,

    /// <summary>It is a report, and its domain has got as many today as are taken. A repetition after an hour or more may fare better.</summary>
    TooMany,
}

/// <summary>
/// Records what comes back: a bounce turns <c>delivered</c>, or <c>unknown</c>, into <c>bounced</c>, a complaint is noted, each once, with event, webhook deliveries and suppression in one
/// transaction shared by all that wait at that moment.
/// </summary>
internal sealed class Returns : IAsyncDisposable
{
    private readonly Db db;
    private readonly SuppressBounced suppressBounced;
    private readonly SuppressComplained suppressComplained;
    private readonly EventsAppended appended;
    private readonly Batcher<Return, ReturnEffect> batcher;

    public Returns(Db db, SuppressBounced suppressBounced, SuppressComplained suppressComplained, EventsAppended appended)
    {
        (this.db, this.suppressBounced, this.suppressComplained, this.appended) = (db, suppressBounced, suppressComplained, appended);
        batcher = new(lanes: 1, Commit);
    }

    /// <summary>What it changed, once that is committed.</summary>
    /// <exception cref="DbException">The store is away; nothing is recorded.</exception>
    public Task<ReturnEffect> Record(Return what, CancellationToken ct) => batcher.Add(what, ct);

    /// <summary>The only envelope of a message, for answers that name no more than that; null where there are several, or none within the scope.</summary>
    public async Task<EnvelopeId?> OnlyEnvelopeOf(MessageId message, Scope of, CancellationToken ct) =>
        await db.Query($"select id from envelopes where message_id = @only and {Owned} limit 2", row => new EnvelopeId(row.GetGuid(0)), ct, [("only", message.Value), .. Named(of)]) is [var only] ? only : null;

    /// <summary>Whom an envelope is for, in lower-case A-labels; null where there is none within the scope.</summary>
    public async Task<string?> RecipientOf(EnvelopeId envelope, Scope of, CancellationToken ct) =>
        await db.Query($"select recipient from envelopes where id = @id and {Owned}", row => row.GetString(0), ct, [("id", envelope.Value), .. Named(of)]) is [var recipient] ? recipient : null;

    public ValueTask DisposeAsync() => batcher.DisposeAsync();

    private async Task<IReadOnlyList<ReturnEffect>> Commit(IReadOnlyList<Return> batch)
    {
        var effects = await db.Write<IReadOnlyList<ReturnEffect>>(async transaction =>
        {
            var changed = new (TenantId Tenant, EventData Data)?[batch.Count];
            await transaction.Run([.. batch.Select(Update)], (index, row) => changed[index] = EnvelopeEvents.Read(row), CancellationToken.None);

            await transaction.Run([.. batch.SelectMany((item, index) => changed[index] is var (tenant, data) ? Consequences(item, tenant, data) : [])], onRow: null, CancellationToken.None);
            var effects = new ReturnEffect[batch.Count];
            for (var index = 0; index < batch.Count; index++)
                effects[index] = changed[index] is null ? await WhyNot(transaction, batch[index]) : ReturnEffect.Recorded;
            return effects;
        }, CancellationToken.None);
        if (effects.Contains(ReturnEffect.Recorded)) appended();
        return effects;
    }

    /// <summary>Touches the row only when this is news. An envelope that a worker holds is left alone: its outcome comes first.</summary>
    private static Statement Update(Return item) => item switch
    {
        Return.Bounce bounce => new Statement($"""
            update envelopes set state = 'bounced', seq = seq + 1, updated_at = now_ms(), bounce_class = @class, bounce_hard = @hard,
                reply_code = @code, reply_enhanced = @enhanced, reply_text = @text, reply_mx = @mx
            where id = @id and state in ('delivered', 'unknown') and {Owned}
            {EnvelopeEvents.Returning}
            """, [.. Named(item), ("class", bounce.Verdict.Class.Name()), ("hard", bounce.Verdict.IsHard), ("code", bounce.Reply.Code), ("enhanced", bounce.Reply.Enhanced), ("text", bounce.Reply.Text), ("mx", bounce.Reply.Mx)]),
        _ => new Statement($"""
            update envelopes set complained = true, seq = seq + 1, updated_at = now_ms()
            where id = @id and state in ('delivered', 'bounced', 'unknown') and not complained and {Owned}
            {EnvelopeEvents.Returning}
            """, Named(item)),
    };

    private const string Owned = """
        (cast(@tenant as uuid) is null or tenant_id = @tenant) and (cast(@domain as uuid) is null or domain_id = @domain) 
        and (cast(@message as uuid) is null or message_id = @message or not exists (select 1 from messages m where m.id = @message))
        and (cast(@feedback_of as uuid) is null or message_id = @feedback_of)
        and (test or not @test_only)
        and (cast(@domains as text) is null or exists (select 1 from messages m where m.id = envelopes.message_id and replace(@domains, ' ' || m.domain || ' ', '') <> @domains))
        """;

    private static (string, object?)[] Named(Return item) => [("id", item.Envelope.Value), .. Named(item.Of)];

    /// <summary>No name holds a blank: each stands between two of them.</summary>
    private static (string, object?)[] Named(Scope of) =>
        [("tenant", of.Tenant?.Value), ("domain", of.Domain?.Value), ("message", of.Message?.Value), ("feedback_of", of.FeedbackOf?.Value), ("test_only", of.TestOnly),
            ("domains", of.Domains is { } names ? string.Concat(names.Select(name => $" {name} ")) : null)];

    /// <summary>Test mail went nowhere: what comes back to it is told, and is nothing to anybody's address.</summary>
    private IEnumerable<Statement> Consequences(Return item, TenantId tenant, EventData data) => item switch
    {
        Return.Bounce bounce =>
        [
            .. EventLog.Append(tenant, EventType.MessageBounced, data with { Reply = bounce.Reply, Class = bounce.Verdict.Class, Hard = bounce.Verdict.IsHard, Explanation = bounce.Verdict.Explanation }),
            .. data.Test == true ? [] : suppressBounced(tenant, item.Envelope, data.Recipient!, bounce.Verdict),
        ],
        Return.Complaint complaint =>
        [
            .. EventLog.Append(tenant, EventType.MessageComplained, data with { Reason = $"A feedback report of the type {complaint.FeedbackType} came in." }),
            .. data.Test == true ? [] : (Statement[])[suppressComplained(tenant, item.Envelope, data.Recipient!)],
        ],
        _ => [],
    };

    private static async Task<ReturnEffect> WhyNot(DbTransaction transaction, Return item) =>
        await transaction.Query($"select state, complained from envelopes where id = @id and {Owned}", row => (EnumText.Parse<EnvelopeState>(row.GetString(0)), row.GetBoolean(1)), CancellationToken.None, Named(item)) switch
        {
            [] => ReturnEffect.Unknown,
            [(EnvelopeState.Sending, _)] => ReturnEffect.TooEarly,
            // What the update would have touched: its outcome was recorded between the two statements.
            [(EnvelopeState.Delivered or EnvelopeState.Unknown, _)] when item is Return.Bounce => ReturnEffect.TooEarly,
            [(EnvelopeState.Delivered or EnvelopeState.Bounced or EnvelopeState.Unknown, false)] when item is Return.Complaint => ReturnEffect.TooEarly,
            _ => ReturnEffect.Nothing,
        };
}

/// <summary>The statement that puts a recipient who complained on its tenant's suppression list.</summary>
public delegate Statement SuppressComplained(TenantId tenant, EnvelopeId envelope, string recipient);
