using System.ComponentModel;
using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Delivery.Tls;

/// <summary>How TLS with receivers came out, for the operator.</summary>
internal static class TlsResultRoutes
{
    private const long MillisecondsPerDay = 86_400_000;

    public static IServiceCollection AddReceiverTls(this IServiceCollection services, TlsSettings settings) => services
        .AddSingleton(settings).AddSingleton<StsFetcher>().AddSingleton<TlsPolicies>()
        .AddSingleton<MtaSts>().AddHostedService(provider => provider.GetRequiredService<MtaSts>())
        .AddSingleton<TlsResults>().AddHostedService(provider => provider.GetRequiredService<TlsResults>());

    public static void MapTlsResults(this IEndpointRouteBuilder routes) => routes.MapGet("/tls-results", List)
        .RequireScope(Scopes.Operator, needsTenant: false).WithTags("TLS").WithName("ListTlsResults")
        .WithSummary("How TLS with receivers came out, the newest day first.")
        .WithDescription("Negotiations, counted by UTC day, recipient domain, policy, result and mail host in the words of RFC 8460 §4; kept for 30 days. A connection that is used again does not negotiate again.");

    private static async Task<Results<Ok<Page<TlsResultCount>>, ProblemHttpResult>> List(
        [Description("Of this recipient domain.")] string? domain, [Description("Of this day.")] DateOnly? day, int? limit, string? cursor, Db db, CancellationToken ct)
    {
        var errors = new Dictionary<string, string[]>();
        var rows = Paging.Limit(limit);
        if (rows is null) errors["limit"] = [$"Between 1 and {Paging.LimitMax}."];
        if (domain?.Contains('\0', StringComparison.Ordinal) == true) errors["domain"] = ["Not a domain."];
        string[] after = [];
        if (!string.IsNullOrEmpty(cursor) && (!Paging.TryDecode(cursor, out var position) || (after = position.Split(' ')) is not [_, _, _, _, _] || position.Contains('\0', StringComparison.Ordinal)
            || !long.TryParse(after[0], NumberStyles.None, CultureInfo.InvariantCulture, out _))) errors["cursor"] = ["Not a cursor of this list: pass an answer's next."];
        if (errors.Count > 0) return Problem.InvalidFields(errors);

        var conditions = new List<string> { "true" };
        var args = new List<(string, object?)> { ("rows", rows!.Value + 1) };
        Narrow("domain = @domain", ("domain", domain?.ToLowerInvariant()));
        Narrow("day = @day", ("day", day is { } asked ? (long)(asked.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber) : null));
        if (after.Length > 0)
            Narrow("(day < @d or (day = @d and (domain, policy_type, result_type, mx) > (@n, @p, @r, @m)))",
                ("d", long.Parse(after[0], CultureInfo.InvariantCulture)), ("n", after[1]), ("p", after[2]), ("r", after[3]), ("m", after[4]));
        var found = await db.Query(
            $"select day, domain, policy_type, result_type, mx, sessions from tls_results where {string.Join(" and ", conditions)} order by day desc, domain, policy_type, result_type, mx limit @rows",
            row => (Count: Read(row), Position: string.Create(CultureInfo.InvariantCulture, $"{row.GetInt64(0)} {row.GetString(1)} {row.GetString(2)} {row.GetString(3)} {row.GetString(4)}")), ct, [.. args]);
        var page = found.Take(rows.Value).ToList();
        return TypedResults.Ok(new Page<TlsResultCount>([.. page.Select(row => row.Count)], found.Count > page.Count ? Paging.Encode(page[^1].Position) : null));

        void Narrow(string condition, params (string Name, object? Value)[] values)
        {
            if (values[0].Value is null) return;
            conditions.Add(condition);
            args.AddRange(values);
        }
    }

    private static TlsResultCount Read(DbDataReader row) => new()
    {
        Day = DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(0) * MillisecondsPerDay).UtcDateTime),
        Domain = row.GetString(1),
        PolicyType = row.GetString(2),
        ResultType = row.GetString(3),
        Mx = row.GetString(4) is { Length: > 0 } mx ? mx : null,
        Sessions = row.GetInt64(5),
    };
}

/// <summary>Negotiations of TLS that came out alike.</summary>
public sealed record TlsResultCount
{
    /// <summary>UTC.</summary>
    public required DateOnly Day { get; init; }

    /// <summary>The recipient's.</summary>
    public required string Domain { get; init; }

    /// <summary>What held: <c>tlsa</c>, <c>sts</c> or <c>no-policy-found</c> (RFC 8460 §4.4).</summary>
    public required string PolicyType { get; init; }

    /// <summary><c>success</c>, or a result type of RFC 8460 §4.3, such as <c>starttls-not-supported</c>.</summary>
    public required string ResultType { get; init; }

    /// <summary>The mail host; absent where none was come to, as when a policy could not be fetched.</summary>
    public required string? Mx { get; init; }

    public required long Sessions { get; init; }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Page<TlsResultCount>))]
internal sealed partial class TlsJson : JsonSerializerContext;
