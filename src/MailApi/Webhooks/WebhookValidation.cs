using FluentValidation;
using MailApi.Events;

namespace MailApi.Webhooks;

internal sealed class NewWebhookValidator : AbstractValidator<NewWebhook>
{
    public NewWebhookValidator(WebhookOptions options)
    {
        RuleFor(webhook => webhook.Url).MustBeCallable(options);
        RuleFor(webhook => webhook.Events).MustBeChosen().OverridePropertyName("events");
        RuleForEach(webhook => webhook.Events).MustBeKnown().OverridePropertyName("events");
    }
}

internal sealed class WebhookChangeValidator : AbstractValidator<WebhookChange>
{
    public WebhookChangeValidator(WebhookOptions options)
    {
        RuleFor(change => change.Url).MustBeCallable(options).When(change => change.Url is not null);
        RuleFor(change => change.Events).MustBeChosen().When(change => change.Events is not null).OverridePropertyName("events");
        RuleForEach(change => change.Events).MustBeKnown().OverridePropertyName("events");
    }
}

internal sealed class ReplayOrderValidator : AbstractValidator<ReplayOrder>
{
    public ReplayOrderValidator()
    {
        RuleFor(order => order.Events).Must(events => events is null or { Count: >= 1 and <= ReplayOrder.EventsMax })
            .WithMessage($"Name 1 to {ReplayOrder.EventsMax} events.").OverridePropertyName("events");
        RuleFor(order => order.Events).Must((order, events) => events is null || (order.From is null && order.To is null))
            .WithMessage("Name either events or a span of time.").OverridePropertyName("events");
        RuleFor(order => order.From).Must((order, from) => from is null || order.To is null || from < order.To)
            .WithMessage("from must lie before to.").OverridePropertyName("from");
    }
}

internal static class WebhookRules
{
    public const string AllEvents = "*";

    public static IRuleBuilderOptionsConditions<T, string?> MustBeCallable<T>(this IRuleBuilder<T, string?> rule, WebhookOptions options) =>
        rule.Custom((url, context) =>
        {
            if (!WebhookUrl.TryParse(url, options.AllowPrivateNetworks, out _, out var refusal)) context.AddFailure("url", refusal);
        });

    public static IRuleBuilderOptions<T, IReadOnlyList<string?>?> MustBeChosen<T>(this IRuleBuilder<T, IReadOnlyList<string?>?> rule) =>
        rule.Must(events => events is { Count: >= 1 } && events.Count <= EventTypes.All.Count + 1)
            .WithMessage("Name at least one event type, each once, or \"*\".");

    public static IRuleBuilderOptions<T, string?> MustBeKnown<T>(this IRuleBuilder<T, string?> rule) =>
        rule.Must(name => name == AllEvents || (name is not null && EventTypes.TryParse(name, out _)))
            .WithMessage($"Unknown event type; known are {string.Join(", ", EventTypes.All)} and \"*\".");

    /// <summary>The stored form of a checked list: each type once, and <c>*</c> alone where it stands among others.</summary>
    public static IReadOnlyList<string> Normalise(IReadOnlyList<string?> events) =>
        events.Contains(AllEvents) ? [AllEvents] : [.. events.OfType<string>().Distinct(StringComparer.Ordinal)];
}
