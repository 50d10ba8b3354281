using System.ComponentModel.DataAnnotations;
using FluentValidation;
using MailApi.Api;
using MailApi.Mail.Composition;

namespace MailApi.Domains;

/// <summary>The settings that <c>PATCH /domains/{id}</c> changes; absent ones stay.</summary>
internal record DomainSettings
{
    /// <summary>The categories that the domain carries; required when it is registered.</summary>
    [TextOf(typeof(Category))]
    public IReadOnlyList<string>? Categories { get; init; }
    public RateSettings? Rate { get; init; }

    /// <summary><c>dns</c>, or <c>manual</c> with the operator's key.</summary>
    [TextOf(typeof(Verification))]
    public string? Verification { get; init; }
}

/// <summary>Messages a second, and how many may leave at once; the absent one stays as it is.</summary>
internal sealed record RateSettings
{
    [Range(SendingRate.PerSecondMin, SendingRate.PerSecondMax)]
    public double? PerSecond { get; init; }
    [Range(1, SendingRate.BurstMax)]
    public int? Burst { get; init; }
}

/// <summary>The body of <c>POST /domains</c>.</summary>
internal sealed record DomainRequest : DomainSettings
{
    /// <summary>Such as <c>mail.shop.example</c>.</summary>
    [Required]
    public string? Name { get; init; }

    /// <summary>Whose domain it is; the operator's key alone names it.</summary>
    public TenantId? Tenant { get; init; }
}

internal sealed class DomainSettingsValidator : AbstractValidator<DomainSettings>
{
    private static readonly string CategoryNames = string.Join(", ", Enum.GetValues<Category>().Select(category => category.ToText()));
    public static readonly DomainSettingsValidator Instance = new();

    public DomainSettingsValidator()
    {
        RuleFor(settings => settings.Categories).Must(categories => categories is not { Count: 0 }).OverridePropertyName("categories")
            .WithMessage("At least one category is required.");
        RuleFor(settings => settings.Categories).Must(categories => categories is null || categories.Count <= Enum.GetValues<Category>().Length)
            .OverridePropertyName("categories").WithMessage("Each category is named once.");
        RuleForEach(settings => settings.Categories).Must(category => EnumText.TryParse<Category>(category, out _)).OverridePropertyName("categories")
            .WithMessage($"A category is one of {CategoryNames}.");
        RuleFor(settings => settings.Rate!.PerSecond).InclusiveBetween(SendingRate.PerSecondMin, SendingRate.PerSecondMax).When(settings => settings.Rate is not null)
            .OverridePropertyName("rate.perSecond").WithMessage($"Between {SendingRate.PerSecondMin} and {SendingRate.PerSecondMax} messages a second.");
        RuleFor(settings => settings.Rate!.Burst).InclusiveBetween(1, SendingRate.BurstMax).When(settings => settings.Rate is not null)
            .OverridePropertyName("rate.burst").WithMessage($"Between 1 and {SendingRate.BurstMax} messages.");
        RuleFor(settings => settings.Verification).Must(text => text is null || EnumText.TryParse<Verification>(text, out _)).OverridePropertyName("verification")
            .WithMessage("Verification is dns or manual.");
    }
}

internal sealed class DomainRequestValidator : AbstractValidator<DomainRequest>
{
    /// <summary>Leaves room for the names below the domain (<c>ma1._domainkey.</c>, <c>bounces.</c>) within RFC 1035's 253 octets.</summary>
    public const int NameOctetsMax = 230;

    public static readonly DomainRequestValidator Instance = new();

    public DomainRequestValidator()
    {
        RuleFor(request => request.Name).Must(name => DomainName.TryParse(name, out var aLabels) && aLabels.Length <= NameOctetsMax).OverridePropertyName("name")
            .WithMessage($"A domain name of two labels or more and at most {NameOctetsMax} octets is required, such as mail.shop.example.");
        RuleFor(request => request.Categories).NotNull().OverridePropertyName("categories").WithMessage("At least one category is required.");
        Include(DomainSettingsValidator.Instance);
    }
}
