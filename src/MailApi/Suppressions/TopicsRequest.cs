using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using FluentValidation;

namespace MailApi.Suppressions;

/// <summary>The body of <c>PUT /topics</c>.</summary>
internal sealed record TopicsRequest
{
    /// <summary>All of them, in the order in which recipients see them.</summary>
    [Required, MaxLength(TopicsRequestValidator.TopicsMax)]
    public IReadOnlyList<Topic?>? Items { get; init; }
}

internal sealed partial class TopicsRequestValidator : AbstractValidator<TopicsRequest>
{
    /// <summary>More than these nobody reads through on a page.</summary>
    public const int TopicsMax = 50;
    public const int NameCharsMax = 64;
    public const int TitleCharsMax = 100;
    public static readonly TopicsRequestValidator Instance = new();

    public TopicsRequestValidator()
    {
        RuleFor(it => it.Items).NotNull().WithMessage("Required.");
        RuleFor(it => it.Items).Must(items => items is null || items.Count <= TopicsMax).WithMessage($"At most {TopicsMax} topics.");
        RuleFor(it => it.Items).Must(items => items is null || items.Count > TopicsMax || items.Select(topic => topic?.Name).Distinct().Count() == items.Count).WithMessage("Each name once.");
        RuleForEach(it => it.Items).NotNull().SetValidator(new TopicValidator()!).When(it => it.Items?.Count <= TopicsMax);
    }

    private sealed partial class TopicValidator : AbstractValidator<Topic>
    {
        private static readonly string TitleMessage = $"A text of 1 to {TitleCharsMax} characters without control characters is required.";

        public TopicValidator()
        {
            RuleFor(it => it.Name).Must(name => name is not null && Name().IsMatch(name)).WithMessage($"Lower-case letters, digits and -, at most {NameCharsMax}.");
            RuleFor(it => it.Title).Must(title => title is not null && IsTitle(title)).WithMessage(TitleMessage);
            RuleFor(it => it.TitleZh).Must(title => title is null || IsTitle(title)).WithMessage(TitleMessage);
        }

        private static bool IsTitle(string title) => !string.IsNullOrWhiteSpace(title) && title.Length <= TitleCharsMax && !title.Any(char.IsControl);

        // \z and not $, which lets a line feed follow.
        [GeneratedRegex(@"^[a-z0-9-]{1,64}\z", RegexOptions.NonBacktracking)]
        private static partial Regex Name();
    }
}
