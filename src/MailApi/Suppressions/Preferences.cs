using System.Data.Common;
using MailApi.Api;
using MailApi.Events;
using MailApi.Storage;

namespace MailApi.Suppressions;

/// <summary>What a recipient wants of a tenant.</summary>
internal sealed record Preferences
{
    /// <summary>In lower case.</summary>
    public required string Address { get; init; }

    /// <summary>Each category: false where the recipient unsubscribed from it.</summary>
    public required IReadOnlyDictionary<string, bool> Categories { get; init; }

    /// <summary>Each topic of the tenant: false where the recipient does not want it.</summary>
    public required IReadOnlyDictionary<string, bool> Topics { get; init; }
}

/// <summary>Choices to be made; what is not named stays as it is.</summary>
internal sealed record Choices(IReadOnlyDictionary<Category, bool> Categories, IReadOnlyDictionary<string, bool> Topics);

/// <summary>What a recipient did want until now and wants no more: a category, or a topic within it.</summary>
internal readonly record struct Refusal(Category Category, string? Topic);

/// <summary>
/// What recipients chose: of categories in the suppression list, where an unsubscription is one reason of several and the only one that a choice can undo;
/// of topics beside it.
/// </summary>
internal sealed class PreferenceStore(Db db, Topics topics, EventsAppended appended)
{
    private const string Unsubscriptions = """
        select category from suppressions
        where tenant_id = @tenant and address = @address and reason = 'unsubscribe' and overridden_at is null and (expires_at is null or expires_at > now_ms())
        """;

    public async Task<Preferences> Find(TenantId tenant, string address, CancellationToken ct)
    {
        (string, object?)[] args = [("tenant", tenant.Value), ("address", SuppressionList.Key(address))];
        var unsubscribed = await db.QueryAs(tenant, Unsubscriptions, row => row.GetString(0), ct, args);
        var refused = await db.QueryAs(tenant, "select topic from topic_refusals where tenant_id = @tenant and address = @address", row => row.GetString(0), ct, args);
        // An unsubscription from everything is heeded where the category's rules heed any: in marketing. From a category it counts in that one, as in SuppressionList.Holding.
        bool IsHeld(Category category) => unsubscribed.Contains(category.ToText()) || (category == Category.Marketing && unsubscribed.Contains(""));
        return new Preferences
        {
            Address = SuppressionList.Key(address),
            Categories = Enum.GetValues<Category>().ToDictionary(category => category.ToText(), category => !IsHeld(category)),
            Topics = (await topics.List(tenant, ct)).ToDictionary(topic => topic.Name!, topic => !refused.Contains(topic.Name!)),
        };
    }

    /// <summary>The tenant is told of each refusal, as it is when the recipient follows a link: of no mail in particular.</summary>
    public async Task Choose(TenantId tenant, string address, Choices choices, string source, CancellationToken ct)
    {
        var told = await db.WriteAs(tenant, async transaction =>
        {
            var refused = await Choose(transaction, tenant, address, choices, source, ct);
            await transaction.Run([.. refused.SelectMany(refusal => EventLog.Append(
                tenant, EventType.RecipientUnsubscribed, new EventData { Recipient = address, Category = refusal.Category, Topic = refusal.Topic }))], null, ct);
            return refused.Count;
        }, ct);
        if (told > 0) appended();
    }

    /// <summary>Tells nobody.</summary>
    public static async Task<IReadOnlyList<Refusal>> Choose(
        DbTransaction transaction, TenantId tenant, string address, Choices choices, string source, CancellationToken ct)
    {
        var refused = new List<Refusal>();
        foreach (var category in choices.Categories.Where(choice => !choice.Value).Select(choice => choice.Key))
        {
            var suppress = SuppressionList.Add(tenant, address, category, SuppressionReason.Unsubscribe, source);
            if (await transaction.Execute(suppress.Sql, ct, suppress.Args) > 0) refused.Add(new Refusal(category, null));
        }
        await Resubscribe(transaction, tenant, address, [.. choices.Categories.Where(choice => choice.Value).Select(choice => choice.Key)], source, ct);

        foreach (var (topic, wanted) in choices.Topics)
        {
            (string, object?)[] args = [("tenant", tenant.Value), ("address", SuppressionList.Key(address)), ("topic", topic)];
            if (wanted) await transaction.Execute("delete from topic_refusals where tenant_id = @tenant and address = @address and topic = @topic", ct, args);
            else if (await transaction.Execute("""
                insert into topic_refusals (tenant_id, address, topic, source, created_at) values (@tenant, @address, @topic, @source, now_ms()) on conflict do nothing
                """, ct, [.. args, ("source", source)]) > 0) refused.Add(new Refusal(Category.Marketing, topic));
        }
        return refused;
    }

    /// <summary>Who unsubscribed from everything and wants one category again is still unsubscribed from the others.</summary>
    private static async Task Resubscribe(DbTransaction transaction, TenantId tenant, string address, IReadOnlyList<Category> categories, string source, CancellationToken ct)
    {
        if (categories.Count == 0) return;
        const string Delete = "delete from suppressions where tenant_id = @tenant and address = @address and reason = 'unsubscribe' and category = @category";
        (string, object?)[] args = [("tenant", tenant.Value), ("address", SuppressionList.Key(address))];
        foreach (var category in categories) await transaction.Execute(Delete, ct, [.. args, ("category", category.ToText())]);

        var everything = await transaction.Query(Unsubscriptions + " and category = ''", row => 0, ct, args);
        if (everything.Count == 0) return;
        await transaction.Execute(Delete, ct, [.. args, ("category", "")]);
        foreach (var other in Enum.GetValues<Category>().Except(categories))
            await transaction.Run([SuppressionList.Add(tenant, address, other, SuppressionReason.Unsubscribe, source)], null, ct);
    }
}
