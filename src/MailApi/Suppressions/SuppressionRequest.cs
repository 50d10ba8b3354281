using System.ComponentModel.DataAnnotations;
using FluentValidation;
using MailApi.Api;
using MailApi.Mail.Composition;

namespace MailApi.Suppressions;

/// <summary>The body of <c>POST /suppressions</c>.</summary>
internal sealed record SuppressionRequest
{
    /// <summary>Without a display name.</summary>
    [Required]
    public string? Address { get; init; }

    /// <summary>Absent: every category.</summary>
    [TextOf(typeof(Category))]
    public string? Category { get; init; }

    /// <summary>Absent: <c>manual</c>.</summary>
    [TextOf(typeof(SuppressionReason))]
    public string? Reason { get; init; }

    /// <summary>Where it is known from, in the tenant's own words. Absent: <c>api</c>.</summary>
    [MaxLength(CsvColumns.TextCharsMax)]
    public string? Source { get; init; }

    /// <summary>To come; from then on the entry holds nothing back. Absent: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>The body of <c>POST /suppressions/{id}/override</c>.</summary>
internal sealed record OverrideRequest
{
    /// <summary>Why the tenant sends all the same: kept with the entry.</summary>
    [Required, MaxLength(CsvColumns.TextCharsMax)]
    public string? Reason { get; init; }
}

internal sealed class OverrideRequestValidator : AbstractValidator<OverrideRequest>
{
    public static readonly OverrideRequestValidator Instance = new();

    public OverrideRequestValidator() => RuleFor(request => request.Reason)
        .Must(reason => !string.IsNullOrWhiteSpace(reason) && reason.Length <= CsvColumns.TextCharsMax && !reason.Any(char.IsControl)).OverridePropertyName("reason")
        .WithMessage($"A text of 1 to {CsvColumns.TextCharsMax} characters without control characters is required.");
}

internal sealed class SuppressionRequestValidator : AbstractValidator<SuppressionRequest>
{
    public const string AddressMessage = "An address such as ann@example.net is required, without a name.";
    public static readonly string CategoryMessage = $"A category is one of {Names<Category>()}.";
    public static readonly string ReasonMessage = $"A reason is one of {string.Join(", ", SuppressionReasons.OfEntries.Select(reason => reason.ToText()))}.";
    public SuppressionRequestValidator(TimeProvider time)
    {
        RuleFor(request => request.Address).Must(address => EmailAddress.TryParse(address, out _)).OverridePropertyName("address").WithMessage(AddressMessage);
        RuleFor(request => request.Category).Must(category => category is null || EnumText.TryParse<Category>(category, out _)).OverridePropertyName("category")
            .WithMessage(CategoryMessage);
        RuleFor(request => request.Reason).Must(reason => reason is null || SuppressionReasons.TryParse(reason, out _)).OverridePropertyName("reason")
            .WithMessage(ReasonMessage);
        RuleFor(request => request.Source).Must(CsvColumns.IsText).OverridePropertyName("source").WithMessage($"A text of at most {CsvColumns.TextCharsMax} characters without control characters.");
        RuleFor(request => request.ExpiresAt).Must(at => at is null || at > time.GetUtcNow()).OverridePropertyName("expiresAt").WithMessage("An instant to come is required.");
    }

    private static string Names<T>() where T : struct, Enum => string.Join(", ", Enum.GetValues<T>().Select(value => value.ToText()));
}
