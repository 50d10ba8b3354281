using System.Data.Common;
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

/// <summary>What the recipient of a mail can choose.</summary>
/// <param name="IsSubscribed">Gets mail of its category.</param>
/// <param name="Topics">Those of the tenant, each with whether it is wanted; none where they hold nothing back.</param>
internal sealed record MailChoices(bool IsSubscribed, IReadOnlyList<(Topic Topic, bool IsWanted)> Topics);

/// <summary>Follows unsubscribe links.</summary>
internal sealed class UnsubscribeLinks(Db db, UnsubscribeToken tokens, Topics topics, PreferenceStore preferences, EventsAppended appended)
{
    /// <summary>Where a choice came from, in the list.</summary>
    private const string Source = "recipient";

    /// <summary>The mail behind a link, or null for a forged one or for mail that is no longer stored. Changes nothing.</summary>
    public async Task<LinkedMail?> Find(string token, CancellationToken ct) => tokens.TryRead(token, out var envelope) ? await Find(envelope, ct) : null;

    /// <summary>The same for the local part of the address beside the link.</summary>
    public async Task<LinkedMail?> FindByMailbox(string localPart, CancellationToken ct) => tokens.TryReadMailbox(localPart, out var envelope) ? await Find(envelope, ct) : null;

    /// <summary>What can be chosen now. Only marketing heeds topics (<see cref="SuppressionReason.TopicPreference"/>): other mail offers none.</summary>
    public async Task<MailChoices> Choices(LinkedMail mail, CancellationToken ct)
    {
        var found = await preferences.Find(mail.Tenant, mail.Recipient, ct);
        var offered = mail.Category == Category.Marketing ? await topics.List(mail.Tenant, ct) : [];
        return new MailChoices(found.Categories[mail.Category.ToText()], [.. offered.Select(topic => (topic, found.Topics.GetValueOrDefault(topic.Name!, true)))]);
    }

    /// <summary>Suppresses the recipient for the mail's category and tells the tenant, once however often it is called.</summary>
    public async Task<bool> Unsubscribe(LinkedMail mail, CancellationToken ct)
    {
        var isNew = await db.WriteAs(mail.Tenant, async transaction =>
        {
            var suppress = SuppressionList.Add(mail.Tenant, mail.Recipient, mail.Category, SuppressionReason.Unsubscribe, Source);
            if (await transaction.Execute(suppress.Sql, ct, suppress.Args) == 0) return false;
            await Tell(transaction, mail, topic: null, ct);
            return true;
        }, ct);
        if (isNew) appended();
        return isNew;
    }

    /// <summary>Undoes an unsubscription from the mail's category; what else keeps mail from the recipient stays.</summary>
    public Task Resubscribe(LinkedMail mail, CancellationToken ct) =>
        preferences.Choose(mail.Tenant, mail.Recipient, new Choices(new Dictionary<Category, bool> { [mail.Category] = true }, new Dictionary<string, bool>()), Source, ct);

    /// <summary>Of the topics that are offered the recipient wants those <paramref name="wanted"/>; the tenant is told of each that is no longer.</summary>
    public async Task ChooseTopics(LinkedMail mail, IReadOnlySet<string> wanted, CancellationToken ct)
    {
        var offered = (await Choices(mail, ct)).Topics.ToDictionary(choice => choice.Topic.Name!, choice => wanted.Contains(choice.Topic.Name!));
        var told = await db.WriteAs(mail.Tenant, async transaction =>
        {
            var refused = await PreferenceStore.Choose(transaction, mail.Tenant, mail.Recipient, new Choices(new Dictionary<Category, bool>(), offered), Source, ct);
            foreach (var refusal in refused) await Tell(transaction, mail, refusal.Topic, ct);
            return refused.Count;
        }, ct);
        if (told > 0) appended();
    }

    private async Task<LinkedMail?> Find(EnvelopeId envelope, CancellationToken ct)
    {
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

    /// <summary>About the recipient, not the envelope: it has no seq.</summary>
    private static Task Tell(DbTransaction transaction, LinkedMail mail, string? topic, CancellationToken ct) => transaction.Run(
        [.. EventLog.Append(mail.Tenant, EventType.RecipientUnsubscribed, new EventData
        {
            Message = mail.Message,
            Envelope = mail.Envelope,
            Recipient = mail.Recipient,
            Category = mail.Category,
            Domain = mail.Domain,
            Topic = topic,
            Test = mail.Test ? true : null,
        })], null, ct);
}
