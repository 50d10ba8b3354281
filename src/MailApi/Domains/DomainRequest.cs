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

    /// <summary>Issue the records that make those who send bounces insist on TLS (RFC 8461).</summary>
    public bool? MtaSts { get; init; }

    /// <summary>Issue the record that asks them to report failures of TLS (RFC 8460).</summary>
    public bool? TlsRpt { get; init; }

    /// <summary>Issue the record that names this logo (BIMI): an https address of an SVG Tiny PS.</summary>
    [Url]
    public string? BimiLogo { get; init; }

    /// <summary>Make a new DKIM key when the one that signs is so many days old; it begins to sign once its record is seen.</summary>
    [Range(RotateAfterDaysMin, RotateAfterDaysMax)]
    public int? RotateDkimAfterDays { get; init; }

    /// <summary>Twice the time that a key needs to retire.</summary>
    internal const int RotateAfterDaysMin = 28;
    internal const int RotateAfterDaysMax = 3650;
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

    /// <summary>A key that was made elsewhere, such as the one that the domain's mail is signed with so far; by default one is made.</summary>
    public DkimImport? Dkim { get; init; }
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
        RuleFor(settings => settings.BimiLogo).Must(logo => logo is null || IsLogo(logo)).OverridePropertyName("bimiLogo")
            .WithMessage("An https address without semicolons, at most 200 characters long, is required.");
        RuleFor(settings => settings.RotateDkimAfterDays).InclusiveBetween(DomainSettings.RotateAfterDaysMin, DomainSettings.RotateAfterDaysMax)
            .OverridePropertyName("rotateDkimAfterDays").WithMessage($"Between {DomainSettings.RotateAfterDaysMin} and {DomainSettings.RotateAfterDaysMax} days.");
    }

    /// <summary>It goes into a tag list: a semicolon would begin another tag.</summary>
    private static bool IsLogo(string text) => text.Length <= 200 && !text.Contains(';', StringComparison.Ordinal)
        && Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps && System.Text.Ascii.IsValid(text) && !text.Any(char.IsWhiteSpace);
}

/// <summary>A key to import.</summary>
internal sealed record DkimImport
{
    /// <summary>The name in front of <c>._domainkey</c>: letters, digits and hyphens.</summary>
    [Required]
    public string? Selector { get; init; }

    /// <summary>PEM, not encrypted: an RSA key of 2,048 bits or more, or an Ed25519 key.</summary>
    [Required]
    public string? PrivateKey { get; init; }
}

internal sealed class DkimImportValidator : AbstractValidator<DkimImport>
{
    /// <summary>RFC 1035 §2.3.4.</summary>
    private const int SelectorOctetsMax = 63;

    /// <summary>An RSA key of 8,192 bits has 6,400.</summary>
    private const int PemCharactersMax = 10_000;

    public static readonly DkimImportValidator Instance = new();

    public DkimImportValidator()
    {
        RuleFor(request => request.Selector).Must(selector => selector is { Length: > 0 and <= SelectorOctetsMax }
                && selector.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-') && selector[0] != '-' && selector[^1] != '-')
            .OverridePropertyName("selector").WithMessage($"1 to {SelectorOctetsMax} lower-case letters, digits and inner hyphens are required.");
        RuleFor(request => request.PrivateKey).Must(pem => pem is { Length: > 0 and <= PemCharactersMax }).OverridePropertyName("privateKey")
            .WithMessage($"A key in PEM of at most {PemCharactersMax} characters is required.");
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
        RuleFor(request => request.Dkim!).SetValidator(DkimImportValidator.Instance).When(request => request.Dkim is not null).OverridePropertyName("dkim");
        Include(DomainSettingsValidator.Instance);
    }
}
