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
}

internal sealed class SuppressionRequestValidator : AbstractValidator<SuppressionRequest>
{
    public const string AddressMessage = "An address such as ann@example.net is required, without a name.";
    public static readonly string CategoryMessage = $"A category is one of {Names<Category>()}.";
    public static readonly string ReasonMessage = $"A reason is one of {Names<SuppressionReason>()}.";
    public static readonly SuppressionRequestValidator Instance = new();

    public SuppressionRequestValidator()
    {
        RuleFor(request => request.Address).Must(address => EmailAddress.TryParse(address, out _)).OverridePropertyName("address").WithMessage(AddressMessage);
        RuleFor(request => request.Category).Must(category => category is null || EnumText.TryParse<Category>(category, out _)).OverridePropertyName("category")
            .WithMessage(CategoryMessage);
        RuleFor(request => request.Reason).Must(reason => reason is null || EnumText.TryParse<SuppressionReason>(reason, out _)).OverridePropertyName("reason")
            .WithMessage(ReasonMessage);
    }

    private static string Names<T>() where T : struct, Enum => string.Join(", ", Enum.GetValues<T>().Select(value => value.ToText()));
}
