using System.Text.RegularExpressions;
using FluentValidation;
using MailApi.Api;
using MailApi.Mail.Composition;
using MailApi.Spool;

namespace MailApi.Sending;

/// <summary>What can be said of a send request from its text alone; every error at once, keyed by JSON path.</summary>
internal sealed partial class SendRequestValidator : AbstractValidator<SendRequest>
{
    private const string NotAnAddress = "Not a mailbox address. Write ann@example.net or Ann <ann@example.net>.";

    public SendRequestValidator(TimeProvider time)
    {
        RuleFor(it => it.From).NotEmpty().WithMessage("Required.");
        RuleFor(it => it.From).Must(BeMailbox).WithMessage(NotAnAddress).When(it => !string.IsNullOrEmpty(it.From));
        RuleFor(it => it.To).Custom((list, context) => Addresses("to", list, SendLimits.RecipientsMax, context));
        RuleFor(it => it.Cc).Custom((list, context) => Addresses("cc", list, SendLimits.RecipientsMax, context));
        RuleFor(it => it.Bcc).Custom((list, context) => Addresses("bcc", list, SendLimits.RecipientsMax, context));
        RuleFor(it => it.ReplyTo).Custom((list, context) => Addresses("replyTo", list, SendLimits.ReplyToMax, context));
        RuleFor(it => it.To).Must((it, _) => Recipients(it) > 0).WithMessage("At least one recipient is required in to, cc or bcc.");
        RuleFor(it => it.To).Must((it, _) => Recipients(it) <= SendLimits.RecipientsMax)
            .WithMessage($"At most {SendLimits.RecipientsMax} recipients in to, cc and bcc together.");

        RuleFor(it => it.Subject).NotEmpty().WithMessage("Required.").MaximumLength(SendLimits.SubjectCharsMax);
        RuleFor(it => it.Subject).Custom(HeaderText);
        RuleFor(it => it.Text).Must((it, _) => !string.IsNullOrEmpty(it.Text) || !string.IsNullOrEmpty(it.Html)).WithMessage("One of text and html is required.");
        RuleFor(it => it.Category).NotEmpty().WithMessage("Required.");
        RuleFor(it => it.Category).Must(text => EnumText.TryParse<Category>(text, out _)).When(it => !string.IsNullOrEmpty(it.Category))
            .WithMessage($"One of {string.Join(", ", Enum.GetValues<Category>().Select(category => category.ToText()))}.");
        RuleFor(it => it.OnUncertain).Must(text => text is null || EnumText.TryParse<OnUncertain>(text, out _)).WithMessage("retry or hold.");
        RuleFor(it => it.SendAt).Must(text => text is null || SendReader.TryReadInstant(text, out _)).WithMessage("A date and time such as 2026-12-01T09:00:00Z.");
        RuleFor(it => it.SendAt).Must(text => !SendReader.TryReadInstant(text, out var at) || at <= time.GetUtcNow() + SendLimits.SendAtMax)
            .WithMessage("At most ten years ahead.");

        RuleFor(it => it.Topic).MaximumLength(SendLimits.TopicCharsMax).Custom(HeaderText);
        RuleFor(it => it.Headers).Custom(Headers);
        RuleFor(it => it.Metadata).Custom(Metadata);
        RuleFor(it => it.Tags).Must(tags => tags is null || tags.Count <= SendLimits.TagsMax).WithMessage($"At most {SendLimits.TagsMax} tags.");
        RuleForEach(it => it.Tags).NotEmpty().MaximumLength(SendLimits.TagCharsMax).Custom(HeaderText).When(it => it.Tags?.Count <= SendLimits.TagsMax);
        RuleFor(it => it.Attachments).Must(all => all is null || all.Count <= SendLimits.AttachmentsMax).WithMessage($"At most {SendLimits.AttachmentsMax} attachments.");
        RuleForEach(it => it.Attachments).NotNull().SetValidator(new AttachmentValidator()!).When(it => it.Attachments?.Count <= SendLimits.AttachmentsMax);
    }

