using MailApi.Api;
using MailApi.Events;
using MailApi.Storage;

namespace MailApi.Suppressions;

/// <summary>The mail that an unsubscribe link stands in.</summary>
internal sealed record LinkedMail
{
    public required EnvelopeId Envelope { get; init; }
    public required MessageId Message { get; init; }
    public required TenantId Tenant { get; init; }
    public required Category Category { get; init; }
    public required bool Test { get; init; }
    public required string Recipient { get; init; }

    /// <summary>The sending domain; null once it is removed.</summary>
    public required string? Domain { get; init; }
}

/// <summary>Follows unsubscribe links.</summary>
internal sealed class UnsubscribeLinks(Db db, UnsubscribeToken tokens)
{
    /// <summary>The mail behind a link, or null for a forged one or for mail that is no longer stored. Changes nothing.</summary>
    public async Task<LinkedMail?> Find(string token, CancellationToken ct)
    {
        if (!tokens.TryRead(token, out var envelope)) return null;
        var found = await db.Query("""
            select e.message_id, e.tenant_id, e.category, e.test, e.recipient, d.name
            from envelopes e left join domains d on d.id = e.domain_id
            where e.id = @envelope
            """,
            row => new LinkedMail
            {
                Envelope = envelope,
                Message = new MessageId(row.GetGuid(0)),
                Tenant = new TenantId(row.GetGuid(1)),
                Category = EnumText.Parse<Category>(row.GetString(2)),
                Test = row.GetBoolean(3),
                Recipient = row.GetString(4),
                Domain = row.TextOrNull(5),
            }, ct, ("envelope", envelope.Value));
        return found is [var mail] ? mail : null;
    }

    /// <summary>Suppresses the recipient for the mail's category and tells the tenant, once however often it is called.</summary>
    public Task<bool> Unsubscribe(LinkedMail mail, CancellationToken ct) => db.Write(async transaction =>
    {
        var suppress = SuppressionList.Add(mail.Tenant, mail.Recipient, mail.Category, SuppressionReason.Unsubscribe, "recipient");
        if (await transaction.Execute(suppress.Sql, ct, suppress.Args) == 0) return false;

        // About the recipient, not the envelope: it has no seq.
        await transaction.Run([.. EventLog.Append(mail.Tenant, EventType.RecipientUnsubscribed, new EventData
        {
            Message = mail.Message,
            Envelope = mail.Envelope,
            Recipient = mail.Recipient,
            Category = mail.Category,
            Domain = mail.Domain,
            Test = mail.Test ? true : null,
        })], null, ct);
        return true;
    }, ct);
}
