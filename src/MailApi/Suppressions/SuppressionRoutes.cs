using System.ComponentModel;
using MailApi.Api;
using MailApi.Mail.Composition;
using MailApi.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Suppressions;

/// <summary>The addresses that get no more mail from a tenant.</summary>
internal static class SuppressionRoutes
{
    public static IServiceCollection AddSuppressions(this IServiceCollection services)
    {
        return services
            .AddSingleton<SuppressionList>()
            .AddSingleton(provider => new UnsubscribeToken(provider.GetRequiredService<Vault>().Derive(UnsubscribeToken.KeyPurpose)))
            .AddSingleton<UnsubscribeHeaders>()
            .AddSingleton<UnsubscribeLinks>();
    }

    public static void MapSuppressions(this IEndpointRouteBuilder routes)
    {
        var suppressions = routes.MapGroup("/suppressions").WithTags("Suppressions");
        suppressions.MapGet("", List).RequireScope(Scopes.Suppressions).WithName("ListSuppressions")
            .WithSummary("Lists suppressed addresses, newest first.");
        suppressions.MapPost("", Add).RequireScope(Scopes.Suppressions).WithName("AddSuppression")
            .WithSummary("Suppresses an address.").WithDescription("`200` with the entry that is there already; a weightier reason replaces its reason.");
        suppressions.MapDelete("/{id:id(sup_)}", Remove).RequireScope(Scopes.Suppressions).WithName("RemoveSuppression").WithSummary("Lets an address get mail again.");
    }

    private static async Task<Results<Ok<Page<Suppression>>, ProblemHttpResult>> List(
        [Description("This address alone.")] string? address,
        [Description("Entries for this category alone.")][TextOf(typeof(Category))] string? category,
        [Description("Entries with this reason.")][TextOf(typeof(SuppressionReason))] string? reason,
        int? limit, string? cursor, Caller caller, SuppressionList list, CancellationToken ct)
    {
        var errors = new Dictionary<string, string[]>();
        var count = Paging.Limit(limit);
        if (count is null) errors["limit"] = [$"Between 1 and {Paging.LimitMax}."];
        if (!TryReadCursor(cursor, out var before)) errors["cursor"] = ["This is no cursor of this list."];
        if (!TryReadFilter(address, category, reason, errors, out var filter) || errors.Count > 0) return Problem.InvalidFields(errors);

        var found = await list.List(caller.Tenant, filter, before, count!.Value + 1, ct);
        var shown = found.Take(count.Value).ToList();
        return TypedResults.Ok(new Page<Suppression>(shown, found.Count > shown.Count ? Paging.Encode(shown[^1].Id.Value.ToString("N")) : null));
    }

    private static async Task<Results<Created<Suppression>, Ok<Suppression>, ProblemHttpResult>> Add(
        SuppressionRequest request, Caller caller, SuppressionList list, CancellationToken ct)
    {
        var errors = SuppressionRequestValidator.Instance.Validate(request).ToDictionary();
        if (errors.Count > 0 || !EmailAddress.TryParse(request.Address, out var address)) return Problem.InvalidFields(errors);

        Category? category = request.Category is { } text ? EnumText.Parse<Category>(text) : null;
        var reason = request.Reason is { } word ? EnumText.Parse<SuppressionReason>(word) : SuppressionReason.Manual;
        var (entry, created) = await list.Add(caller.Tenant, address.ToString(), category, reason, "api", ct);
        return created ? TypedResults.Created($"/suppressions/{entry.Id}", entry) : TypedResults.Ok(entry);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> Remove(string id, Caller caller, SuppressionList list, CancellationToken ct) =>
        PrefixedId.TryParse<SuppressionId>(id, out var suppression) && await list.Remove(caller.Tenant, suppression, ct)
            ? TypedResults.NoContent()
            : Problem.NotFound.With();

    private static bool TryReadFilter(string? address, string? category, string? reason, Dictionary<string, string[]> errors, out SuppressionFilter filter)
    {
        EmailAddress? mailbox = null;
        Category parsedCategory = default;
        SuppressionReason parsedReason = default;
        if (address is not null && !EmailAddress.TryParse(address, out mailbox)) errors["address"] = [SuppressionRequestValidator.AddressMessage];
        if (category is not null && !EnumText.TryParse(category, out parsedCategory)) errors["category"] = [SuppressionRequestValidator.CategoryMessage];
        if (reason is not null && !EnumText.TryParse(reason, out parsedReason)) errors["reason"] = [SuppressionRequestValidator.ReasonMessage];
        filter = new SuppressionFilter(mailbox?.ToString(), category is null ? null : parsedCategory, reason is null ? null : parsedReason);
        return errors.Count == 0;
    }

    private static bool TryReadCursor(string? cursor, out Guid before)
    {
        before = Guid.AllBitsSet;
        return cursor is null || (Paging.TryDecode(cursor, out var position) && Guid.TryParseExact(position, "N", out before));
    }
}
