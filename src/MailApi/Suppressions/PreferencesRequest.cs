using FluentValidation;
using MailApi.Api;

namespace MailApi.Suppressions;

/// <summary>The body of <c>PUT /recipients/{address}/preferences</c>; what it does not name stays as it is.</summary>
internal sealed record PreferencesRequest
{
    /// <summary>By category: false unsubscribes from it, true undoes an unsubscription and nothing else.</summary>
    public IReadOnlyDictionary<string, bool>? Categories { get; init; }

    /// <summary>By the name of a topic.</summary>
    public IReadOnlyDictionary<string, bool>? Topics { get; init; }

    /// <summary>Once it is valid.</summary>
    public Choices ToChoices() => new(
        Categories?.ToDictionary(choice => EnumText.Parse<Category>(choice.Key), choice => choice.Value) ?? [], Topics ?? new Dictionary<string, bool>());
}

internal sealed class PreferencesRequestValidator : AbstractValidator<PreferencesRequest>
{
    /// <param name="topics">The names of the tenant's.</param>
    public PreferencesRequestValidator(IReadOnlySet<string> topics)
    {
        RuleFor(it => it.Categories).Custom((choices, context) =>
        {
            foreach (var name in choices?.Keys.Where(name => !EnumText.TryParse<Category>(name, out _)).Take(TopicsRequestValidator.TopicsMax) ?? [])
                context.AddFailure("categories." + name, SuppressionRequestValidator.CategoryMessage);
        });
        RuleFor(it => it.Topics).Custom((choices, context) =>
        {
            foreach (var name in choices?.Keys.Where(name => !topics.Contains(name)).Take(TopicsRequestValidator.TopicsMax) ?? [])
                context.AddFailure("topics." + name, "This is no topic of the tenant: name it in PUT /topics.");
        });
    }
}