    private static int Recipients(SendRequest it) => (it.To?.Count ?? 0) + (it.Cc?.Count ?? 0) + (it.Bcc?.Count ?? 0);

    private static bool BeMailbox(string? text) => Mailbox.TryParse(text, out _);

    /// <summary>Looks at no more entries than are allowed, however many came.</summary>
    private static void Addresses(string path, IReadOnlyList<string?>? list, int max, ValidationContext<SendRequest> context)
    {
        if (list is null) return;
        if (list.Count > max) context.AddFailure(path, $"At most {max} addresses.");
        for (var index = 0; index < Math.Min(list.Count, max); index++)
            if (!BeMailbox(list[index])) context.AddFailure($"{path}[{index}]", NotAnAddress);
    }

    private static void HeaderText(string? value, ValidationContext<SendRequest> context)
    {
        if (value is not null && HeaderRules.ValueError(value) is { } error) context.AddFailure(error);
    }

    private static void Headers(IReadOnlyDictionary<string, string?>? headers, ValidationContext<SendRequest> context)
    {
        if (headers is null) return;
        if (headers.Count > SendLimits.HeadersMax) context.AddFailure($"At most {SendLimits.HeadersMax} headers.");
        foreach (var (name, value) in headers.Take(SendLimits.HeadersMax))
        {
            var error = HeaderRules.NameError(name) ?? (value is null ? "A text is required." : HeaderRules.ValueError(value))
                ?? (value!.Length > SendLimits.HeaderCharsMax ? $"At most {SendLimits.HeaderCharsMax} characters." : null);
            if (error is not null) context.AddFailure($"headers.{name}", error);
        }
    }

    private static void Metadata(IReadOnlyDictionary<string, string?>? metadata, ValidationContext<SendRequest> context)
    {
        if (metadata is null) return;
        if (metadata.Count > SendLimits.MetadataEntriesMax) context.AddFailure($"At most {SendLimits.MetadataEntriesMax} entries.");
        foreach (var (key, value) in metadata.Take(SendLimits.MetadataEntriesMax))
        {
            if (key.Length is 0 or > SendLimits.MetadataKeyCharsMax) context.AddFailure($"metadata.{key}", $"A key has 1 to {SendLimits.MetadataKeyCharsMax} characters.");
            if (value is null || value.Length > SendLimits.MetadataValueCharsMax || value.Contains('\0'))
                context.AddFailure($"metadata.{key}", $"A value is a text of at most {SendLimits.MetadataValueCharsMax} characters without U+0000.");
        }
    }

    private sealed partial class AttachmentValidator : AbstractValidator<SendAttachment>
    {
        public AttachmentValidator()
        {
            RuleFor(it => it.Filename).NotEmpty().MaximumLength(SendLimits.FilenameCharsMax).Must(BeHeaderText).WithMessage("A file name without control characters is required.");
            RuleFor(it => it.ContentType).Must(text => text is null || (text.Length <= SendLimits.MediaTypeCharsMax && MediaType().IsMatch(text))).WithMessage("A media type such as application/pdf, with its parameters: text/calendar; method=REQUEST.");
            RuleFor(it => it.Content).Must(text => text is not null && System.Buffers.Text.Base64.IsValid(text)).WithMessage("Base64 is required.");
            RuleFor(it => it.ContentId).Must(text => text is null || ContentIdText().IsMatch(text)).WithMessage("Letters, digits and ._@+- only, at most 128, without angle brackets.");
        }

        private static bool BeHeaderText(string? text) => text is not null && HeaderRules.ValueError(text) is null;

        // \z and not $, which lets a line feed follow.
        [GeneratedRegex("""^[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+(?: *; *[a-z0-9!#$&^_.+*'-]+=(?:[a-z0-9!#$&^_.+*%'-]+|"[a-z0-9 !#$%&'()*+,./:;<=>?@[\]^_{|}~-]*"))*\z""", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
        private static partial Regex MediaType();

        [GeneratedRegex(@"^[A-Za-z0-9._@+-]{1,128}\z", RegexOptions.NonBacktracking)]
        private static partial Regex ContentIdText();
    }
}
