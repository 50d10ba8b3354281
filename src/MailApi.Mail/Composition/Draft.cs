namespace MailApi.Mail.Composition;

/// <summary>A message before it is composed. All texts are checked before they come here (see <see cref="HeaderRules"/>).</summary>
public sealed record Draft
{
    /// <summary>Without angle brackets: <c>0198c0de…@mail.shop.example</c>.</summary>
    public required string MessageId { get; init; }
    public required DateTimeOffset Date { get; init; }
    public required Mailbox From { get; init; }
    public required IReadOnlyList<Mailbox> To { get; init; }
    public IReadOnlyList<Mailbox> Cc { get; init; } = [];
    public IReadOnlyList<Mailbox> ReplyTo { get; init; } = [];
    public required string Subject { get; init; }
    public string? Text { get; init; }
    public string? Html { get; init; }
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
    public IReadOnlyList<Attachment> Attachments { get; init; } = [];

    /// <summary>Null where complaints come back by no way that the message could name.</summary>
    public FeedbackLoop? FeedbackLoop { get; init; }
}

/// <summary>A file, or an inline image of the HTML when it has a <paramref name="ContentId"/> (without angle brackets).</summary>
public sealed record Attachment(string FileName, string ContentType, byte[] Content, string? ContentId);
