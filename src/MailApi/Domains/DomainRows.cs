using System.Data.Common;
using System.Runtime.CompilerServices;
using System.Text.Json;
using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Domains;

/// <summary>Reads registered domains.</summary>
internal sealed class DomainRows(Db db)
{
    private const int PageRows = 500;

    private const string Select = """
        select id, tenant_id, name, state, verification, categories, rate_per_second, rate_burst, ownership_token, created_at, checked_at,
            observed, failures, extras, rotate_after_days
        from domains
        """;

    /// <summary>A domain of <paramref name="tenant"/>, or of any tenant when that is null: for the operator alone.</summary>
    public async Task<Domain?> Find(DomainId id, TenantId? tenant, CancellationToken ct)
    {
        var domain = tenant is { } one
            ? await db.QueryAs(one, Select + " where id = @id and tenant_id = @tenant", Read, ct, ("id", id.Value), ("tenant", one.Value))
            : await db.Query(Select + " where id = @id", Read, ct, ("id", id.Value));
        return domain is [var found] ? (await WithKeys([found], found.Tenant, ct))[0] : null;
    }

    /// <summary>A tenant's domains, newest first, from before <paramref name="before"/>.</summary>
    public async Task<IReadOnlyList<Domain>> List(TenantId tenant, Guid before, int limit, CancellationToken ct)
    {
        var page = await db.QueryAs(tenant, Select + " where tenant_id = @tenant and id < @before order by id desc limit @limit", Read, ct,
            ("tenant", tenant.Value), ("before", before), ("limit", limit));
        return await WithKeys(page, tenant, ct);
    }

    /// <summary>Every domain of every tenant, a page at a time.</summary>
    public async IAsyncEnumerable<Domain> All([EnumeratorCancellation] CancellationToken ct)
    {
        foreach (var tenant in await db.Query("select distinct tenant_id from domains", row => new TenantId(row.GetGuid(0)), ct))
        {
            var before = Guid.AllBitsSet;
            while (await List(tenant, before, PageRows, ct) is { Count: > 0 } page)
            {
                foreach (var domain in page) yield return domain;
                before = page[^1].Id.Value;
            }
        }
    }

    /// <summary>Whether a name is the policy host of a domain that asked for MTA-STS.</summary>
    public async Task<bool> HasMtaSts(string policyHost, CancellationToken ct)
    {
        var prefix = DomainRecords.PolicyHost("");
        if (!policyHost.StartsWith(prefix, StringComparison.Ordinal)) return false;
        var extras = await db.Query("select extras from domains where name = @name and state <> 'pending'", row => row.GetString(0), ct, ("name", policyHost[prefix.Length..]));
        return extras.Any(json => JsonSerializer.Deserialize(json, DomainJson.Default.DomainExtras)!.MtaSts == true);
    }

    /// <summary>Adds the keys to a page of domains, whose ids are a range: two statements, whatever the page's length.</summary>
    private async Task<IReadOnlyList<Domain>> WithKeys(List<Domain> page, TenantId tenant, CancellationToken ct)
    {
        if (page.Count == 0) return page;
        var keys = await db.QueryAs(tenant, $"""
            select domain_id, {DkimKeys.Columns}
            from dkim_keys
            where tenant_id = @tenant and domain_id between @first and @last
            order by created_at, selector
            """, row => (Domain: row.GetGuid(0), Key: DkimKeys.Read(row, first: 1)), ct,
            ("tenant", tenant.Value), ("first", page[^1].Id.Value), ("last", page[0].Id.Value));
        var byDomain = keys.ToLookup(pair => pair.Domain, pair => pair.Key);
        return [.. page.Select(domain => domain with { Keys = [.. byDomain[domain.Id.Value]] })];
    }

    private static Domain Read(DbDataReader row) => new()
    {
        Id = new DomainId(row.GetGuid(0)),
        Tenant = new TenantId(row.GetGuid(1)),
        Name = row.GetString(2),
        State = EnumText.Parse<DomainState>(row.GetString(3)),
        Verification = EnumText.Parse<Verification>(row.GetString(4)),
        Categories = [.. row.Texts(5).Select(EnumText.Parse<Category>)],
        Rate = new SendingRate(row.GetDouble(6), row.GetInt32(7)),
        OwnershipToken = row.GetString(8),
        CreatedAt = row.Instant(9),
        CheckedAt = row.InstantOrNull(10),
        Observed = row.TextOrNull(11) is { } observed ? JsonSerializer.Deserialize(observed, DomainJson.Default.Observations) : null,
        Failures = row.GetInt32(12),
        Extras = JsonSerializer.Deserialize(row.GetString(13), DomainJson.Default.DomainExtras)!,
        RotateAfterDays = row.IntOrNull(14),
    };
}
