using System.Globalization;
using MailApi.Api;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Statistics;

/// <summary>What became of a tenant's mail, in numbers.</summary>
internal static class StatisticsRoutes
{
    /// <param name="counts">This process reads the event log into the statistics; in a cluster several may, and each event is counted once.</param>
    public static IServiceCollection AddStatistics(this IServiceCollection services, bool counts)
    {
        services.AddSingleton<StatisticsTable>().AddSingleton<EventTally>();
        return counts ? services.AddHostedService<EventCounter>() : services;
    }

    public static void MapStatistics(this IEndpointRouteBuilder routes) => routes.MapGet("/stats", Get)
        .RequireScope(Scopes.Read).WithTags("Statistics").WithName("GetStatistics").WithSummary("What became of mail, in numbers.")
        .WithDescription("Counted within two seconds and kept for 400 days. A test key reads what became of test mail, every other key the rest.");

    private static async Task<Results<Ok<StatisticsPage>, ProblemHttpResult>> Get(
        [AsParameters] StatisticsQuery query, Caller caller, StatisticsTable table, TimeProvider time, CancellationToken ct)
    {
        var errors = new Dictionary<string, string[]>();
        var wanted = StatisticsWanted.Read(query, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime), errors);
        if (errors.Count > 0) return Problem.InvalidFields(errors);

        var found = await table.Read(caller.Tenant, caller.IsTest, wanted, ct);
        var shown = found.Take(wanted.Limit).ToList();
        var next = found.Count > shown.Count ? Paging.Encode((wanted.Offset + shown.Count).ToString(CultureInfo.InvariantCulture)) : null;
        return TypedResults.Ok(new StatisticsPage(wanted.From, wanted.To, shown, next));
    }
}
