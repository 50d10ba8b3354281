using System.ComponentModel;
using MailApi.Api;
using MailApi.Mail.Composition;
using MailApi.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Suppressions;

/// <summary>The addresses that get no more mail from a tenant.</summary>
internal static class SuppressionRoutes
{
    /// <param name="receivesMail">Mail to the return-path hosts comes back to this service: it can be unsubscribed from by mail.</param>
    public static IServiceCollection AddSuppressions(this IServiceCollection services, bool receivesMail)
    {
        return services
            .AddSingleton<SuppressionList>()
            .AddSingleton(provider => new UnsubscribeToken(provider.GetRequiredService<Vault>().Derived(UnsubscribeToken.KeyPurpose)))
            .AddSingleton(provider => new UnsubscribeHeaders(provider.GetRequiredService<UnsubscribeToken>(), receivesMail))
            .AddSingleton<Topics>().AddSingleton<PreferenceStore>().AddSingleton<UnsubscribeLinks>()
            .AddSingleton<SuppressionRequestValidator>().AddSingleton<SuppressionImport>().AddSingleton<SuppressionExport>()
            .AddHostedService<LapsedEntries>();
    }

    public static void MapSuppressions(this IEndpointRouteBuilder routes)
    {
        var suppressions = routes.MapGroup("/suppressions").WithTags("Suppressions");
        suppressions.MapGet("", List).RequireScope(Scopes.Suppressions).WithName("ListSuppressions")
            .WithSummary("Lists suppressed addresses, newest first.");
        suppressions.MapPost("", Add).RequireScope(Scopes.Suppressions).WithName("AddSuppression")
            .WithSummary("Suppresses an address.").WithDescription("`200` with the entry that is there already for the same reason; it holds for longer where this one would, and an override ends.");
        suppressions.MapGet("/{id:id(sup_)}", Get).RequireScope(Scopes.Suppressions).WithName("GetSuppression").WithSummary("An entry.");
        suppressions.MapPost("/{id:id(sup_)}/override", Override).RequireScope(Scopes.Suppressions).WithName("OverrideSuppression")
            .WithSummary("Lets mail through in spite of an entry.")
            .WithDescription("The entry stays, with who overrode it and why. A new bounce, complaint or unsubscription of the same kind ends the override.");
        suppressions.MapDelete("/{id:id(sup_)}/override", EndOverride).RequireScope(Scopes.Suppressions).WithName("EndSuppressionOverride")
            .WithSummary("Lets an entry hold mail back again.");
        suppressions.MapDelete("/{id:id(sup_)}", Remove).RequireScope(Scopes.Suppressions).WithName("RemoveSuppression").WithSummary("Takes an entry away.");
        SuppressionFiles.Map(suppressions);
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
        SuppressionRequest request, Caller caller, SuppressionRequestValidator validator, SuppressionList list, CancellationToken ct)
    {
        var errors = validator.Validate(request).ToDictionary();
        if (errors.Count > 0 || !EmailAddress.TryParse(request.Address, out var address)) return Problem.InvalidFields(errors);

        Category? category = request.Category is { } text ? EnumText.Parse<Category>(text) : null;
        var reason = request.Reason is { } word ? EnumText.Parse<SuppressionReason>(word) : SuppressionReason.Manual;
        var (entry, created) = await list.Add(caller.Tenant, address.ToString(), category, reason, request.Source ?? "api", request.ExpiresAt, ct);
        return created ? TypedResults.Created($"/suppressions/{entry.Id}", entry) : TypedResults.Ok(entry);
    }

    private static async Task<Results<Ok<Suppression>, ProblemHttpResult>> Get(string id, Caller caller, SuppressionList list, CancellationToken ct) =>
        PrefixedId.TryParse<SuppressionId>(id, out var suppression) && await list.Find(caller.Tenant, suppression, ct) is { } entry ? TypedResults.Ok(entry) : Problem.NotFound.With();

    private static async Task<Results<Ok<Suppression>, ProblemHttpResult>> Override(string id, OverrideRequest request, Caller caller, SuppressionList list, CancellationToken ct)
    {
        var errors = OverrideRequestValidator.Instance.Validate(request).ToDictionary();
        if (errors.Count > 0) return Problem.InvalidFields(errors);
        return PrefixedId.TryParse<SuppressionId>(id, out var suppression) && await list.Override(caller.Tenant, suppression, By(caller), request.Reason!, ct) is { } entry
            ? TypedResults.Ok(entry)
            : Problem.NotFound.With();
    }

    private static async Task<Results<Ok<Suppression>, ProblemHttpResult>> EndOverride(string id, Caller caller, SuppressionList list, CancellationToken ct) =>
        PrefixedId.TryParse<SuppressionId>(id, out var suppression) && await list.EndOverride(caller.Tenant, suppression, ct) is { } entry
            ? TypedResults.Ok(entry)
            : Problem.NotFound.With();

    /// <summary>Who an override is recorded as.</summary>
    internal static string By(Caller caller) => caller.Key?.ToString() ?? "operator";

    private static async Task<Results<NoContent, ProblemHttpResult>> Remove(string id, Caller caller, SuppressionList list, CancellationToken ct) =>
        PrefixedId.TryParse<SuppressionId>(id, out var suppression) && await list.Remove(caller.Tenant, suppression, ct)
            ? TypedResults.NoContent()
            : Problem.NotFound.With();

    private static bool TryReadFilter(string? address, string? category, string? reason, Dictionary<string, string[]> errors, out SuppressionFilter filter)
    {
        EmailAddress? mailbox = null;
        Category parsedCategory = default;
        SuppressionReason parsedReason = default;
        if (address is not null && !EmailAddress.TryParse(Paging.Address(address), out mailbox)) errors["address"] = [SuppressionRequestValidator.AddressMessage];
        if (category is not null && !EnumText.TryParse(category, out parsedCategory)) errors["category"] = [SuppressionRequestValidator.CategoryMessage];
        if (reason is not null && !SuppressionReasons.TryParse(reason, out parsedReason)) errors["reason"] = [SuppressionRequestValidator.ReasonMessage];
        filter = new SuppressionFilter(mailbox?.ToString(), category is null ? null : parsedCategory, reason is null ? null : parsedReason);
        return errors.Count == 0;
    }

    private static bool TryReadCursor(string? cursor, out Guid before)
    {
        before = Guid.AllBitsSet;
        return string.IsNullOrEmpty(cursor) || (Paging.TryDecode(cursor, out var position) && Guid.TryParseExact(position, "N", out before));
    }
}
