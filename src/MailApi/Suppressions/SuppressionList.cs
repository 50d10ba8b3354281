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
    private const string Select = "select id, address, category, reason, source, created_at from suppressions";

    /// <summary>The form in which addresses are stored and compared: receivers that tell <c>Ann</c> from <c>ann</c> are none in practice.</summary>
    public static string Key(string address) => address.ToLowerInvariant();

    /// <summary>Reads the entries that may hold back mail of a category: each a reason, and a category or an empty text.</summary>
    public static Statement Entries(TenantId tenant, string address, Category category) => new(
        "select reason, category from suppressions where tenant_id = @tenant and address = @address and category in ('', @category)",
        ("tenant", tenant.Value), ("address", Key(address)), ("category", category.ToText()));

    /// <summary>
    /// The reason among <paramref name="entries"/> why an address gets no mail, or null when it may. A manual entry counts whatever
    /// <paramref name="suppressedBy"/> says, and so does an unsubscription from this very category: its mail carried the link (RFC 8058).
    /// </summary>
    public static SuppressionReason? Holding(IEnumerable<(SuppressionReason Reason, bool OfCategory)> entries, IReadOnlySet<SuppressionReason> suppressedBy) => entries
        .Where(entry => suppressedBy.Contains(entry.Reason) || entry.Reason is SuppressionReason.Manual || (entry.OfCategory && entry.Reason is SuppressionReason.Unsubscribe))
        .Select(entry => (SuppressionReason?)entry.Reason)
        .Max();

    /// <summary>Why <paramref name="address"/> gets no mail of this category, or null when it may.</summary>
    public async Task<SuppressionReason?> Find(TenantId tenant, string address, Category category, IReadOnlySet<SuppressionReason> suppressedBy, CancellationToken ct)
    {
        var statement = Entries(tenant, address, category);
        var entries = await db.QueryAs(tenant, statement.Sql, row => (EnumText.Parse<SuppressionReason>(row.GetString(0)), row.GetString(1).Length > 0), ct, statement.Args);
        return Holding(entries, suppressedBy);
    }

    /// <summary>
    /// Notes an address, for every category when <paramref name="category"/> is null. What is already there stays, unless this reason weighs
    /// more: else an unsubscription would hide a later hard bounce from the categories that heed only bounces. Touches no row when nothing changes.
    /// </summary>
    public static Statement Add(TenantId tenant, string address, Category? category, SuppressionReason reason, string source) =>
        Add(PrefixedId.New<SuppressionId>(), tenant, address, category, reason, source);

    /// <summary>Notes an address and answers its entry; <c>Created</c> is false for one that was there.</summary>
    public async Task<(Suppression Entry, bool Created)> Add(
        TenantId tenant, string address, Category? category, SuppressionReason reason, string source, CancellationToken ct)
    {
        var id = PrefixedId.New<SuppressionId>();
        var entry = await db.Write(async transaction =>
        {
            await transaction.Run([Add(id, tenant, address, category, reason, source)], null, ct);
            var found = await transaction.Query(Select + " where tenant_id = @tenant and address = @address and category = @category", Read, ct,
                ("tenant", tenant.Value), ("address", Key(address)), ("category", Text(category)));
            return found[0];
        }, ct);
        return (entry, entry.Id == id);
    }

    /// <summary>A tenant's entries, newest first, from before <paramref name="before"/>.</summary>
    public Task<List<Suppression>> List(TenantId tenant, SuppressionFilter filter, Guid before, int limit, CancellationToken ct) =>
        db.QueryAs(tenant, Select + """

            where tenant_id = @tenant and id < @before
              and (cast(@address as text) is null or address = @address)
              and (cast(@category as text) is null or category = @category)
              and (cast(@reason as text) is null or reason = @reason)
            order by id desc
            limit @limit
            """, Read, ct,
            ("tenant", tenant.Value), ("before", before), ("limit", limit), ("address", filter.Address is { } address ? Key(address) : null),
            ("category", filter.Category?.ToText()), ("reason", filter.Reason?.ToText()));

    /// <summary>False when the tenant has no such entry.</summary>
    public async Task<bool> Remove(TenantId tenant, SuppressionId id, CancellationToken ct) =>
        await db.Execute("delete from suppressions where id = @id and tenant_id = @tenant", ct, ("id", id.Value), ("tenant", tenant.Value)) > 0;

    private static Statement Add(SuppressionId id, TenantId tenant, string address, Category? category, SuppressionReason reason, string source) => new("""
        insert into suppressions (id, tenant_id, address, category, reason, source, created_at)
        values (@id, @tenant, @address, @category, @reason, @source, now_ms())
        on conflict (tenant_id, address, category) do update
        set reason = excluded.reason, source = excluded.source, created_at = excluded.created_at
        where case excluded.reason when 'manual' then 3 when 'hardBounce' then 2 when 'complaint' then 1 else 0 end
            > case suppressions.reason when 'manual' then 3 when 'hardBounce' then 2 when 'complaint' then 1 else 0 end
        """,
        ("id", id.Value), ("tenant", tenant.Value), ("address", Key(address)), ("category", Text(category)), ("reason", reason.ToText()), ("source", source));

    private static string Text(Category? category) => category?.ToText() ?? "";

    private static Suppression Read(DbDataReader row) => new()
    {
        Id = new SuppressionId(row.GetGuid(0)),
        Address = row.GetString(1),
        Category = row.GetString(2) is { Length: > 0 } category ? EnumText.Parse<Category>(category) : null,
        Reason = EnumText.Parse<SuppressionReason>(row.GetString(3)),
        Source = row.GetString(4),
        Since = row.Instant(5),
    };
}
