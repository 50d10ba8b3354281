using System.Data.Common;
using MailApi.Api;
using MailApi.Mail.Bounces;
using MailApi.Storage;

namespace MailApi.Statistics;

/// <summary>Reads what was counted.</summary>
internal sealed class StatisticsTable(Db db)
{
    private static readonly DateOnly Epoch = new(1970, 1, 1);
    private static readonly StatisticsDimension[] Dimensions = Enum.GetValues<StatisticsDimension>();
    private static readonly StatisticsKind[] Kinds = Enum.GetValues<StatisticsKind>();
    private static readonly BounceClass[] Classes = Enum.GetValues<BounceClass>();

    /// <summary>One column a kind, then one a class of bounces.</summary>
    private static readonly string Sums = string.Join(", ", Kinds.Select(kind => $"kind = '{kind.ToText()}'").Concat(Classes.Select(it => $"class = '{it.Name()}'"))
        .Select(condition => $"cast(sum(case when {condition} then events else 0 end) as bigint)"));

    /// <summary>What was counted before it was known where a domain's mail goes stands under the domain: it is shown with the rest of the site. A site of one host has a name that may be a domain of its own.</summary>
    private const string Counted = """
        select c.tenant_id, c.day, c.test, c.domain, c.category, coalesce(s.site, c.site) as site, c.kind, c.class, c.events
        from statistics c left join site_domains s on s.recipient_domain = c.site
            and not exists (select 1 from site_domains named where named.site = c.site)
        """;

    /// <summary>One row more than the limit where there is one.</summary>
    /// <param name="test">Of mail to the sandbox.</param>
    public Task<List<StatisticsRow>> Read(TenantId tenant, bool test, StatisticsWanted wanted, CancellationToken ct)
    {
        // What is not asked for is one and the same in every row, so that each dimension has its column.
        var columns = string.Join(", ", Dimensions.Select(it => wanted.GroupBy.Contains(it) ? it.ToText() : it == StatisticsDimension.Day ? "0" : "''"));
        var groups = string.Join(", ", wanted.GroupBy.Select(it => it.ToText()));
        return db.QueryAs(tenant,
            $"""
            select {columns}, {Sums} from ({Counted}) as counted
            where tenant_id = @tenant and test = @test and day >= @from and day <= @to
              and (cast(@domain as text) is null or domain = @domain)
              and (cast(@category as text) is null or category = @category)
              and (cast(@site as text) is null or site = @site)
            group by {groups} order by {groups} limit @limit offset @offset
            """,
            row => Row(row, wanted), ct,
            ("tenant", tenant.Value), ("test", test), ("from", (long)(wanted.From.DayNumber - Epoch.DayNumber)), ("to", (long)(wanted.To.DayNumber - Epoch.DayNumber)),
            ("domain", wanted.Domain), ("category", wanted.Category?.ToText()), ("site", wanted.Site), ("limit", wanted.Limit + 1), ("offset", wanted.Offset));
    }

    private static StatisticsRow Row(DbDataReader row, StatisticsWanted wanted)
    {
        return new StatisticsRow
        {
            Domain = Asked(StatisticsDimension.Domain) ? row.GetString(0) : null,
            Category = Asked(StatisticsDimension.Category) ? EnumText.Parse<Category>(row.GetString(1)) : null,
            Site = Asked(StatisticsDimension.Site) ? row.GetString(2) : null,
            Day = Asked(StatisticsDimension.Day) ? Epoch.AddDays((int)row.GetInt64(3)) : null,
            Accepted = Of(StatisticsKind.Accepted),
            Delivered = Of(StatisticsKind.Delivered),
            Deferred = Of(StatisticsKind.Deferred),
            Bounced = Of(StatisticsKind.Bounced),
            BouncedByClass = Classes.Select((it, at) => (Name: it.Name(), Events: row.GetInt64(Dimensions.Length + Kinds.Length + at))).Where(it => it.Events > 0).ToDictionary(it => it.Name, it => it.Events),
            Suppressed = Of(StatisticsKind.Suppressed),
            Expired = Of(StatisticsKind.Expired),
            Canceled = Of(StatisticsKind.Canceled),
            Failed = Of(StatisticsKind.Failed),
            Unknown = Of(StatisticsKind.Unknown),
            Complained = Of(StatisticsKind.Complained),
            Unsubscribed = Of(StatisticsKind.Unsubscribed),
        };

        bool Asked(StatisticsDimension dimension) => wanted.GroupBy.Contains(dimension);

        long Of(StatisticsKind kind) => row.GetInt64(Dimensions.Length + (int)kind);
    }
}
