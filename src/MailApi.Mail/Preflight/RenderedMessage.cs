using System.Text;
using MailApi.Mail.Dkim;
using MimeKit;

namespace MailApi.Mail.Preflight;

/// <summary>The octets as they would leave, and what the checks read from them, once.</summary>
internal sealed class RenderedMessage
{
    /// <summary>Of a text; what is beyond is not looked at, only its size.</summary>
    public const int TextCharsMax = 400_000;

    private RenderedMessage(byte[] raw, RawMessage split, MimeMessage? mime, string? error)
    {
        (Raw, Fields, Mime, Error) = (raw, split.Fields, mime, error);
        HeaderBytes = error is null ? raw.Length - split.Body.Length : Math.Min(raw.Length, split.Fields.Sum(field => field.Octets.Length) + 2);
        if (mime is null) return;

        var parts = mime.BodyParts.ToList();
        Text = Read(parts, part => part.IsPlain);
        HtmlSource = Read(parts, part => part.IsHtml);
        Html = HtmlSource is null ? null : HtmlContent.Read(HtmlSource);
        Attachments = [.. parts.OfType<MimePart>().Where(IsFile)];
    }

    public byte[] Raw { get; }

    public IReadOnlyList<RawField> Fields { get; }

    /// <summary>With the line ends and the empty line behind them.</summary>
    public int HeaderBytes { get; }

    /// <summary>Null when <see cref="Error"/> says why.</summary>
    public MimeMessage? Mime { get; }

    /// <summary>Why the message could not be taken apart, a whole sentence.</summary>
    public string? Error { get; }

    /// <summary>The decoded first plain text part.</summary>
    public string? Text { get; }

    /// <summary>The decoded first HTML part.</summary>
    public string? HtmlSource { get; }

    public HtmlContent? Html { get; }

    /// <summary>Files and inline images.</summary>
    public IReadOnlyList<MimePart> Attachments { get; } = [];

    public string Subject => Mime?.Subject ?? "";

    public MailboxAddress? From => Mime?.From.Mailboxes.FirstOrDefault();

    /// <summary>What a reader sees: of the HTML, or of the plain text where there is no HTML.</summary>
    public string VisibleText => Html?.VisibleText ?? Text ?? "";

    public static RenderedMessage Read(ReadOnlyMemory<byte> message)
    {
        var raw = message.ToArray();
        if (MimeBounds.Error(raw) is { } error) return new RenderedMessage(raw, RawMessage.Parse(HeadOf(raw)), null, error);
        using var stream = new MemoryStream(raw, writable: false);
        try
        {
            return new RenderedMessage(raw, RawMessage.Parse(raw), MimeMessage.Load(MimeBounds.BoundedOptions(), stream), null);
        }
        catch (FormatException)
        {
            return new RenderedMessage(raw, RawMessage.Parse(HeadOf(raw)), null, "Its header cannot be read.");
        }
    }

    /// <summary>The unfolded values of a field, in order.</summary>
    public IEnumerable<string> Values(string name) => Fields.Where(field => field.Name == name)
        .Select(field => Encoding.UTF8.GetString(field.Value.Span).Replace("\r\n", "", StringComparison.Ordinal).Trim());

    public bool Has(string name) => Fields.Any(field => field.Name == name);

    /// <summary>Enough to tell what is wrong with a header that is no header, without splitting 64 MB into lines.</summary>
    private static ReadOnlyMemory<byte> HeadOf(byte[] raw) => raw.AsMemory(0, Math.Min(raw.Length, HeaderLint.HeaderBytesMax + 1));

    private static string? Read(List<MimeEntity> parts, Func<TextPart, bool> fits)
    {
        if (parts.OfType<TextPart>().FirstOrDefault(part => fits(part) && !part.IsAttachment) is not { Content: not null } found) return null;
        return found.Text;
    }

    private static bool IsFile(MimePart part) => part is not TextPart || part.IsAttachment || part.FileName is not null;
}
