using System.ComponentModel.DataAnnotations;
using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Suppressions;

/// <summary>Something that a tenant writes about.</summary>
public sealed record Topic
{
    /// <summary>What <c>POST /send</c> calls it: lower-case letters, digits and <c>-</c>, at most 64.</summary>
    [Required, MaxLength(TopicsRequestValidator.NameCharsMax)]
    public string? Name { get; init; }

    /// <summary>What recipients read.</summary>
    [Required, MaxLength(TopicsRequestValidator.TitleCharsMax)]
    public string? Title { get; init; }

    /// <summary>The same in Chinese.</summary>
    [MaxLength(TopicsRequestValidator.TitleCharsMax)]
    public string? TitleZh { get; init; }
}

/// <summary>All topics of a tenant, in the order in which recipients see them.</summary>
internal sealed record TopicList(IReadOnlyList<Topic> Items);

/// <summary>The topics of a tenant in the store.</summary>
internal sealed class Topics(Db db)
{
    public Task<List<Topic>> List(TenantId tenant, CancellationToken ct) => db.QueryAs(tenant,
        "select name, title, title_zh from topics where tenant_id = @tenant order by place",
        row => new Topic { Name = row.GetString(0), Title = row.GetString(1), TitleZh = row.TextOrNull(2) }, ct, ("tenant", tenant.Value));

    public async Task<bool> Has(TenantId tenant, string name, CancellationToken ct) =>
        (await db.QueryAs(tenant, "select 1 from topics where tenant_id = @tenant and name = @name", row => row.GetInt32(0), ct, ("tenant", tenant.Value), ("name", name))).Count > 0;

    /// <summary>What a recipient did not want stays unwanted, should a topic come back under its name.</summary>
    public Task Replace(TenantId tenant, IReadOnlyList<Topic> topics, CancellationToken ct) => db.WriteAs(tenant, async transaction =>
    {
        // Two who replace them at once take turns.
        if (db.Dialect.TakeTurns is { } takeTurns) await transaction.Execute(takeTurns, ct, ("subject", "topics " + tenant));
        await transaction.Run(
        [
            new Statement("delete from topics where tenant_id = @tenant", ("tenant", tenant.Value)),
            .. topics.Select((topic, place) => new Statement("insert into topics (tenant_id, name, title, title_zh, place) values (@tenant, @name, @title, @titleZh, @place)",
                ("tenant", tenant.Value), ("name", topic.Name), ("title", topic.Title), ("titleZh", topic.TitleZh), ("place", place))),
        ], null, ct);
        return 0;
    }, ct);
}
