using System.Data.Common;
using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Suppressions;

/// <summary>Which suppressions to show; null does not narrow.</summary>
internal sealed record SuppressionFilter(string? Address, Category? Category, SuppressionReason? Reason);

/// <summary>
/// A tenant's addresses that get no more mail. A hard bounce or a complaint is noted for every category, an unsubscription for its own;
/// which reasons then hold mail back is the category's rule.
/// </summary>
internal sealed class SuppressionList(Db db)
{
    /// <summary>The columns that <see cref="Read"/> expects.</summary>
    public const string Select = "select id, address, category, reason, source, created_at, expires_at, overridden_at, overridden_by, override_reason from suppressions";

    /// <summary>What holds nothing back any more is not shown either, while it waits for its removal.</summary>
    public const string NotLapsed = "(expires_at is null or expires_at > now_ms())";

    /// <summary>An entry that is there and holds for as long, or is the tenant's to override no longer: what is noted again is news.</summary>
    internal const string NotedAgain = $"""
        on conflict (tenant_id, address, category, reason) do update
        set source = excluded.source, created_at = excluded.created_at, overridden_at = null, overridden_by = null, override_reason = null, expires_at = {Later}
        where suppressions.overridden_at is not null or {Longer}
        """;

    /// <summary>The entry that is there would end before the new one.</summary>
    internal const string Longer = "(suppressions.expires_at is not null and (excluded.expires_at is null or excluded.expires_at > suppressions.expires_at))";

    internal const string Later = """
        case when excluded.expires_at is null or suppressions.expires_at is null then null
             when excluded.expires_at > suppressions.expires_at then excluded.expires_at else suppressions.expires_at end
        """;

    private const string Holds = $"overridden_at is null and {NotLapsed}";

    private const string OfList = $"select reason, category from suppressions where tenant_id = @tenant and address = @address and category in ('', @category) and {Holds}";

    /// <summary>The form in which addresses are stored and compared: receivers that tell <c>Ann</c> from <c>ann</c> are none in practice.</summary>
    public static string Key(string address) => address.ToLowerInvariant();

    /// <summary>Reads what may hold back mail of a category on a topic: each a reason, and a category or an empty text.</summary>
    public static Statement Entries(TenantId tenant, string address, Category category, string? topic) => topic is null
        ? new(OfList, ("tenant", tenant.Value), ("address", Key(address)), ("category", category.ToText()))
        : new(OfList + """

            union all select 'topicPreference', @category from topic_refusals where tenant_id = @tenant and address = @address and topic = @topic
            """, ("tenant", tenant.Value), ("address", Key(address)), ("category", category.ToText()), ("topic", topic));

    /// <summary>
    /// The reason among <paramref name="entries"/> why an address gets no mail, or null when it may. A manual entry counts whatever
    /// <paramref name="suppressedBy"/> says, and so does an unsubscription from this very category: its mail carried the link (RFC 8058).
    /// </summary>
    public static SuppressionReason? Holding(IEnumerable<(SuppressionReason Reason, bool OfCategory)> entries, IReadOnlySet<SuppressionReason> suppressedBy) => entries
        .Where(entry => suppressedBy.Contains(entry.Reason) || entry.Reason is SuppressionReason.Manual || (entry.OfCategory && entry.Reason is SuppressionReason.Unsubscribe))
        .Select(entry => (SuppressionReason?)entry.Reason)
        .Max();

    /// <summary>Why <paramref name="address"/> gets no mail of this category on this topic, or null when it may.</summary>
    public async Task<SuppressionReason?> Find(
        TenantId tenant, string address, Category category, string? topic, IReadOnlySet<SuppressionReason> suppressedBy, CancellationToken ct)
    {
        var statement = Entries(tenant, address, category, topic);
        var entries = await db.QueryAs(tenant, statement.Sql, row => (EnumText.Parse<SuppressionReason>(row.GetString(0)), row.GetString(1).Length > 0), ct, statement.Args);
        return Holding(entries, suppressedBy);
    }

    /// <summary>
    /// Notes an address, for every category when <paramref name="category"/> is null. An entry for the same reason that is already there stays; it holds
    /// for longer where this one does, and an override ends. Touches no row when nothing changes.
    /// </summary>
    public static Statement Add(TenantId tenant, string address, Category? category, SuppressionReason reason, string source, DateTimeOffset? expiresAt = null) =>
        Add(PrefixedId.New<SuppressionId>(), tenant, address, category, reason, source, expiresAt);

    /// <summary>Notes an address and answers its entry; <c>Created</c> is false for one that was there.</summary>
    public async Task<(Suppression Entry, bool Created)> Add(
        TenantId tenant, string address, Category? category, SuppressionReason reason, string source, DateTimeOffset? expiresAt, CancellationToken ct)
    {
        var id = PrefixedId.New<SuppressionId>();
        var entry = await db.WriteAs(tenant, async transaction =>
        {
            await transaction.Run([Add(id, tenant, address, category, reason, source, expiresAt)], null, ct);
            var found = await transaction.Query(Select + " where tenant_id = @tenant and address = @address and category = @category and reason = @reason", Read, ct,
                ("tenant", tenant.Value), ("address", Key(address)), ("category", Text(category)), ("reason", reason.ToText()));
            Act.Concerns(tenant, found[0].Id.ToString());
            return found[0];
        }, ct);
        return (entry, entry.Id == id);
    }

