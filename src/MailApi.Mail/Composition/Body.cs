using System.Buffers;
using System.Text;
using MimeKit;

namespace MailApi.Mail.Composition;

/// <summary>
/// The MIME tree of a draft: <c>mixed( alternative( text, related( html, inline images ) ), files )</c>, each layer only where it is needed
/// (RFC 2046 §5.1, RFC 2387). Every leaf is quoted-printable or base64.
/// </summary>
internal static class Body
{
    /// <summary>A type and a subtype of 127 characters (RFC 6838 §4.2) and a parameter or two.</summary>
    private const int ContentTypeCharsMax = 400;

    private static readonly SearchValues<byte> QuotedPrintableLiteral =
        SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Where(c => c != '=').Select(c => (byte)c), (byte)'\t', (byte)'\r', (byte)'\n']);

    public static MimeEntity Build(Draft draft)
    {
        var isInline = draft.Attachments.ToLookup(attachment => draft.Html is not null && attachment.ContentId is not null);
        var inline = isInline[true].ToArray();
        var files = isInline[false].ToArray();

        var html = draft.Html is null ? null : Related(TextPart("html", draft.Html), inline);
        var content = (draft.Text, html) switch
        {
            (null, null) => throw new ArgumentException("A message has text, HTML or both."),
            (null, _) => html,
            (_, null) => TextPart("plain", draft.Text),
            _ => new MultipartAlternative { TextPart("plain", draft.Text), html },
        };
        if (files.Length == 0) return content;

        var mixed = new Multipart("mixed") { content };
        foreach (var file in files) mixed.Add(FilePart(file, ContentDisposition.Attachment));
        return mixed;
    }

    private static MimeEntity Related(MimePart html, Attachment[] inline)
    {
        if (inline.Length == 0) return html;
        var related = new MultipartRelated { Root = html };
        foreach (var image in inline) related.Add(FilePart(image, ContentDisposition.Inline));
        return related;
    }

    private static MimePart TextPart(string subtype, string text)
    {
        var octets = Encoding.UTF8.GetBytes(WithCrLf(text));
        var part = new MimePart("text", subtype)
        {
            Content = new MimeContent(new MemoryStream(octets, writable: false)),
            ContentTransferEncoding = IsShorterInBase64(octets) ? ContentEncoding.Base64 : ContentEncoding.QuotedPrintable,
        };
        part.ContentType.Charset = "utf-8";
        return part;
    }

    /// <summary>
    /// Every line end becomes CRLF before anything is encoded, signed or sent: a bare CR or LF would be a line end to some receivers and not
    /// to others, and <c>LF . LF</c> the end of the message. The last line is ended too, since SMTP would end it anyway.
    /// </summary>
    private static string WithCrLf(string text)
    {
        // Not ReplaceLineEndings, which takes form feeds and U+2028 for line ends too.
        var lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').Replace("\n", "\r\n", StringComparison.Ordinal);
        return lines.EndsWith("\r\n", StringComparison.Ordinal) ? lines : lines + "\r\n";
    }

    /// <summary>Each octet that quoted-printable escapes takes three (RFC 2045 §6.7), base64 takes four for three.</summary>
    private static bool IsShorterInBase64(ReadOnlySpan<byte> octets)
    {
        var escaped = 0;
        for (var rest = octets; rest.IndexOfAnyExcept(QuotedPrintableLiteral) is >= 0 and var i; rest = rest[(i + 1)..]) escaped++;
        return octets.Length + 2L * escaped > 4L * octets.Length / 3;
    }

    private static MimePart FilePart(Attachment attachment, string disposition)
    {
        var part = new MimePart(TypeOf(attachment))
        {
            Content = new MimeContent(new MemoryStream(attachment.Content, writable: false)),
            ContentTransferEncoding = ContentEncoding.Base64,
            ContentDisposition = new ContentDisposition(disposition),
            FileName = attachment.FileName,
        };
        if (attachment.ContentId is { } id)
        {
            if (HeaderRules.ContentIdError(id) is { } error) throw new ArgumentException(error);
            part.ContentId = id;
        }
        return part;
    }

    /// <summary>
    /// The caller's type, or that of unknown octets: for what is no type, and for messages and multiparts, which may not be base64
    /// (RFC 2046 §5.1, §5.2.1) and which scanners and readers would open as part of this message.
    /// </summary>
    private static ContentType TypeOf(Attachment attachment)
    {
        var isUsable = ContentType.TryParse(attachment.ContentType, out var type)
            && attachment.ContentType.Length <= ContentTypeCharsMax && HeaderRules.ValueError(attachment.ContentType) is null
            && !type.IsMimeType("message", "*") && !type.IsMimeType("multipart", "*");
        return isUsable ? type! : new ContentType("application", "octet-stream");
    }
}
