using System.ComponentModel;
using MailApi.Api;
using MailApi.Mail.Composition;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Suppressions;

/// <summary>What a tenant writes about, and what its recipients want of it.</summary>
internal static class PreferenceRoutes
{
    public static void MapPreferences(this IEndpointRouteBuilder routes)
    {
        var topics = routes.MapGroup("/topics").WithTags("Preferences");
        topics.MapGet("", ListTopics).RequireScope(Scopes.Suppressions).WithName("ListTopics").WithSummary("What the tenant writes about.");
        topics.MapPut("", ReplaceTopics).RequireScope(Scopes.Suppressions).WithName("ReplaceTopics").WithSummary("Says what the tenant writes about.")
            .WithDescription("Recipients of marketing choose among the topics on the page behind their unsubscribe link. What a recipient refused stays refused should a topic be taken away and come back.");

        var recipients = routes.MapGroup("/recipients/{address}/preferences").WithTags("Preferences");
        recipients.MapGet("", Find).RequireScope(Scopes.Suppressions).WithName("GetPreferences").WithSummary("What a recipient wants of the tenant.");
        recipients.MapPut("", Change).RequireScope(Scopes.Suppressions).IsTraffic().WithName("ChangePreferences").WithSummary("Records what a recipient wants.")
            .WithDescription("It never undoes a bounce, a complaint or a manual entry: `DELETE /suppressions/{id}` does, or an override.");
    }

    private static async Task<Ok<TopicList>> ListTopics(Caller caller, Topics topics, CancellationToken ct) => TypedResults.Ok(new TopicList(await topics.List(caller.Tenant, ct)));

    private static async Task<Results<Ok<TopicList>, ProblemHttpResult>> ReplaceTopics(TopicsRequest request, Caller caller, Topics topics, CancellationToken ct)
    {
        if (TopicsRequestValidator.Instance.Validate(request) is { IsValid: false } validation) return Problem.InvalidFields(ValidationErrors.ByPath(validation));
        await topics.Replace(caller.Tenant, [.. request.Items!.Select(topic => topic!)], ct);
        return TypedResults.Ok(new TopicList(await topics.List(caller.Tenant, ct)));
    }

    private static async Task<Results<Ok<Preferences>, ProblemHttpResult>> Find(
        [Description("Without a display name.")] string address, Caller caller, PreferenceStore preferences, CancellationToken ct) =>
        EmailAddress.TryParse(address, out var recipient) ? TypedResults.Ok(await preferences.Find(caller.Tenant, recipient.ToString(), ct)) : NoAddress();

    private static async Task<Results<Ok<Preferences>, ProblemHttpResult>> Change(
        [Description("Without a display name.")] string address, PreferencesRequest request, Caller caller, Topics topics, PreferenceStore preferences, CancellationToken ct)
    {
        if (!EmailAddress.TryParse(address, out var recipient)) return NoAddress();
        var names = (await topics.List(caller.Tenant, ct)).Select(topic => topic.Name!).ToHashSet();
        if (new PreferencesRequestValidator(names).Validate(request) is { IsValid: false } validation) return Problem.InvalidFields(ValidationErrors.ByPath(validation));
        await preferences.Choose(caller.Tenant, recipient.ToString(), request.ToChoices(), "api", ct);
        return TypedResults.Ok(await preferences.Find(caller.Tenant, recipient.ToString(), ct));
    }

    private static ProblemHttpResult NoAddress() => Problem.InvalidFields(new Dictionary<string, string[]> { ["address"] = [SuppressionRequestValidator.AddressMessage] });
}