    /// <summary>A tenant's entries, newest first, from before <paramref name="before"/>.</summary>
    public Task<List<Suppression>> List(TenantId tenant, SuppressionFilter filter, Guid before, int limit, CancellationToken ct) =>
        db.QueryAs(tenant, Select + $"""

            where tenant_id = @tenant and id < @before and {NotLapsed}
              and (cast(@address as text) is null or address = @address)
              and (cast(@category as text) is null or category = @category)
              and (cast(@reason as text) is null or reason = @reason)
            order by id desc
            limit @limit
            """, Read, ct,
            ("tenant", tenant.Value), ("before", before), ("limit", limit), ("address", filter.Address is { } address ? Key(address) : null),
            ("category", filter.Category?.ToText()), ("reason", filter.Reason?.ToText()));

    /// <summary>A tenant's entries, oldest first, from after <paramref name="after"/>.</summary>
    public Task<List<Suppression>> ListOldest(TenantId tenant, Guid after, int limit, CancellationToken ct) =>
        db.QueryAs(tenant, $"{Select} where tenant_id = @tenant and id > @after and {NotLapsed} order by id limit @limit", Read, ct,
            ("tenant", tenant.Value), ("after", after), ("limit", limit));

    /// <summary>Lets mail through in spite of an entry, on the tenant's word; null when the tenant has no such entry.</summary>
    public Task<Suppression?> Override(TenantId tenant, SuppressionId id, string by, string reason, CancellationToken ct) => Change(tenant, id,
        "update suppressions set overridden_at = now_ms(), overridden_by = @by, override_reason = @reason where id = @id and tenant_id = @tenant", ct, ("by", by), ("reason", reason));

    /// <summary>Lets an entry hold mail back again; null when the tenant has no such entry.</summary>
    public Task<Suppression?> EndOverride(TenantId tenant, SuppressionId id, CancellationToken ct) => Change(tenant, id,
        "update suppressions set overridden_at = null, overridden_by = null, override_reason = null where id = @id and tenant_id = @tenant", ct);

    /// <summary>Null when the tenant has no such entry.</summary>
    public async Task<Suppression?> Find(TenantId tenant, SuppressionId id, CancellationToken ct) =>
        await db.QueryAs(tenant, $"{Select} where id = @id and tenant_id = @tenant and {NotLapsed}", Read, ct, ("id", id.Value), ("tenant", tenant.Value)) is [var entry] ? entry : null;

    /// <summary>False when the tenant has no such entry.</summary>
    public async Task<bool> Remove(TenantId tenant, SuppressionId id, CancellationToken ct) =>
        await db.ExecuteAs(tenant, "delete from suppressions where id = @id and tenant_id = @tenant", ct, ("id", id.Value), ("tenant", tenant.Value)) > 0;

    /// <summary>A category, or an empty text for all of them.</summary>
    internal static string Text(Category? category) => category?.ToText() ?? "";

    private Task<Suppression?> Change(TenantId tenant, SuppressionId id, string sql, CancellationToken ct, params (string Name, object? Value)[] args) => db.WriteAs(tenant, async transaction =>
    {
        await transaction.Execute(sql, ct, [("id", id.Value), ("tenant", tenant.Value), .. args]);
        var found = await transaction.Query($"{Select} where id = @id and tenant_id = @tenant and {NotLapsed}", Read, ct, ("id", id.Value), ("tenant", tenant.Value));
        return found is [var entry] ? entry : null;
    }, ct);

    private static Statement Add(SuppressionId id, TenantId tenant, string address, Category? category, SuppressionReason reason, string source, DateTimeOffset? expiresAt) => new($"""
        insert into suppressions (id, tenant_id, address, category, reason, source, created_at, expires_at)
        values (@id, @tenant, @address, @category, @reason, @source, now_ms(), @expiresAt)
        {NotedAgain}
        """,
        ("id", id.Value), ("tenant", tenant.Value), ("address", Key(address)), ("category", Text(category)), ("reason", reason.ToText()), ("source", source),
        ("expiresAt", expiresAt?.ToUnixTimeMilliseconds()));

    private static Suppression Read(DbDataReader row) => new()
    {
        Id = new SuppressionId(row.GetGuid(0)),
        Address = row.GetString(1),
        Category = row.GetString(2) is { Length: > 0 } category ? EnumText.Parse<Category>(category) : null,
        Reason = EnumText.Parse<SuppressionReason>(row.GetString(3)),
        Source = row.GetString(4),
        Since = row.Instant(5),
        ExpiresAt = row.InstantOrNull(6),
        Override = row.InstantOrNull(7) is { } at ? new SuppressionOverride(at, row.GetString(8), row.GetString(9)) : null,
    };
}
